#!/usr/bin/env bash
# Uploads by hand: what is refused, what is kept, and that a wrong byte never gets a name.
. "$(dirname "$0")/lib.sh"
TOKEN=$("$HF_SERVE" user add alice --data "$DATA" | tail -n 1)
OTHER=$("$HF_SERVE" user add bob --data "$DATA" | tail -n 1)
serve_cmd repo create alice/m
serve_cmd repo create bob/m
start_server --lfs-threshold 3000000 --lfs-multipart-threshold 1000000 --lfs-part-bytes 400000
AUTH=(-H "Authorization: Bearer $TOKEN")
head -c 900000 /dev/urandom >"$W/small"
head -c 1000001 /dev/urandom >"$W/large"
small=$(sha256sum <"$W/small" | cut -d' ' -f1)
large=$(sha256sum <"$W/large" | cut -d' ' -f1)

# batch OID SIZE: the answer in $W/batch
batch() {
    req "${AUTH[@]}" --data-binary \
        "{\"operation\":\"upload\",\"transfers\":[\"basic\",\"multipart\"],\"objects\":[{\"oid\":\"$1\",\"size\":$2}]}" \
        "$HUB/alice/m.git/info/lfs/objects/batch"
    is "batch" "$CODE" 200
    cp "$W/body" "$W/batch"
}
action() { json "$W/batch" "d['objects'][0]['actions']$1"; }
visible() { find "$DATA/lfs" -type f | wc -l; }
commit() { # LINE...: after the header
    { printf '{"key":"header","value":{"summary":"s"}}\n'; printf '%s\n' "$@"; } >"$W/lines"
    req "${AUTH[@]}" -H 'Content-Type: application/x-ndjson' --data-binary @"$W/lines" "$HUB/api/models/alice/m/commit/main"
}
lfs_line() { printf '{"key":"lfsFile","value":{"path":"%s","algo":"sha256","oid":"%s","size":%s}}' "$@"; }

# in one piece
batch "$small" 900000
is "transfer" "$(json "$W/batch" "d['transfer']")" basic
url=$(action "['upload']['href']")
has "storage" "$url" "$STORAGE/*"
head -c 899999 "$W/small" >"$W/wrong"
req -X PUT --data-binary @"$W/wrong" "$url"
is "too short" "$CODE" 400
{ cat "$W/small"; echo; } >"$W/wrong"
req -X PUT --data-binary @"$W/wrong" "$url"
is "too long" "$CODE" 400
{ head -c 899999 "$W/small"; printf x; } >"$W/wrong"
req -X PUT --data-binary @"$W/wrong" "$url"
[ "$CODE" = 400 ] || cmp -s "$W/wrong" "$W/small" || fail "wrong bytes: $CODE"
is "nothing visible" "$(visible)" 0
req -X PUT --data-binary @"$W/small" "${url/size=900000/size=900001}"
is "another size" "$CODE" 403
req -X PUT --data-binary @"$W/small" "${url/$small/$large}"
is "another object" "$CODE" 403
req -X POST --data-binary @"$W/small" "$url"
is "another method" "$CODE" 403
req "${AUTH[@]}" -X PUT --data-binary @"$W/small" "$url"
is "a token where none belongs" "$CODE" 400
commit "$(lfs_line a.bin "$small" 900000)"
is "a commit before its object" "$CODE" 400
has "which" "$(header X-Error-Message)" '*does not exist*a.bin'
req -X PUT --data-binary @"$W/small" "$url"
is "the object" "$CODE" 200
req --data-binary "{\"oid\":\"$small\",\"size\":900000}" "$(action "['verify']['href']")"
is "verify" "$CODE" 200
req --data-binary "{\"oid\":\"$small\",\"size\":900001}" "$(action "['verify']['href']")"
is "verify of another size" "$CODE" 422
req --data-binary "{\"oid\":\"$large\",\"size\":1}" "$(action "['verify']['href']")"
is "verify of what is not here" "$CODE" 404
batch "$small" 900000
is "known: nothing to do" "$(json "$W/batch" "'actions' in d['objects'][0]")" false

# in parts
batch "$large" 1000001
is "transfer" "$(json "$W/batch" "d['transfer']")" multipart
is "keys" "$(json "$W/batch" "sorted(d['objects'][0]['actions']['upload']['header'])")" '["00001", "00002", "00003", "chunk_size"]'
split -b 400000 -d -a 1 "$W/large" "$W/part"
part() { action "['upload']['header']['0000$1']"; }
put() { # NUMBER FILE: ETAG
    req -X PUT --data-binary @"$2" "$(part "$1")"
    ETAG=$(header ETag)
}
finish() { # ETAG...
    local i=0 list= etag
    for etag; do i=$((i + 1)) list+=",{\"partNumber\":$i,\"etag\":\"${etag//\"/\\\"}\"}"; done
    req --data-binary "{\"oid\":\"$large\",\"parts\":[${list#,}]}" "$(action "['upload']['href']")"
}
put 1 "$W/part1" && is "part of another length would be too long" "$CODE" 200
put 3 "$W/part1"
is "a part that is too long" "$CODE" 400
put 2 "$W/part0" && two=$ETAG
put 3 "$W/part2" && three=$ETAG
put 1 "$W/part0" && one=$ETAG # not written again: it is there
finish "$one" "$two"
is "too few parts" "$CODE" 400
finish "$one" "$two" '"0123"'
is "a wrong etag" "$CODE" 400
finish "$one" "$two" "$three"
is "parts with another hash" "$CODE" 400
has "which" "$(cat "$W/body")" "*SHA-256*not $large*"
is "still one object" "$(visible)" 1
batch "$large" 1000001
has "forgotten" "$(grep -c have= "$W/batch" || true)" 0
put 3 "$W/part2" && three=$ETAG
put 1 "$W/part0" && one=$ETAG
finish "$one" '"x"' "$three"
is "a part is missing" "$CODE" 400
batch "$large" 1000001
has "the part that is here" "$(part 3)" "*have=${three//\"/}&*"
has "the part that is not" "$(grep -c have= <<<"$(part 2)" || true)" 0
put 3 "$W/part2"
is "the same etag again" "$ETAG" "$three"
put 2 "$W/part1" && two=$ETAG
finish "$one" "$two" "$three"
is "whole" "$CODE" 200
finish "$one" "$two" "$three"
is "said again" "$CODE" 200
is "two objects" "$(visible)" 2
is "parts are gone" "$(ls -A "$DATA/uploads")" ""

# whose
req -H "Authorization: Bearer $OTHER" --data-binary "{\"operation\":\"upload\",\"objects\":[{\"oid\":\"$small\",\"size\":900000}]}" \
    "$HUB/bob/m.git/info/lfs/objects/batch"
is "an object of another repo is not known" "$(json "$W/body" "'actions' in d['objects'][0]")" true
for who in "$OTHER" ""; do
    for ref in main refs/heads/main; do
        req ${who:+-H "Authorization: Bearer $who"} "$HUB/alice/m.git/info/lfs/objects/batch" \
            --data-binary '{"operation":"upload","objects":[],"ref":{"name":"'$ref'"}}'
        is "upload to $ref by '$who'" "$CODE" "$([ -n "$who" ] && echo 403 || echo 401)"
    done
    # for a pull request, which is there or not
    for ref in '' ',"ref":{"name":"refs/pr/1"}'; do
        req ${who:+-H "Authorization: Bearer $who"} "$HUB/alice/m.git/info/lfs/objects/batch" \
            --data-binary '{"operation":"upload","objects":[]'"$ref}"
        is "upload for a pull request by '$who'" "$CODE" "$([ -n "$who" ] && echo 200 || echo 401)"
    done
    req ${who:+-H "Authorization: Bearer $who"} --data-binary '{"files":[]}' "$HUB/api/models/alice/m/preupload/main"
    is "preupload by '$who'" "$CODE" "$([ -n "$who" ] && echo 403 || echo 401)"
done

# samples are told from the rest of the text however it is written
req -H "Authorization: Bearer $TOKEN" "$HUB/api/models/alice/m/preupload/main" --data-binary '{"files":[
    {"path":"text.xyz","size":5,"sample":"aGVsbG8="},
    {"sample" : "AAECAwQ=", "size":5, "path":"binary.xyz"},
    {"path":"escaped.xyz","size":5,"sample":"\/\/8AAQI="},
    {"path":"sample","size":5},
    {"path":"a \"sample\":\"AAECAwQ=\"","size":5,"sample":""}]}'
is "preupload with samples" "$CODE" 200
is "what the samples say" "$(json "$W/body" "' '.join(f['uploadMode'] for f in d['files'])")" \
    "regular lfs lfs regular regular"
req -H "Authorization: Bearer $TOKEN" "$HUB/api/models/alice/m/preupload/main" \
    --data-binary '{"files":[{"path":"a","size":5,"sample":"AAEC'
is "preupload with a sample that does not end" "$CODE" 400

# commits
commit "$(lfs_line a.bin "$small" 900000)" "$(lfs_line 'no rule.xyz' "$large" 1000001)" \
    '{"key":"file","value":{"path":"plain","content":"line\nü \u00fc\"","encoding":"utf-8"}}' '' \
    '{"value":{"encoding":"base64","content":"aGk\/","path":"order"},"key":"file"}'
is "a commit" "$CODE" 200
head=$(json "$W/body" "d['commitOid']")
req "$HUB/alice/m/resolve/main/plain"
is "escapes" "$(cat "$W/body")" $'line\nü ü"'
req "$HUB/alice/m/resolve/main/.gitattributes"
has "a rule for what none covers" "$(cat "$W/body")" '*no[[][[]:space:]]rule.xyz filter=lfs*'
unchanged() { # WHAT STATUS
    is "$1" "$CODE" "$2"
    mv "$W/body" "$W/refused"
    req "$HUB/api/models/alice/m/revision/main"
    is "$1: main" "$(json "$W/body" "d['sha']")" "$head"
}
for path in ../x /x a//b a/../b .git/config A/.GIT/x 'a\u0000b' 'a\nb' 'a\\b' ''; do
    commit "{\"key\":\"file\",\"value\":{\"path\":\"$path\",\"content\":\"\"}}"
    unchanged "path '$path'" 400
done
commit '{"key":"file","value":{"path":"x","content":"a=b","encoding":"base64"}}'
unchanged "no base64" 400
commit '{"key":"file","value":{"path":"x"}}'
unchanged "no content" 400
commit '{"key":"what","value":{"path":"x"}}'
unchanged "an unknown operation" 400
commit '{"key":"file","value":{"path":"x","content":"' 'rest"}}'
unchanged "a line that is no JSON" 400
commit '{"key":"file","value":{"path":"good","content":"x"}}' '{"key":"deletedFile","value":{"path":"never"}}'
unchanged "half of it is wrong" 404
commit "{\"key\":\"file\",\"value\":{\"path\":\"p\",\"content\":\"version https://git-lfs.github.com/spec/v1\\noid sha256:$(printf %064d 1)\\nsize 5\\n\"}}"
unchanged "a pointer to nowhere" 400
commit "$(lfs_line a.bin "$small" 899999)"
unchanged "another size" 400
# a name that is too long is not kept until the last line came: the second line's fault is not seen
long=$(printf %3000s | tr ' ' x)
for line in "deletedFile\",\"value\":{\"path\":\"plain\",\"oldPath\":\"$long" "deletedFolder\",\"value\":{\"path\":\"$long/" \
    "copyFile\",\"value\":{\"path\":\"x\",\"srcPath\":\"$long"; do
    commit "{\"key\":\"$line\"}}" '{"key":"what","value":{"path":"x"}}'
    unchanged "${line%%\"*} with a long name" 400
    has "${line%%\"*} with a long name" "$(cat "$W/refused")" '*is too long*'
done
commit "{\"key\":\"copyFile\",\"value\":{\"path\":\"x\",\"srcPath\":\"plain\",\"srcRevision\":\"$long\"}}" \
    '{"key":"what","value":{"path":"x"}}'
unchanged "a copy from a long revision" 404
python3 -c 'print("{\"key\":\"header\",\"value\":{\"summary\":\"s\"}}")
path = "/".join(["p" * 200] * 10)
for _ in range(8500):
    print("{\"key\":\"deletedFile\",\"value\":{\"path\":\"" + path + "\",\"oldPath\":\"" + path + "\"}}")' >"$W/lines"
req "${AUTH[@]}" -H 'Content-Type: application/x-ndjson' --data-binary @"$W/lines" "$HUB/api/models/alice/m/commit/main"
unchanged "too many long names" 413
python3 -c 'print("{\"key\":\"header\",\"value\":{\"summary\":\"s\"}}")
print("{\"key\":\"file\",\"value\":{\"path\":\"x\",\"encoding\":\"base64\",\"content\":\"" + "QUFB" * 1000001 + "\"}}")' >"$W/lines"
req "${AUTH[@]}" -H 'Content-Type: application/x-ndjson' --data-binary @"$W/lines" "$HUB/api/models/alice/m/commit/main"
unchanged "too large for a commit" 413
python3 -c 'print("{\"key\":\"header\",\"value\":{\"summary\":\"" + "s" * 2000000 + "\"}}")' >"$W/lines"
req "${AUTH[@]}" -H 'Content-Type: application/x-ndjson' --data-binary @"$W/lines" "$HUB/api/models/alice/m/commit/main"
unchanged "a line without an end" 413
commit '{"key":"file","value":{"path":"order","content":"hi?"}}'
unchanged "nothing to change" 200
req "${AUTH[@]}" --data-binary '{"key":"header","value":{"summary":"no newline"}}' "$HUB/api/models/alice/m/commit/main"
unchanged "no operation" 200

# the server is killed and begun anew with other parts
stop_server
is "nothing of uploads is left" "$(ls -A "$DATA/uploads" "$DATA/tmp" | grep -v : || true)" ""
