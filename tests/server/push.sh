#!/usr/bin/env bash
# git push: what may come in, what is refused and leaves nothing, who may.
. "$(dirname "$0")/lib.sh"
git config --global user.email a@example.com
git config --global user.name A
git config --global init.defaultBranch main
git lfs install >/dev/null || fail "no git-lfs"
token() { "$HF_SERVE" "$@" --data "$DATA" | tail -n 1; }
TOKEN=$(token user add alice)
READ=$(token token add alice --name ro --role read)
OTHER=$(token user add mallory)
serve_cmd repo create alice/m --private
serve_cmd repo create alice/open
start_server --lfs-threshold 100000
at() { printf '%s' "http://x:$1@${HUB#http://}/$2"; } # TOKEN REPO
C=$W/clone
refused() { # WHAT GLOB GIT-ARGUMENT...
    local out what=$1 glob=$2
    shift 2
    out=$(git -C "$C" "$@" 2>&1) && fail "$what was let in"
    has "$what" "$out" "$glob"
}
push() { git -C "$C" push -q "$@" 2>"$W/push.err" || fail "push $*: $(cat "$W/push.err")"; }
DIR() { ls -d "$DATA"/git/*.git; }

git clone -q "$(at "$TOKEN" alice/m)" "$C" || fail clone
printf 'hi\n' >"$C/a b ü.txt"
: >"$C/empty.bin"
printf '#!/bin/sh\n' >"$C/run.sh"
chmod +x "$C/run.sh"
head -c 300000 /dev/urandom >"$C/model.bin"
git -C "$C" add -A && git -C "$C" commit -qm "one" || fail commit
push
git clone -q "$(at "$READ" alice/m)" "$W/other" || fail "second clone"
for f in "a b ü.txt" empty.bin run.sh model.bin; do cmp "$C/$f" "$W/other/$f" || fail "$f differs"; done
[ -x "$W/other/run.sh" ] || fail "run.sh is not executable"
git -C "$W/other" lfs fsck >/dev/null || fail "git lfs fsck"
req -H "Authorization: Bearer $TOKEN" "$HUB/api/models/alice/m/tree/main?recursive=true"
is "model.bin is LFS" "$(json "$W/body" '[e["lfs"]["size"] for e in d if e["path"]=="model.bin"][0]')" 300000

head_before=$(git -C "$C" rev-parse HEAD)
dangling() {
    printf 'version https://git-lfs.github.com/spec/v1\noid sha256:%064d\nsize 5\n' 7 >"$W/pointer"
    git -C "$C" update-index --add --cacheinfo "100644,$(git -C "$C" hash-object -w "$W/pointer"),lost/p.bin"
    git -C "$C" commit -qm dangling
}
dangling
refused "a pointer to nowhere" '*LFS pointer pointed to a file that does not exist*lost/p.bin*' push --no-verify
git -C "$C" reset -q --hard "$head_before"
head -c 100001 /dev/urandom >"$C/big.txt"
git -C "$C" add -A && git -C "$C" commit -qm big
refused "a large file" '*larger than 100000 bytes*- big.txt*' push
# deep in the history, not at the tip, with more objects than are unpacked
git -C "$C" rm -q big.txt
for i in $(seq 150); do echo "$i" >"$C/n$i"; done
git -C "$C" add -A && git -C "$C" commit -qm "gone again"
refused "a large file in the history" '*- big.txt*' push
git -C "$C" reset -q --hard "$head_before"

refused "a new pull request" '*pull requests are neither made nor deleted*' push origin HEAD:refs/pr/7
refused "a ref of the server's own" '*neither a branch nor a tag*' push origin HEAD:refs/convert/x
refused "main away" '*deletion of the current branch*' push origin :main
push origin HEAD:refs/heads/dev/x
git -C "$C" tag -a v1 -m "first"
push origin v1
push origin :refs/heads/dev/x

# an existing pull request takes pushes
req -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/x-ndjson' \
    --data-binary $'{"key":"header","value":{"summary":"pr"}}\n{"key":"file","value":{"path":"p","content":"cA==","encoding":"base64"}}\n' \
    "$HUB/api/models/alice/m/commit/main?create_pr=1"
is "create_pr" "$CODE" 200
git -C "$C" fetch -q origin refs/pr/1:pr1 && git -C "$C" checkout -q pr1 || fail "fetch of a pull request"
echo more >"$C/more.txt" && git -C "$C" add -A && git -C "$C" commit -qm more
push origin pr1:refs/pr/1
is "pull request moved" "$(for dir in $(DIR); do git -C "$dir" rev-parse -q --verify refs/pr/1; done)" \
    "$(git -C "$C" rev-parse pr1)"
refused "a pull request away" '*neither made nor deleted*' push origin :refs/pr/1
git -C "$C" checkout -q main

refused "a read token" '*403*' push "$(at "$READ" alice/m)" HEAD:x
refused "a stranger" '*not found*' push "$(at "$OTHER" alice/m)" HEAD:x
refused "a stranger in a public repo" '*403*' push "$(at "$OTHER" alice/open)" HEAD:x
refused "nobody" '*could not read Username*' push "$HUB/alice/open" HEAD:x

# a list knows the tags of what was pushed
printf -- '---\nlicense: mit\ntags: [pushed]\n---\n' >"$C/README.md"
git -C "$C" add -A && git -C "$C" commit -qm card
push
req -H "Authorization: Bearer $TOKEN" "$HUB/api/models?filter=pushed&filter=license:mit"
is "found by its tags" "$(json "$W/body" '[r["id"] for r in d]')" '["alice/m"]'

# a force push, and what git left where it was refused
git -C "$C" commit -q --amend -m "said better"
push --force
for dir in $(DIR); do
    is "fsck" "$(git -C "$dir" fsck --full --strict --no-dangling 2>&1)" ""
    is "nothing in quarantine" "$(find "$dir" -name 'tmp_*' -o -name 'incoming-*' -o -name '*.lock')" ""
    is "refused objects are gone" "$(git -C "$dir" cat-file --batch-all-objects --batch-check='%(objecttype) %(objectsize)' |
        awk '$1=="blob" && $2>100000')" ""
done
stop_server

# without its hook nothing is let in unseen
cp "$HF_SERVE" "$W/moved" && HF_SERVE=$W/moved start_server
rm "$W/moved"
echo x >"$C/x" && git -C "$C" add -A && git -C "$C" commit -qm x
refused "a push past a hook that is gone" '*500*' push "$(at "$TOKEN" alice/m)" HEAD:main
stop_server
