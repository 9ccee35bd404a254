#!/usr/bin/env bash
# Info, tree, paths-info, refs, commits, lists of repos, and their pages.
. "$(dirname "$0")/lib.sh"
make_model
serve_cmd import acme/tiny "$W/model"
mkdir "$W/more" && for i in 1 2 3 4 5 6 7; do echo $i >"$W/more/f$i.txt"; done
serve_cmd import acme/many "$W/more" --type dataset
serve_cmd import acme/many2 "$W/more" --type dataset
serve_cmd import acme/hidden "$W/more" --type dataset --private
start_server

req "$HUB/api/models/acme/tiny"
is "info" "$CODE" 200
is "its id" "$(json "$W/body" '[d["id"], d["author"], d["private"], d["gated"], d["disabled"]]')" \
    '["acme/tiny", "acme", false, false, false]'
COMMIT=$(json "$W/body" 'd["sha"]')
is "siblings" "$(json "$W/body" 'sorted(s["rfilename"] for s in d["siblings"])')" \
    '[".gitattributes", "config.json", "empty.txt", "model.bin", "sub dir/a #%+\u00e9.txt"]'
req "$HUB/api/models/acme/tiny/revision/$COMMIT?blobs=true"
is "blobs" "$(json "$W/body" '[(s["size"], s["lfs"]["sha256"]) for s in d["siblings"] if "lfs" in s]')" \
    "[[1500000, \"$SHA\"]]"
req "$HUB/api/models/acme/tiny?expand=likes&expand[]=sha"
is "expand" "$(json "$W/body" 'sorted(d)')" '["_id", "id", "likes", "sha"]'

req "$HUB/api/models/acme/tiny/tree/main?recursive=true"
is "tree" "$(json "$W/body" '[(e["type"], e["path"]) for e in d if "sub" in e["path"]]')" \
    '[["directory", "sub dir"], ["file", "sub dir/a #%+\u00e9.txt"]]'
is "lfs entry" "$(json "$W/body" '[(e["size"], e["lfs"]["oid"], e["lfs"]["size"]) for e in d if "lfs" in e]')" \
    "[[1500000, \"$SHA\", 1500000]]"
is "oid" "$(json "$W/body" '[e["oid"] for e in d if e["path"] == "config.json"]')" "[\"$BLOB\"]"
for path in 'sub%20dir' 'sub dir/' 'sub%20dir%2F'; do
    req "$HUB/api/models/acme/tiny/tree/main/${path// /%20}"
    is "tree below $path" "$(json "$W/body" '[e["path"] for e in d]')" '["sub dir/a #%+\u00e9.txt"]'
done
req "$HUB/api/models/acme/tiny/tree/main?expand=true"
is "expand" "$(json "$W/body" 'all(len(e["lastCommit"]["id"]) == 40 for e in d)')" true

# pages: every entry once, absolute links
for query in 'limit=3' 'recursive=true&limit=1' 'limit=2&expand=true'; do
    url="$HUB/api/datasets/acme/many/tree/main?$query"
    seen=
    pages=0
    while [ -n "$url" ]; do
        req "$url"
        is "page" "$CODE" 200
        seen+=$(json "$W/body" '" ".join(e["path"] for e in d) + " "')
        pages=$((pages + 1))
        url=$(header Link | sed -n 's/^<\(http[^>]*\)>; rel="next"$/\1/p')
    done
    is "all pages of $query" "$seen" ".gitattributes f1.txt f2.txt f3.txt f4.txt f5.txt f6.txt f7.txt "
    [ $pages -gt 2 ] || fail "one page only"
done
req "$HUB/api/datasets/acme/many/tree/main?cursor=%21%21"
is "bad cursor" "$CODE" 400
req "$HUB/api/datasets/acme/many/tree/main?limit=x"
is "bad limit" "$CODE" 400

req -d paths=config.json -d 'paths=sub dir' -d paths=nope -d paths=../x "$HUB/api/models/acme/tiny/paths-info/main"
is "paths-info, form" "$(json "$W/body" '[(e["type"], e["path"]) for e in d]')" \
    '[["file", "config.json"], ["directory", "sub dir"]]'
req -H 'Content-Type: application/json' -d '{"paths":["model.bin"],"expand":true}' "$HUB/api/models/acme/tiny/paths-info/main"
is "paths-info, JSON" "$(json "$W/body" '[(e["lfs"]["oid"], len(e["lastCommit"]["id"])) for e in d]')" "[[\"$SHA\", 40]]"
req -H 'Content-Type: application/json' -d '{"paths":' "$HUB/api/models/acme/tiny/paths-info/main"
is "paths-info, no JSON" "$CODE" 400
req -d "$(printf 'paths=%s&' $(seq 1001))" "$HUB/api/models/acme/tiny/paths-info/main"
is "too many paths" "$CODE" 413
head -c 9000000 /dev/zero >"$W/zeros"
req --data-binary @"$W/zeros" "$HUB/api/models/acme/tiny/paths-info/main"
is "body too large" "$CODE" 413

req "$HUB/api/models/acme/tiny/refs"
is "refs" "$(json "$W/body" '[sorted(d), d["branches"]]')" \
    "[[\"branches\", \"converts\", \"tags\"], [{\"name\": \"main\", \"ref\": \"refs/heads/main\", \"targetCommit\": \"$COMMIT\"}]]"
req "$HUB/api/models/acme/tiny/refs?include_prs=1"
is "pull requests" "$(json "$W/body" 'd["pullRequests"]')" '[]'
req "$HUB/api/models/acme/tiny/commits/main?limit=1&expand[]=formatted"
is "newest commit" "$(json "$W/body" '[(c["id"], sorted(c["formatted"])) for c in d]')" "[[\"$COMMIT\", [\"message\", \"title\"]]]"
total=$(header X-Total-Count)
[ "$total" -ge 2 ] || fail "history of $total commits"
has "next page" "$(header Link)" "<$HUB/api/models/acme/tiny/commits/main?limit=1*&p=1>; rel=\"next\""

req "$HUB/api/datasets?author=acme"
is "list" "$(json "$W/body" 'sorted(r["id"] for r in d)')" '["acme/many", "acme/many2"]'
req "$HUB/api/datasets?search=MANY2"
is "search" "$(json "$W/body" '[r["id"] for r in d]')" '["acme/many2"]'
req "$HUB/api/datasets?limit=1&sort=id"
is "first page" "$(json "$W/body" '[r["id"] for r in d]')" '["acme/many"]'
req "$(header Link | sed -n 's/^<\(.*\)>; rel="next"$/\1/p')"
is "second page" "$(json "$W/body" '[r["id"] for r in d]') $(header Link)" '["acme/many2"] '
req "$HUB/api/models?full=true"
is "full" "$(json "$W/body" '[(r["sha"], len(r["siblings"])) for r in d]')" "[[\"$COMMIT\", 5]]"
req "$HUB/"
has "page" "$(cat "$W/body")" '*acme/tiny*'
case $(cat "$W/body") in *hidden*) fail "the page tells of a private repo" ;; esac
stop_server
