#!/usr/bin/env bash
# Start, stop, ports, options, rate limits, and clients that go away.
. "$(dirname "$0")/lib.sh"
make_model
serve_cmd import acme/tiny "$W/model"
start_server
has "first line" "$(sed -n 1p "$W/server.out")" 'hf-serve listening on http://127.0.0.1:*'
has "second line" "$(sed -n 2p "$W/server.out")" 'hf-serve storage on http://127.0.0.1:*'

# the port is taken
timeout 20 "$HF_SERVE" serve --data "$DATA" --port "${HUB##*:}" >"$W/cmd.out" 2>"$W/cmd.err"
is "exit code, port in use" $? 1
is "lines" "$(wc -l <"$W/cmd.err") $(wc -l <"$W/cmd.out")" "1 0"
has "message" "$(cat "$W/cmd.err")" "hf-serve: port ${HUB##*:} of 127.0.0.1 is in use; *"

# usage errors
for words in '--port x' '--port 70000' '--lfs maybe' '--rate-limit 5' '--rate-limit moon=5/5' '--rate-limit 5/0' \
    '--public-url hub.example' '--public-url https://hub.example/' '--url-ttl -1' '--nonsense'; do
    # shellcheck disable=SC2086
    timeout 20 "$HF_SERVE" serve --data "$DATA" $words >"$W/cmd.out" 2>"$W/cmd.err"
    is "exit code of $words" $? 2
    is "lines of $words" "$(wc -l <"$W/cmd.err")" 1
done
timeout 20 "$HF_SERVE" serve --data "$DATA" --port 0 --access-log "$W/none/log" >"$W/cmd.out" 2>"$W/cmd.err"
is "log that cannot be opened" "$? $(wc -l <"$W/cmd.err")" "1 1"

# keep-alive: two answers on one connection, an error between them does not end it
curl -sS -v -o /dev/null "$HUB/acme/tiny/resolve/main/config.json" --next -sS -o /dev/null "$HUB/api/none" \
    --next -sS -o /dev/null -d 'a=b' "$HUB/api/none" --next -sS -o /dev/null "$HUB/api/models" 2>"$W/curl.err"
is "connections" "$(grep -c '^\* Connected' "$W/curl.err")" 1

# a client that goes away in the middle of a body
for _ in 1 2 3 4 5; do
    curl -sSL "$HUB/acme/tiny/resolve/main/model.bin" 2>/dev/null | head -c 1000 >/dev/null
done
req -L "$HUB/acme/tiny/resolve/main/model.bin"
cmp -s "$W/body" "$W/model/model.bin" || fail "after clients that went away"

# many at once
whole() { log_lines | grep -c '"origin":"storage".*"bytes":1500000,"complete":true'; }
before=$(whole)
pids=()
for i in $(seq 40); do
    curl -sSL --max-time 60 -o "$W/many$i" "$HUB/acme/tiny/resolve/main/model.bin" &
    pids+=($!)
done
wait "${pids[@]}"
for i in $(seq 40); do cmp -s "$W/many$i" "$W/model/model.bin" || fail "download $i of 40"; done
rm -f "$W"/many*
is "log lines of 40 downloads" "$(($(whole) - before))" 40
stop_server
python3 -c 'import json, sys
for line in open(sys.argv[1], encoding="utf-8"):
    json.loads(line)' "$LOG" || fail "a line of the log is no JSON"

# A file far larger than memory: from disk, never through it. The object grows behind the store's back, sparse.
OBJECT=$DATA/lfs/${SHA:0:2}/${SHA:2:2}/$SHA
truncate -s 21474836480 "$OBJECT"
start_server
req -I "$HUB/acme/tiny/resolve/main/model.bin"
URL=$(header Location)
req -I "$URL"
is "20 GiB" "$(header Content-Length)" 21474836480
req -r 21474836470- "$URL"
is "its end" "$CODE $(header Content-Range) $(wc -c <"$W/body")" "206 bytes 21474836470-21474836479/21474836480 10"
curl -sS "$URL" 2>/dev/null | head -c 5000000 >/dev/null
sent=$(log_lines | tail -1 | sed -n 's/.*"bytes":\([0-9]*\),"complete":false.*/\1/p')
[ "${sent:-0}" -ge 5000000 ] && [ "$sent" -lt 200000000 ] || fail "bytes sent to a client that left: '$sent'"
is "bytes" "$(curl -sS -r 10000000000-10299999999 "$URL" | wc -c)" 300000000
if [ -z "${HF_SANITIZED:-}" ]; then
    peak=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$SERVER_PID/status")
    [ "$peak" -lt 65536 ] || fail "hf-serve needed $peak kB"
fi
stop_server

# rate limits
serve_cmd user add bob
BOB=$(grep -o 'hf_[A-Za-z0-9]*' "$W/cmd.out")
start_server --rate-limit api=3/1000,resolvers=2/500
for n in 2 1 0; do
    req "$HUB/api/models"
    is "allowed" "$CODE" 200
    has "left" "$(header RateLimit)" "\"api\";r=$n;t=*"
    is "policy" "$(header RateLimit-Policy)" '"fixed window";"api";q=3;w=1000'
done
req "$HUB/api/models"
is "refused" "$CODE" 429
has "wait" "$(header RateLimit) $(header Retry-After)" '"api";r=0;t=[0-9]* [0-9]*'
req -H "Authorization: Bearer $BOB" "$HUB/api/models"
is "somebody else" "$CODE" 200
for want in 200 200 429; do
    req "$HUB/acme/tiny/resolve/main/config.json"
    is "resolvers" "$CODE" $want
done
req "$HUB/"
is "pages are not limited" "$CODE $(header RateLimit)" "200 "
stop_server
