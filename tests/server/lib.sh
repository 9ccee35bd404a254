# What the tests of hf-serve share. Each test is one process with its own data folder and ports, ends what it started
# and leaves nothing behind.
set -uo pipefail

: "${HF_SERVE:?names the hf-serve to test}"
W=$(mktemp -d)
DATA=$W/data
LOG=$W/access.log
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SERVER_PID=
export HOME=$W/home GIT_CONFIG_NOSYSTEM=1 GIT_TERMINAL_PROMPT=0 LC_ALL=C.UTF-8
unset HF_TOKEN HF_ENDPOINT HF_HOME http_proxy https_proxy all_proxy
mkdir -p "$HOME"

cleanup() {
    [ -z "$SERVER_PID" ] || { kill "$SERVER_PID" && wait "$SERVER_PID"; } 2>/dev/null
    rm -rf "$W"
}
trap cleanup EXIT

fail() {
    echo "FAIL: $*" >&2
    [ ! -s "$W/head" ] || sed 's/^/  head: /' "$W/head" >&2
    [ ! -s "$W/server.err" ] || sed 's/^/  server: /' "$W/server.err" >&2
    exit 1
}

# is WHAT GOT WANTED
is() {
    [ "$2" = "$3" ] || fail "$1: got '$2', wanted '$3'"
}

# has WHAT TEXT GLOB
has() {
    # shellcheck disable=SC2053
    [[ $2 == $3 ]] || fail "$1: got '$2', wanted '$3'"
}

# start_server OPTION...: HUB and STORAGE are the origins.
start_server() {
    local i
    : >"$W/server.out"
    "$HF_SERVE" serve --data "$DATA" --port 0 --access-log "$LOG" "$@" >"$W/server.out" 2>"$W/server.err" &
    SERVER_PID=$!
    for ((i = 0; i < 600; i++)); do
        [ "$(wc -l <"$W/server.out")" -lt 2 ] || break
        kill -0 "$SERVER_PID" 2>/dev/null || { SERVER_PID=; fail "hf-serve did not start"; }
        sleep 0.05
    done
    HUB=$(sed -n 's/^hf-serve listening on //p' "$W/server.out")
    STORAGE=$(sed -n 's/^hf-serve storage on //p' "$W/server.out")
    [ -n "$HUB" ] || fail "hf-serve told no URL"
}

stop_server() {
    local code
    kill -TERM "$SERVER_PID"
    wait "$SERVER_PID"
    code=$?
    SERVER_PID=
    is "exit code after SIGTERM" "$code" 0
}

# req CURL-ARGUMENT...: CODE, header() and $W/body; CURL_EXIT is curl's own verdict.
req() {
    : >"$W/head" >"$W/body"
    CODE=$(curl -sS --max-time 60 -D "$W/head" -o "$W/body" -w '%{http_code}' "$@" 2>"$W/curl.err")
    CURL_EXIT=$?
    local line name
    HEAD=()
    while IFS= read -r line; do
        line=${line%$'\r'}
        case $line in
        HTTP/*) HEAD=() ;; # of a redirect that was followed
        *:*)
            name=${line%%:*}
            HEAD[${name,,}]=${line#*: }
            ;;
        esac
    done <"$W/head"
}
declare -A HEAD=()

# header NAME: of the last answer
header() {
    printf '%s\n' "${HEAD[${1,,}]:-}"
}

# log_lines: waits until every request has its line, then prints the log without that question's own.
log_lines() {
    curl -sS --max-time 20 -o /dev/null "$HUB/-/settled" || fail "no answer from /-/settled"
    grep -v '"path":"/-/settled"' "$LOG"
    return 0
}

# json FILE EXPRESSION: of python, with the document as d
json() {
    python3 -c 'import json, sys
d = json.load(open(sys.argv[1], encoding="utf-8"))
v = eval(sys.argv[2])
print(v if isinstance(v, str) else json.dumps(v))' "$1" "$2" || fail "no JSON, or no $2, in $(cat "$1")"
}

# make_model: files of a model in $W/model: two small ones, an empty one, a big one that .gitattributes sends to LFS.
make_model() {
    mkdir -p "$W/model/sub dir"
    printf '{"hidden_size": 8}\n' >"$W/model/config.json"
    printf 'odd\n' >"$W/model/sub dir/a #%+é.txt"
    : >"$W/model/empty.txt"
    python3 -c 'import random, sys
sys.stdout.buffer.write(random.Random(7).randbytes(1500000))' >"$W/model/model.bin"
    SHA=$(sha256sum "$W/model/model.bin" | cut -d' ' -f1)
    BLOB=$(git hash-object "$W/model/config.json")
}

serve_cmd() {
    "$HF_SERVE" "$@" --data "$DATA" >"$W/cmd.out" 2>"$W/cmd.err" || fail "hf-serve $*: $(cat "$W/cmd.err")"
}
