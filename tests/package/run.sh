#!/usr/bin/env bash
# run.sh BUILD_DIR CC CXX FLAGS: installs into a staging folder and builds a program of somebody else's against what
# lies there: by pkg-config and by CMake, with the shared library and the archive, as C and as C++. CXX may be empty.
set -euo pipefail
build=$1 cc=$2 cxx=$3 flags=$4
here=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
fail() { echo "package: $*" >&2; exit 1; }

DESTDIR=$tmp/stage cmake --install "$build" --prefix /usr >"$tmp/log" || { cat "$tmp/log"; fail "install failed"; }
# A package must not depend on where it was staged.
mv "$tmp/stage" "$tmp/moved"
root=$tmp/moved/usr
pc=$(find "$root" -name hfhub.pc)
[ -n "$pc" ] || fail "hfhub.pc is not installed"
libdir=$(dirname "$(dirname "$pc")")
for file in "$root/include/hfhub/hfhub.h" "$libdir/libhfhub.so" "$libdir/libhfhub.a" "$root/bin/hf" \
    "$root/bin/huggingface-cli" "$root/bin/hf-serve" "$root/share/man/man1/hf.1" "$root/share/man/man1/hf-download.1"; do
    [ -e "$file" ] || fail "not installed: ${file#"$root"/}"
done
if grep -rlIF -e "$build" -e "$tmp/stage" "$root/lib" "$root/include" "$root/share"; then
    fail "the files above hold paths of the build"
fi
[ "$(readlink "$root/bin/huggingface-cli")" = hf ] || fail "huggingface-cli is not a link to hf"
"$root/bin/huggingface-cli" version >/dev/null || fail "the installed huggingface-cli does not run"

wanted=http://localhost:1/datasets/some/data/resolve/v%201/a%20b.txt
count=0
# check NAME COMMAND...: the program prints what it must.
check()
{
    local name=$1 got
    shift
    got=$("$@") || fail "$name: the program failed"
    [ "$got" = "$wanted" ] || fail "$name: got '$got'"
    count=$((count + 1))
    echo "ok: $name"
}

export PKG_CONFIG_PATH=$(dirname "$pc")
export LD_LIBRARY_PATH=$libdir
read -ra flags <<<"$flags"
for language in c c++; do
    compiler=("$cc")
    if [ $language = c++ ]; then
        [ -n "$cxx" ] || continue
        compiler=("$cxx")
    fi
    read -ra cflags <<<"$(pkg-config --cflags hfhub)"
    read -ra shared <<<"$(pkg-config --libs hfhub)"
    read -ra static <<<"$(pkg-config --static --libs hfhub)"
    one=("${compiler[@]}" "${flags[@]}" -Wall -Wextra -Werror -x "$language" "$here/consumer.c" -x none)
    "${one[@]}" "${cflags[@]}" "${shared[@]}" -o "$tmp/shared-$language"
    check "pkg-config, shared, $language" "$tmp/shared-$language"
    static=("${static[@]/#-lhfhub/-l:libhfhub.a}")
    "${one[@]}" "${cflags[@]}" "${static[@]}" -o "$tmp/static-$language"
    check "pkg-config, static, $language" env -u LD_LIBRARY_PATH "$tmp/static-$language"
done

# The program that the README shows: it must compile, and say what is wrong where there is no Hub.
awk '/^```c$/ { on = 1; next } /^```/ { on = 0 } on' "$here/../../README.md" >"$tmp/readme.c"
"$cc" "${flags[@]}" -Wall -Wextra -Werror "$tmp/readme.c" "${cflags[@]}" "${shared[@]}" -o "$tmp/readme"
if HF_ENDPOINT=http://127.0.0.1:9 HF_HOME=$tmp/home HF_HUB_OFFLINE=1 "$tmp/readme" >"$tmp/log" 2>&1; then
    fail "the program of the README succeeds without a Hub"
fi
[ -s "$tmp/log" ] || fail "the program of the README does not say what is wrong"
echo "ok: the program of the README"

languages=C
[ -z "$cxx" ] || languages="C CXX"
mkdir "$tmp/project"
cat >"$tmp/project/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.20)
project(consumer LANGUAGES $languages)
find_package(hfhub 0.1 REQUIRED)
foreach(language $languages)
  string(TOLOWER \${language} ending)
  configure_file("$here/consumer.c" consumer.\${ending} COPYONLY)
  foreach(library hfhub hfhub_static)
    add_executable(\${library}-\${language} \${CMAKE_CURRENT_BINARY_DIR}/consumer.\${ending})
    target_link_libraries(\${library}-\${language} PRIVATE hfhub::\${library})
  endforeach()
endforeach()
END
CC=$cc CXX=$cxx CFLAGS="${flags[*]}" CXXFLAGS="${flags[*]}" cmake -S "$tmp/project" -B "$tmp/project/out" \
    -DCMAKE_PREFIX_PATH="$root" >"$tmp/log" 2>&1 || { cat "$tmp/log"; fail "find_package(hfhub) does not work"; }
cmake --build "$tmp/project/out" >"$tmp/log" 2>&1 || { cat "$tmp/log"; fail "building with CMake does not work"; }
for language in $languages; do
    check "CMake, shared, $language" "$tmp/project/out/hfhub-$language"
    check "CMake, static, $language" env -u LD_LIBRARY_PATH "$tmp/project/out/hfhub_static-$language"
done
echo "$count programs built and run against the installed package"
