#!/usr/bin/env bash
# Every action of a fault script, seen by a client that does not try to be clever.
. "$(dirname "$0")/lib.sh"
make_model
serve_cmd import acme/tiny "$W/model"
F=$W/faults
FILE=/acme/tiny/resolve/main/config.json
SIZE=$(stat -c %s "$W/model/config.json")

# script LINE...: read by the running server
script() {
    printf '%s\n' "$@" >"$F"
    kill -HUP "$SERVER_PID"
    # The server owes no answer to a signal; it has read the script when the marker rule acts.
    local i
    marker=$((marker + 1))
    printf 'match=GET:/marker%d action=status=299\n' $marker >>"$F"
    kill -HUP "$SERVER_PID"
    for ((i = 0; i < 200; i++)); do
        [ "$(curl -s -o /dev/null -w '%{http_code}' "$HUB/marker$marker")" != 299 ] || return 0
        sleep 0.02
    done
    fail "the fault script was not read again"
}
marker=0
: >"$F"
start_server --faults "$F"

script "match=GET:*/config.json nth=2 action=cut=5"
req "$HUB$FILE"
is "first request" "$CODE $CURL_EXIT" "200 0"
req "$HUB$FILE"
is "cut: curl sees a partial file" "$CURL_EXIT $(wc -c <"$W/body")" "18 5"
req "$HUB$FILE"
is "third request" "$CODE $CURL_EXIT" "200 0"
is "the log counts what was sent" "$(log_lines | grep config.json | grep -o '"bytes":[0-9]*,"complete":[a-z]*' | tr '\n' ' ')" \
    "\"bytes\":$SIZE,\"complete\":true \"bytes\":5,\"complete\":false \"bytes\":$SIZE,\"complete\":true "

script "match=*:*/model.bin origin=hub nth=1+ action=status=503:retry-after=7"
req -I "$HUB/acme/tiny/resolve/main/model.bin"
is "status" "$CODE $(header Retry-After)" "503 7"
script "match=GET:/objects/* origin=storage nth=1-2 action=flip=1000000"
for n in 1 2 3; do
    req -L "$HUB/acme/tiny/resolve/main/model.bin"
    differ=$(cmp -l "$W/body" "$W/model/model.bin" | wc -l)
    is "bytes that differ, request $n" "$differ" $((n < 3 ? 1 : 0))
done
script "match=GET:/objects/* range=yes action=wrong-range"
req -L -r 1000-1999 "$HUB/acme/tiny/resolve/main/model.bin"
is "wrong range" "$CODE $(header Content-Range)" "206 bytes 999-1998/1500000"
script "match=GET:/objects/* action=ignore-range"
req -L -r 1000-1999 "$HUB/acme/tiny/resolve/main/model.bin"
is "range ignored" "$CODE $(header Content-Range) $(wc -c <"$W/body")" "200  1500000"
script "match=GET:$FILE action=drop"
req "$HUB$FILE"
is "drop: an empty reply" "$CURL_EXIT" 52
script "match=GET:$FILE action=length=99"
req "$HUB$FILE"
is "length too large" "$CURL_EXIT $(header Content-Length)" "18 99"
script "match=GET:$FILE action=length=4"
req "$HUB$FILE"
is "length too small" "$(header Content-Length) $(wc -c <"$W/body")" "4 4"
script "match=GET:$FILE action=chunked"
req "$HUB$FILE"
is "chunked" "$(header Transfer-Encoding) $(header Content-Length)" "chunked "
cmp -s "$W/body" "$W/model/config.json" || fail "chunked content"
script "match=*:$FILE action=etag=nonsense" "match=*:*/model.bin action=etag=linked"
req -I "$HUB$FILE"
is "etag" "$(header ETag)" '"nonsense"'
req -I "$HUB/acme/tiny/resolve/main/model.bin"
is "linked etag" "$(header X-Linked-Etag)" '"linked"'
script "match=*:$FILE action=header=X-Repo-Commit: \"action=header=X-Odd: two  words\" # remark"
req -I "$HUB$FILE"
is "headers" "$(header X-Repo-Commit)|$(header X-Odd)" '|two  words'
script "match=*:$FILE action=redirect=http://127.0.0.1:1/x"
req "$HUB$FILE"
is "redirect" "$CODE $(header Location)" "302 http://127.0.0.1:1/x"
script "match=*:$FILE action=redirect=loop"
req -L --max-redirs 5 "$HUB$FILE"
is "loop" "$CURL_EXIT" 47
script "match=GET:$FILE action=stall=7:300 action=delay=200"
ms() { date +%s%3N; }
start=$(ms)
req "$HUB$FILE"
[ $(($(ms) - start)) -ge 500 ] || fail "stall and delay took $(($(ms) - start)) ms"
cmp -s "$W/body" "$W/model/config.json" || fail "content after a stall"
script "match=GET:$FILE action=drip=40"
start=$(ms)
req "$HUB$FILE"
[ $(($(ms) - start)) -ge 200 ] || fail "drip took $(($(ms) - start)) ms"
cmp -s "$W/body" "$W/model/config.json" || fail "content after a drip"

# A long stall ends with the server, and when the client goes.
script "match=GET:$FILE action=stall=3:600000"
curl -sS --max-time 1 -o /dev/null "$HUB$FILE" 2>/dev/null
curl -sS --max-time 100 -o /dev/null "$HUB$FILE" 2>/dev/null &
client=$!
sleep 0.3
start=$(ms)
stop_server
[ $(($(ms) - start)) -lt 10000 ] || fail "a stalled request held the server"
wait $client

# Bad scripts: the line is named, nothing starts.
bad() {
    printf '# good\nmatch=GET:* action=drop\n%s\n' "$1" >"$F"
    timeout 20 "$HF_SERVE" serve --data "$DATA" --port 0 --faults "$F" >"$W/cmd.out" 2>"$W/cmd.err"
    is "exit code for '$1'" $? 2
    has "complaint about '$1'" "$(cat "$W/cmd.err")" "hf-serve: $F:3: *"
    is "one line" "$(wc -l <"$W/cmd.err")" 1
}
bad 'match=GET:*'
bad 'action=drop'
bad 'match=GET action=drop'
bad 'match=GET:* action=explode'
bad 'match=GET:* action=cut'
bad 'match=GET:* action=cut=x'
bad 'match=GET:* action=drop=1'
bad 'match=GET:* action=stall=5'
bad 'match=GET:* action=status=42'
bad 'match=GET:* nth=0 action=drop'
bad 'match=GET:* nth=3-2 action=drop'
bad 'match=GET:* origin=moon action=drop'
bad 'what is this'
timeout 20 "$HF_SERVE" serve --data "$DATA" --port 0 --faults "$W/none" >"$W/cmd.out" 2>"$W/cmd.err"
is "missing script" $? 1

# A bad script on SIGHUP leaves the old rules.
echo "match=GET:$FILE action=status=418" >"$F"
start_server --faults "$F"
echo "match=GET:* action=explode" >"$F"
kill -HUP "$SERVER_PID"
for ((i = 0; i < 200; i++)); do
    [ ! -s "$W/server.err" ] || break
    sleep 0.05
done
has "complaint" "$(cat "$W/server.err")" "*the old fault script stays: $F:1: unknown action 'explode'"
req "$HUB$FILE"
is "old rule" "$CODE" 418
stop_server
