#!/usr/bin/env bash
# hf-serve gc: what no commit points to goes, what any history points to stays.
. "$(dirname "$0")/lib.sh"
TOKEN=$("$HF_SERVE" user add alice --data "$DATA" | tail -n 1)
AUTH=(-H "Authorization: Bearer $TOKEN")
for repo in m gone; do serve_cmd repo create "alice/$repo"; done
start_server

# put REPO FILE: by batch and PUT; its SHA-256 in SHA256
put() {
    local url
    SHA256=$(sha256sum <"$2" | cut -d' ' -f1)
    req "${AUTH[@]}" "$HUB/alice/$1.git/info/lfs/objects/batch" --data-binary \
        "{\"operation\":\"upload\",\"objects\":[{\"oid\":\"$SHA256\",\"size\":$(wc -c <"$2")}]}"
    is "batch" "$CODE" 200
    url=$(json "$W/body" "d['objects'][0].get('actions', {}).get('upload', {}).get('href', '')")
    [ -n "$url" ] || return 1
    req -X PUT --data-binary @"$2" "$url"
    is "put" "$CODE" 200
}
# commit REPO QUERY LINE...
commit() {
    local repo=$1 query=$2
    shift 2
    { printf '{"key":"header","value":{"summary":"s"}}\n'; printf '%s\n' "$@"; } >"$W/lines"
    req "${AUTH[@]}" -H 'Content-Type: application/x-ndjson' --data-binary @"$W/lines" \
        "$HUB/api/models/alice/$repo/commit/main$query"
    is "commit to $repo" "$CODE" 200
}
line() { printf '{"key":"lfsFile","value":{"path":"%s","algo":"sha256","oid":"%s","size":%s}}' "$@"; }
kept() { [ -f "$DATA/lfs/${1:0:2}/${1:2:2}/$1" ]; }

declare -A sum
for name in now old pull orphan shared lost; do
    head -c 5000 /dev/urandom >"$W/$name"
    sum[$name]=$(sha256sum <"$W/$name" | cut -d' ' -f1)
done
for name in now old pull orphan shared; do put m "$W/$name" || fail "put $name"; done
for name in shared lost; do put gone "$W/$name" || fail "put $name"; done
commit m "" "$(line now.bin "${sum[now]}" 5000)" "$(line x.bin "${sum[old]}" 5000)" "$(line s.bin "${sum[shared]}" 5000)"
commit m "" '{"key":"deletedFile","value":{"path":"x.bin"}}'
commit m "?create_pr=1" "$(line pr.bin "${sum[pull]}" 5000)"
commit gone "" "$(line s.bin "${sum[shared]}" 5000)" "$(line l.bin "${sum[lost]}" 5000)"

"$HF_SERVE" gc --data "$DATA" >"$W/cmd.out" 2>"$W/cmd.err"
is "gc beside a server" $? 1
has "why" "$(cat "$W/cmd.err")" "*is in use*end it first"
stop_server
"$HF_SERVE" gc --older-than x --data "$DATA" 2>/dev/null
is "a word for hours" $? 2
serve_cmd repo delete alice/gone
serve_cmd gc
is "nothing is a day old" "$(cat "$W/cmd.out")" "0 objects, 0 bytes"
for name in "${!sum[@]}"; do kept "${sum[$name]}" || fail "$name is gone too early"; done
serve_cmd gc --older-than 0
is "what went" "$(cat "$W/cmd.out")" "2 objects, 10000 bytes"
for name in now old pull shared; do kept "${sum[$name]}" || fail "$name is gone"; done
for name in orphan lost; do ! kept "${sum[$name]}" || fail "$name stayed"; done
serve_cmd gc --older-than 0
is "once more" "$(cat "$W/cmd.out")" "0 objects, 0 bytes"

# what stayed can be had, and what went can come again
start_server
for what in main/now.bin:now main/s.bin:shared refs%2Fpr%2F1/pr.bin:pull; do
    req -L "${AUTH[@]}" "$HUB/alice/m/resolve/${what%:*}"
    cmp "$W/body" "$W/${what#*:}" || fail "$what"
done
put m "$W/orphan" || fail "the server thinks that it has what it deleted"
! put m "$W/now" || fail "the server forgot what it has"
commit m "" "$(line orphan.bin "${sum[orphan]}" 5000)"
stop_server
serve_cmd gc --older-than 0
is "committed now" "$(cat "$W/cmd.out")" "0 objects, 0 bytes"
