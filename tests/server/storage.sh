#!/usr/bin/env bash
# The second origin: signed, expiring URLs, and no Authorization header.
. "$(dirname "$0")/lib.sh"
make_model
serve_cmd import acme/tiny "$W/model"
start_server
req -I "$HUB/acme/tiny/resolve/main/model.bin"
URL=$(header Location)
req "$URL"
is "signed" "$CODE" 200
req -H 'Authorization: Bearer hf_whatever' "$URL"
is "with a token" "$CODE" 400
req -u user:pw "$URL"
is "with Basic" "$CODE" 400
is "nothing of it came" "$(wc -c <"$W/body")" "$(header Content-Length)"
sig=${URL##*sig=}
for bad in "${URL%sig=*}sig=" "${URL%&sig=*}" "${URL%?}0" "${URL%?}1" "${URL/expires=/expires=9}" "${URL/name=model/name=nodel}" \
    "${URL%sig=*}sig=$(printf '%s' "$sig" | tr a-f0-9 0-9a-f)" "$STORAGE/objects/$SHA" \
    "${URL/$SHA/$(printf '0%.0s' {1..64})}"; do
    [ "$bad" != "$URL" ] || continue
    req "$bad"
    is "spoilt URL $bad" "$CODE" 403
done
req "$STORAGE/acme/tiny/resolve/main/config.json"
is "storage knows no repos" "$CODE" 404
req "$STORAGE/objects/..%2f..%2fhub.sqlite"
is "storage knows objects only" "$CODE" 404
req -X PUT -d x "$URL"
is "storage takes nothing" "$CODE" 405
lines=$(log_lines)
case $lines in
*"$sig"* | *hf_whatever*) fail "the log tells a secret" ;;
esac
has "the log tells of the token" "$lines" '*"origin":"storage","method":"GET",*"status":400,*"auth":true,*'
stop_server

start_server --url-ttl 0
req -I "$HUB/acme/tiny/resolve/main/model.bin"
req "$(header Location)"
is "expired" "$CODE" 403
is "why" "$(header X-Error-Message)" "the URL has expired"
stop_server

# A URL outlives the server that signed it: the key belongs to the data folder.
start_server --storage-url https://cdn.example.org --public-url https://hub.example.org
req -I "$HUB/acme/tiny/resolve/main/model.bin"
has "public storage URL" "$(header Location)" 'https://cdn.example.org/objects/*'
path=$(header Location)
stop_server
start_server
req "$STORAGE${path#https://cdn.example.org}"
is "after a restart" "$CODE" 200
stop_server
