#!/usr/bin/env bash
# Requests that change accounts and repos, from clients that mean no good: every one is a clear 4xx, and memory stays.
. "$(dirname "$0")/lib.sh"
serve_cmd user add alice
TOKEN=$(tail -n 1 "$W/cmd.out")
serve_cmd token add alice --name r --role read
READ=$(tail -n 1 "$W/cmd.out")
start_server
AUTH=(-H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json')
api() { # METHOD PATH [CURL-ARGUMENT...]
    local method=$1 path=$2
    shift 2
    req -X "$method" "${AUTH[@]}" "$HUB/api/$path" "$@"
}
api POST repos/create -d '{"name":"m"}'
is "create" "$CODE $(json "$W/body" 'd["url"]')" "200 $HUB/alice/m"
api POST models/alice/m/discussions -d '{"title":"t","description":"d"}'
is "discuss" "$CODE" 200

# every route that takes JSON, against JSON that is none, or of other types
ROUTES='POST repos/create
DELETE repos/delete
POST repos/move
PUT models/alice/m/settings
POST models/alice/m/duplicate
POST models/alice/m/branch/b
POST models/alice/m/tag/main
POST models/alice/m/super-squash/main
POST models/alice/m/discussions
POST models/alice/m/discussions/1/comment
POST models/alice/m/discussions/1/title
POST models/alice/m/discussions/1/status
POST models/alice/m/user-access-request/handle
POST models/alice/m/user-access-request/grant
POST validate-yaml
POST collections
POST settings/webhooks
POST credentials/revoke'
KEYS='name organization type fromRepo toRepo visibility gated repository startingPoint tag message title comment status user
    content namespace url watched credentials'
python3 - "$W" "$KEYS" <<'PY'
import json, sys
folder, keys = sys.argv[1], sys.argv[2].split()
def put(name, text):
    open(f"{folder}/{name}", "w").write(text)
put("cut", '{"name":')
put("array", "[]")
put("text", '"x"')
put("deep", '{"name":' + "[" * 100000 + "]" * 100000 + "}")
put("deepobject", '{"a":' * 100000 + "1" + "}" * 100000)
put("numbers", json.dumps({k: 7 for k in keys}))
put("lists", json.dumps({k: [{}] for k in keys}))
put("nul", '{"name":"a\\u0000b","title":"\\u0000","comment":"\\u0000","tag":"\\u0000","content":"\\u0000","url":"\\u0000",'
           '"fromRepo":"\\u0000","repository":"\\u0000","startingPoint":"\\u0000","message":"\\u0000","status":"\\u0000",'
           '"user":"\\u0000","visibility":"\\u0000"}')
put("surrogate", '{"name":"\\ud800"}')
put("huge", '{"name":"' + "x" * 9000000 + '"}')
PY
while read -r method path; do
    for body in cut array text deep deepobject numbers lists nul surrogate huge; do
        api "$method" "$path" --data-binary @"$W/$body"
        case $CODE in
        4??) [ -n "$(header X-Error-Message)" ] || fail "$method $path says nothing about $body" ;;
        *) fail "$method $path answered $CODE to $body: $(cat "$W/body")" ;;
        esac
    done
    req -X "$method" -H "Authorization: Bearer $READ" -d '{}' "$HUB/api/$path"
    case $path in validate-yaml | credentials/revoke) continue ;; esac
    has "a read token at $path" "$CODE" '4??'
    req -X "$method" -d '{}' "$HUB/api/$path"
    is "nobody at $path" "$CODE" 401
done <<<"$ROUTES"

# 200 MB that are announced are refused before they come; unannounced ones as soon as they are too many
[ -n "${HF_SANITIZED:-}" ] || RSS=$(awk '/^VmHWM/{print $2}' "/proc/$SERVER_PID/status")
head -c 200000000 /dev/zero | tr '\0' ' ' >"$W/large"
api POST repos/create --data-binary @"$W/large"
is "200 MB" "$CODE" 413
api POST repos/create -H 'Transfer-Encoding: chunked' --data-binary @"$W/large"
case $CODE in 413 | 100 | 000) ;; *) fail "200 MB in chunks: $CODE" ;; esac # the connection may end before the answer
if [ -z "${HF_SANITIZED:-}" ]; then
    now=$(awk '/^VmHWM/{print $2}' "/proc/$SERVER_PID/status")
    [ $((now - RSS)) -lt 40000 ] || fail "memory grew by $((now - RSS)) KiB"
fi

# what looks like a number, a name or a page, and is none
for query in 'models?cursor=x' 'models?cursor=1~' 'models?limit=0' 'models?limit=x' 'models?sort=colour' 'collections?item=x' \
    'models/alice/m/discussions?p=x' 'models/alice/m/discussions?type=x' 'models/alice/m/likers?cursor=x'; do
    api GET "$query"
    is "$query" "$CODE" 400
done
many=$(printf 'filter=x%s&' $(seq 100))
api GET "models?$many"
is "a hundred filters" "$CODE" 400
api GET "models?filter=%FF%FE&search=%FF"
is "filters that are no UTF-8" "$CODE" 200
for path in models/alice/m/discussions/0 models/alice/m/discussions/99999999999999999999 models/alice/m/discussions/1/x \
    collections/alice/x collections/alice/x-000000000000000000000000 settings/webhooks/x users/none/overview; do
    api GET "$path"
    is "$path" "$CODE" 404
done
api GET models/alice/m
is "it lives" "$CODE" 200
stop_server
