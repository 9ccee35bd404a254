#!/usr/bin/env bash
# test.sh EXAMPLES_DIR HF_SERVE: the examples against a Hub of one's own, as a reader would run them.
set -euo pipefail
examples=$1 serve=$2
export LC_ALL=C

tmp=$(mktemp -d)
server=
finish()
{
    local code=$?
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    rm -rf "$tmp"
    exit $code
}
trap finish EXIT
trap 'exit 143' INT TERM HUP
die() { echo "examples: $*" >&2; exit 1; }

for name in $(compgen -e | grep -E '^(HF_|HUGGING|.*_(proxy|PROXY)$)' || true); do unset "$name"; done
export HF_HOME=$tmp/home
mkdir -p "$tmp/model/sub"
echo '{"answer": 42}' >"$tmp/model/config.json"
head -c 3000000 /dev/urandom >"$tmp/model/model.safetensors"
head -c 1000 /dev/urandom >"$tmp/model/sub/more.bin"
"$serve" import some/model "$tmp/model" --data "$tmp/data" >/dev/null

# start [OPTION...]: a server; HF_ENDPOINT names it.
start()
{
    : >"$tmp/serve.log"
    "$serve" --data "$tmp/data" --port 0 "$@" >"$tmp/serve.log" 2>&1 &
    server=$!
    HF_ENDPOINT=
    for ((i = 0; i < 400; i++)); do
        HF_ENDPOINT=$(sed -n 's/^hf-serve listening on //p' "$tmp/serve.log")
        [ -z "$HF_ENDPOINT" ] || break
        sleep 0.05
    done
    [ -n "$HF_ENDPOINT" ] || { cat "$tmp/serve.log" >&2; die "hf-serve did not start"; }
    export HF_ENDPOINT
}
start

path=$("$examples/download" some/model config.json)
cmp "$path" "$tmp/model/config.json" || die "download: another file"
if "$examples/download" some/model nothing.txt >"$tmp/out" 2>"$tmp/err"; then die "download: a missing file is found"; fi
grep -q HF_ERR_ENTRY_NOT_FOUND "$tmp/err" || { cat "$tmp/err" >&2; die "download: another error"; }

"$examples/list" some/model >"$tmp/out"
[ "$(awk '$2 == "model.safetensors" { print $1 }' "$tmp/out")" = 3000000 ] || { cat "$tmp/out"; die "list: wrong size"; }
grep -q ' sub/more.bin$' "$tmp/out" || die "list: a file in a folder is missing"

"$examples/snapshot" some/model '*.json' 'sub/*' >"$tmp/out" 2>"$tmp/err"
grep -q '^config.json (was here)$' "$tmp/out" || { cat "$tmp/out"; die "snapshot: config.json was fetched again"; }
if grep -q safetensors "$tmp/out"; then die "snapshot: the patterns do nothing"; fi
cmp "$(tail -n 1 "$tmp/out")/sub/more.bin" "$tmp/model/sub/more.bin" || die "snapshot: another file"

# A server that stalls in the middle of the body, so that there is something to cancel whatever the machine's speed.
kill "$server"
wait "$server" || true
cat >"$tmp/faults" <<'END'
match=GET:* origin=storage action=stall=1000:60000
END
start --faults "$tmp/faults"
code=0
timeout 60 "$examples/cancel" some/model 300 >"$tmp/out" 2>"$tmp/err" || code=$?
[ $code = 3 ] || { cat "$tmp/out" "$tmp/err" >&2; die "cancel: exit code $code"; }
grep -q HF_ERR_CANCELED "$tmp/err" || die "cancel: another error"
kill "$server"
wait "$server" || true
start
snapshot=$("$examples/cancel" some/model 60000) || die "cancel: the second run fails"
cmp "$snapshot/model.safetensors" "$tmp/model/model.safetensors" || die "cancel: another file"
echo "4 examples work"
