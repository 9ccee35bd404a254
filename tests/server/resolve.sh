#!/usr/bin/env bash
# HEAD and GET of files: small ones inline, large ones over the second origin, ranges and conditions in both.
. "$(dirname "$0")/lib.sh"
make_model
serve_cmd import acme/tiny "$W/model"
start_server

req -I "$HUB/acme/tiny/resolve/main/config.json"
is "HEAD of a small file" "$CODE" 200
is "its length" "$(header Content-Length)" "$(stat -c %s "$W/model/config.json")"
is "its etag" "$(header ETag)" "\"$BLOB\""
is "ranges" "$(header Accept-Ranges)" bytes
COMMIT=$(header X-Repo-Commit)
has "commit" "$COMMIT" '[0-9a-f]*'
is "commit's length" "${#COMMIT}" 40

req "$HUB/acme/tiny/resolve/main/config.json"
is "GET of a small file" "$CODE" 200
cmp -s "$W/body" "$W/model/config.json" || fail "the small file differs"
req "$HUB/acme/tiny/resolve/$COMMIT/sub%20dir/a%20%23%25%2B%C3%A9.txt"
is "odd name" "$(cat "$W/body")" odd
req "$HUB/acme/tiny/resolve/main/sub%20dir%2Fa%20%23%25%2B%C3%A9.txt"
is "odd name, slash escaped" "$(cat "$W/body")" odd
has "its disposition" "$(header Content-Disposition)" "inline; filename\*=UTF-8''a%20%23%25%2B%C3%A9.txt; *"
req -I "$HUB/acme/tiny/resolve/main/empty.txt"
is "HEAD of an empty file" "$CODE $(header Content-Length) $(header ETag)" '200 0 "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"'

# ranges, inline
size=$(stat -c %s "$W/model/config.json")
range() { # RANGE STATUS CONTENT-RANGE FIRST N
    req -r "$1" "$HUB/acme/tiny/resolve/main/config.json"
    is "status of range $1" "$CODE" "$2"
    is "Content-Range of $1" "$(header Content-Range)" "$3"
    [ "$2" = 416 ] || cmp -s "$W/body" <(tail -c +$(($4 + 1)) "$W/model/config.json" | head -c "$5") ||
        fail "bytes of range $1"
}
range 0-0 206 "bytes 0-0/$size" 0 1
range 3-7 206 "bytes 3-7/$size" 3 5
range 5- 206 "bytes 5-$((size - 1))/$size" 5 $((size - 5))
range -4 206 "bytes $((size - 4))-$((size - 1))/$size" $((size - 4)) 4
range -9999 206 "bytes 0-$((size - 1))/$size" 0 "$size"
range 3-9999 206 "bytes 3-$((size - 1))/$size" 3 $((size - 3))
range "$size-" 416 "bytes */$size" 0 0
range 18446744073709551615- 416 "bytes */$size" 0 0
range 0-1,3-4 200 "" 0 "$size"
range 7-3 200 "" 0 "$size"
req -H 'Range: lines=1-2' "$HUB/acme/tiny/resolve/main/config.json"
is "another unit" "$CODE" 200
req -H 'Range: bytes=2-' -H "If-Range: \"$BLOB\"" "$HUB/acme/tiny/resolve/main/config.json"
is "If-Range that holds" "$CODE" 206
req -H 'Range: bytes=2-' -H 'If-Range: "other"' "$HUB/acme/tiny/resolve/main/config.json"
is "If-Range that does not" "$CODE" 200
req -H "If-None-Match: W/\"x\", \"$BLOB\"" "$HUB/acme/tiny/resolve/main/config.json"
is "If-None-Match" "$CODE" 304

# the large file
req -I "$HUB/acme/tiny/resolve/main/model.bin"
is "HEAD of a large file" "$CODE" 302
is "linked etag" "$(header X-Linked-Etag)" "\"$SHA\""
is "linked size" "$(header X-Linked-Size)" 1500000
is "commit" "$(header X-Repo-Commit)" "$COMMIT"
is "no ETag" "$(header ETag)" ""
has "location" "$(header Location)" "$STORAGE/*"
URL=$(header Location)
req -L "$HUB/acme/tiny/resolve/main/model.bin"
cmp -s "$W/body" "$W/model/model.bin" || fail "the large file differs"
req -L -r 1000000-1000099 "$HUB/acme/tiny/resolve/main/model.bin"
is "range through the redirect" "$CODE $(header Content-Range)" "206 bytes 1000000-1000099/1500000"
cmp -s "$W/body" <(tail -c +1000001 "$W/model/model.bin" | head -c 100) || fail "its bytes"
req -r 1500000- "$URL"
is "range behind the end" "$CODE $(header Content-Range)" "416 bytes */1500000"
req -I "$URL"
is "HEAD on storage" "$CODE $(header Content-Length)" "200 1500000"

# raw: the pointer
req "$HUB/acme/tiny/raw/main/model.bin"
is "raw" "$(head -1 "$W/body")" "version https://git-lfs.github.com/spec/v1"

# 404s tell the commit; nothing leads out of the repo
for path in nope .. ../x sub%20dir sub%20dir/../config.json ..%2f..%2fetc/passwd /etc/passwd .git/config; do
    req --path-as-is -I "$HUB/acme/tiny/resolve/main/$path"
    is "HEAD of $path" "$CODE $(header X-Error-Code) $(header X-Repo-Commit)" "404 EntryNotFound $COMMIT"
done
for path in 'a%00b' 'a%zz' 'a%4'; do
    req "$HUB/acme/tiny/resolve/main/$path"
    is "GET of $path" "$CODE" 400
done
req -I "$HUB/acme/tiny/resolve/nobranch/config.json"
is "unknown revision" "$CODE $(header X-Error-Code)" "404 RevisionNotFound"
is "its message" "$(header X-Error-Message)" "Invalid rev id: nobranch"
req -X DELETE "$HUB/acme/tiny/resolve/main/config.json"
is "DELETE" "$CODE" 405
stop_server

# the other ways to hand out files
start_server --lfs inline --resolve-cache
req -I "$HUB/acme/tiny/resolve/main/model.bin"
is "large file inline" "$CODE $(header ETag) $(header Content-Length)" "200 \"$SHA\" 1500000"
req -r 7-9 "$HUB/acme/tiny/resolve/main/model.bin"
is "its range" "$CODE $(header Content-Range)" "206 bytes 7-9/1500000"
req -I "$HUB/acme/tiny/resolve/main/config.json"
is "to the cache path" "$CODE $(header Location)" "307 /api/resolve-cache/models/acme/tiny/$COMMIT/config.json"
is "its etag" "$(header X-Linked-Etag)" "\"$BLOB\""
req -L "$HUB/acme/tiny/resolve/main/config.json"
cmp -s "$W/body" "$W/model/config.json" || fail "the cached file differs"
is "etag and commit there" "$(header ETag) $(header X-Repo-Commit)" "\"$BLOB\" $COMMIT"
stop_server
