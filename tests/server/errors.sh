#!/usr/bin/env bash
# Who sees what: the table of statuses, codes and messages that clients tell apart.
. "$(dirname "$0")/lib.sh"
make_model
serve_cmd user add acme
ACME=$(grep -o 'hf_[A-Za-z0-9]*' "$W/cmd.out")
serve_cmd user add eve
EVE=$(grep -o 'hf_[A-Za-z0-9]*' "$W/cmd.out")
serve_cmd import acme/tiny "$W/model"
serve_cmd import acme/secret "$W/model" --private
serve_cmd import acme/gated "$W/model" --gated
serve_cmd import acme/off "$W/model"
serve_cmd repo set acme/off --disable
serve_cmd import acme/old "$W/model" --type dataset
serve_cmd repo move acme/old acme/new --type dataset
start_server

# expect STATUS CODE MESSAGE-GLOB TOKEN PATH: HEAD and GET agree
expect() {
    local auth=() method
    [ -z "$4" ] || auth=(-H "Authorization: Bearer $4")
    for method in -I -G; do
        req "$method" "${auth[@]}" "$HUB$5"
        is "$method $5" "$CODE $(header X-Error-Code)" "$1 $2"
        has "message of $5" "$(header X-Error-Message)" "$3"
        [ "$1" -lt 400 ] || has "request id" "$(header X-Request-Id)" 'Root=1-????????-*'
        [ "$1" != 401 ] || has "challenge" "$(header WWW-Authenticate)" 'Bearer realm=*'
    done
    case $5 in
    /api/*) [ "$1" -lt 400 ] || has "body" "$(json "$W/body" 'd["error"]')" "$3" ;;
    *) [ "$1" -lt 400 ] || has "body" "$(cat "$W/body")" "$3" ;;
    esac
}
NOBODY='Invalid username or password.'
BAD='Invalid credentials in Authorization header'
for repo in secret missing; do
    for path in "/acme/$repo/resolve/main/config.json" "/api/models/acme/$repo" "/api/models/acme/$repo/tree/main"; do
        expect 401 RepoNotFound "$NOBODY" '' "$path"
        expect 401 '' "$BAD" hf_bad "$path"
        expect 404 RepoNotFound 'Repository not found' "$EVE" "$path"
    done
done
expect 200 '' '' "$ACME" /acme/secret/resolve/main/config.json
expect 200 '' '' "$ACME" /api/models/acme/secret
expect 401 '' "$BAD" hf_bad /acme/tiny/resolve/main/config.json
expect 401 GatedRepo 'Access to model acme/gated is restricted*' '' /acme/gated/resolve/main/config.json
expect 403 GatedRepo 'Access to model acme/gated is restricted*' "$EVE" /acme/gated/resolve/main/config.json
expect 401 GatedRepo 'Access to model acme/gated is restricted*' '' /api/models/acme/gated/auth-check
expect 200 '' '' '' /api/models/acme/gated
expect 200 '' '' "$ACME" /acme/gated/resolve/main/config.json
expect 403 '' 'Access to this resource is disabled.' "$ACME" /acme/off/resolve/main/config.json
expect 404 RevisionNotFound 'Invalid rev id: v9' '' /api/models/acme/tiny/revision/v9
expect 404 RevisionNotFound 'Invalid rev id: refs/pr/7' '' /api/models/acme/tiny/tree/refs%2Fpr%2F7
expect 404 EntryNotFound '*' '' /api/models/acme/tiny/tree/main/nope
expect 404 EntryNotFound '*' '' /api/models/acme/tiny/tree/main/config.json
expect 404 '' 'Not Found' '' /api/nothing/here
expect 404 '' 'Not Found' '' /api/models/acme/tiny/nothing
expect 400 '' '*nonsense*' '' '/api/models/acme/tiny?expand=nonsense'
expect 401 '' "$NOBODY" '' /api/whoami-v2
expect 401 '' "$NOBODY" hf_bad /api/whoami-v2
req -H "Authorization: bogus" "$HUB/api/models/acme/tiny"
is "no scheme" "$CODE $(header X-Error-Message)" "401 $BAD"
req -u "anyone:$ACME" "$HUB/acme/secret/resolve/main/config.json"
is "Basic" "$CODE" 200

# Renamed: relative, for content and API alike; nothing about a repo that must not be seen.
req "$HUB/datasets/acme/old/resolve/main/config.json?download=true"
is "renamed" "$CODE $(header Location)" "307 /datasets/acme/new/resolve/main/config.json?download=true"
req "$HUB/api/datasets/acme/old/tree/main"
is "renamed, API" "$CODE $(header Location)" "307 /api/datasets/acme/new/tree/main"
req -L "$HUB/api/datasets/acme/old"
is "id after a rename" "$(json "$W/body" 'd["id"]')" acme/new

req -H "Authorization: Bearer $ACME" "$HUB/api/whoami-v2"
is "whoami" "$(json "$W/body" '[d["name"], d["type"], d["auth"]["accessToken"]["role"]]')" '["acme", "user", "write"]'
req -H 'X-Request-Id: mine"<>' "$HUB/api/models"
has "request id" "$(header X-Request-Id)" 'Root=1-*;mine???'
lines=$(log_lines)
case $lines in
*"$ACME"* | *"$EVE"* | *hf_bad*) fail "the log tells a token" ;;
esac
stop_server
