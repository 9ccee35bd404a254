#!/usr/bin/env bash
# git and git-lfs clone over smart HTTP: public, private, by protocol 0 and 2, shallow and single commits.
. "$(dirname "$0")/lib.sh"
make_model
serve_cmd user add acme
ACME=$(grep -o 'hf_[A-Za-z0-9]*' "$W/cmd.out")
serve_cmd import acme/tiny "$W/model"
serve_cmd import acme/secret "$W/model" --private --type dataset
start_server
git config --global user.name t && git config --global user.email t@example.org
git lfs install --skip-repo >/dev/null 2>&1 || fail "git-lfs is not installed"

for url in "$HUB/acme/tiny" "$HUB/acme/tiny.git"; do
    rm -rf "$W/clone"
    git clone -q "$url" "$W/clone" 2>"$W/git.err" || fail "clone of $url: $(cat "$W/git.err")"
    for f in config.json empty.txt model.bin 'sub dir/a #%+é.txt'; do
        cmp -s "$W/clone/$f" "$W/model/$f" || fail "$f of $url differs"
    done
    is "clean" "$(git -C "$W/clone" status --porcelain)" ""
done
is "the large file came from storage" "$(log_lines | grep -c '"origin":"storage","method":"GET".*git-lfs')" 2
TIP=$(git -C "$W/clone" rev-parse HEAD)
for version in 0 2; do
    is "ls-remote by protocol $version" "$(git -c protocol.version=$version ls-remote "$HUB/acme/tiny" refs/heads/main)" \
        "$TIP	refs/heads/main"
done
GIT_LFS_SKIP_SMUDGE=1 git clone -q --depth 1 "$HUB/acme/tiny" "$W/shallow" || fail "shallow clone"
is "shallow" "$(git -C "$W/shallow" rev-list --count HEAD)" 1
git init -q "$W/one" && git -C "$W/one" fetch -q --depth 1 "$HUB/acme/tiny" "$TIP" || fail "fetch of a commit"
printf 'more\n' >"$W/model/more.txt"
serve_cmd import acme/tiny "$W/model"
git -C "$W/clone" pull -q || fail "pull"
is "pulled" "$(cat "$W/clone/more.txt")" more

# private: git is told to ask for a password, and any user name goes with the token
req "$HUB/datasets/acme/secret/info/refs?service=git-upload-pack"
is "challenge" "$CODE $(header WWW-Authenticate)" '401 Basic realm="hf-serve"'
git clone -q "$HUB/datasets/acme/secret" "$W/secret" 2>/dev/null && fail "cloned without a token"
git clone -q "${HUB/:\/\//:\/\/anyone:$ACME@}/datasets/acme/secret" "$W/secret" 2>"$W/git.err" ||
    fail "clone with a token: $(cat "$W/git.err")"
cmp -s "$W/secret/model.bin" "$W/model/model.bin" || fail "private file differs"
log_lines | grep -q '"origin":"storage".*"auth":true' && fail "a token went to storage"

# not offered, not there
req "$HUB/acme/tiny/info/refs?service=git-receive-pack"
[ "$CODE" = 403 ] || [ "$CODE" = 401 ] || fail "push is refused: $CODE"
req "$HUB/acme/tiny/info/refs?service=git-evil"
is "unknown service" "$CODE" 403
req "$HUB/acme/tiny/info/refs"
is "dumb protocol" "$CODE" 403
req -X POST "$HUB/acme/tiny.git/info/lfs/locks/verify"
is "no locks" "$CODE" 404
req "$HUB/acme/tiny/HEAD"
is "HEAD" "$(cat "$W/body")" "ref: refs/heads/main"
req --path-as-is "$HUB/acme/tiny/objects/../config"
is "files of the repository" "$CODE" 404

# LFS batch
batch() {
    req -H 'Content-Type: application/vnd.git-lfs+json' -d "$1" "$HUB/acme/tiny.git/info/lfs/objects/batch"
}
batch "{\"operation\":\"download\",\"objects\":[{\"oid\":\"$SHA\",\"size\":1500000},{\"oid\":\"$(printf '0%.0s' {1..64})\",\"size\":1},{\"oid\":\"x\",\"size\":1}]}"
is "batch" "$CODE $(header Content-Type)" "200 application/vnd.git-lfs+json"
is "objects" "$(json "$W/body" '[o.get("error", {}).get("code", o.get("size")) for o in d["objects"]]')" '[1500000, 404, 422]'
req "$(json "$W/body" 'd["objects"][0]["actions"]["download"]["href"]')"
cmp -s "$W/body" "$W/model/model.bin" || fail "object by href"
batch '{"operation":"download"}'
is "no objects" "$CODE" 422
batch 'no json'
is "no JSON" "$CODE" 422
batch "{\"operation\":\"download\",\"objects\":[{\"oid\":7},[],null,\"x\"]}"
is "odd objects" "$CODE" 200

# a negotiation long enough to fill the pipes in both directions
python3 - "$W/haves" "$TIP" <<'END'
import sys
def pkt(s): return b"%04x" % (len(s) + 4) + s
with open(sys.argv[1], "wb") as f:
    f.write(pkt(b"want " + sys.argv[2].encode() + b" multi_ack_detailed side-band-64k ofs-delta\n") + b"0000")
    for i in range(60000):
        f.write(pkt(b"have " + sys.argv[2].encode() + b"\n"))
    f.write(pkt(b"done\n"))
END
req -H 'Content-Type: application/x-git-upload-pack-request' --data-binary @"$W/haves" "$HUB/acme/tiny/git-upload-pack"
is "long negotiation" "$CODE $CURL_EXIT" "200 0"
[ "$(wc -c <"$W/body")" -gt 3000000 ] || fail "short answer"
gzip -c "$W/haves" >"$W/haves.gz"
req -H 'Content-Type: application/x-git-upload-pack-request' -H 'Content-Encoding: gzip' -H 'Transfer-Encoding: chunked' \
    --data-binary @"$W/haves.gz" "$HUB/acme/tiny/git-upload-pack"
is "gzip and chunked" "$CODE $CURL_EXIT" "200 0"
# a client that goes away while git works leaves no git behind
printf '0000' | curl -sS --max-time 1 -H 'Expect:' -H 'Content-Type: application/x-git-upload-pack-request' \
    -H 'Content-Length: 100' --data-binary @- "$HUB/acme/tiny/git-upload-pack" >/dev/null 2>&1
stop_server
ls "$DATA/tmp" | grep -q '^git-' && fail "spool left behind"
exit 0
