#!/usr/bin/env bash
# kill -9 at random moments of an import: the repository is as before or as after, every LFS object has its hash, and
# the next import brings what is missing.
. "$(dirname "$0")/lib.sh"
make_model
for i in $(seq 1 60); do printf '%s\n' "$i" >"$W/model/f$i.txt"; done
for i in 1 2 3 4; do head -c $((i * 300000)) "$W/model/model.bin" >"$W/model/part$i.bin"; done

check() {
    local dir f
    for dir in "$DATA"/git/*.git; do
        [ -d "$dir" ] || continue
        is "fsck, $1" "$(git -C "$dir" fsck --full --strict --no-dangling 2>&1)" ""
        [ "$(git -C "$dir" rev-list --count main)" -ge 1 ] || fail "main is gone, $1"
    done
    while read -r f; do
        is "hash of an LFS object, $1" "$(sha256sum <"$f" | cut -d' ' -f1)" "$(basename "$f")"
    done < <(find "$DATA/lfs" -type f)
}

killed=0
for i in $(seq 1 20); do
    printf '%s\n' "$i" >"$W/model/turn.txt"
    head -c $((i * 40000)) "$W/model/model.bin" >"$W/model/grows.bin"
    "$HF_SERVE" import acme/tiny "$W/model" --data "$DATA" >/dev/null 2>&1 &
    pid=$!
    sleep "0.0$((RANDOM % 90 + 10))"
    kill -9 "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    [ $? = 137 ] && killed=$((killed + 1))
    check "turn $i"
done
serve_cmd import acme/tiny "$W/model"
check "at last"
is "one repo" "$("$HF_SERVE" repo list --data "$DATA" | wc -l)" 1
is "nothing left over" "$(ls -A "$DATA/tmp")" ""
DIR=$(ls -d "$DATA"/git/*.git)
is "one repository on disk" "$(wc -w <<<"$DIR")" 1
for f in "$W"/model/*.txt; do
    is "$(basename "$f")" "$(git -C "$DIR" rev-parse "main:$(basename "$f")")" "$(git hash-object --no-filters "$f")"
done
for f in "$W"/model/*.bin; do
    is "$(basename "$f")" "$(git -C "$DIR" cat-file blob "main:$(basename "$f")")" "$(git lfs pointer --file="$f" 2>/dev/null)"
done
[ "$killed" -gt 0 ] || fail "nothing was killed: the test shows nothing"

# two at once lose nothing
mkdir "$W/a" "$W/b" && echo a >"$W/a/a.txt" && echo b >"$W/b/b.txt"
"$HF_SERVE" import acme/both "$W/a" --data "$DATA" >/dev/null 2>"$W/a.err" &
first=$!
"$HF_SERVE" import acme/both "$W/b" --data "$DATA" >/dev/null 2>"$W/b.err" || fail "second: $(cat "$W/b.err")"
wait $first || fail "first: $(cat "$W/a.err")"
for DIR in "$DATA"/git/*.git; do
    [ "$(git -C "$DIR" ls-tree main | wc -l)" != 3 ] || exit 0
done
fail "one of two imports was lost"
