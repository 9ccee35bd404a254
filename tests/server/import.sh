#!/usr/bin/env bash
# hf-serve import and the commands around it, judged by git and git-lfs on the bare repository.
. "$(dirname "$0")/lib.sh"
make_model
printf '#!/bin/sh\n' >"$W/model/run.sh" && chmod 755 "$W/model/run.sh"
ln -s ../config.json "$W/model/sub dir/link.json"
head -c 60000 "$W/model/model.bin" >"$W/model/big [1] #x.dat"
: >"$W/model/empty.bin"
git config --global user.name t && git config --global user.email t@example.org

# bare GIT-ARGUMENT...: in the first repository
bare() { git -c core.quotePath=false -C "$TINY" "$@"; }
# refuses CODE GLOB COMMAND...: one line on stderr, nothing on stdout
refuses() {
    local code=$1 glob=$2
    shift 2
    "$HF_SERVE" "$@" --data "$DATA" >"$W/cmd.out" 2>"$W/cmd.err"
    is "exit code of $*" "$?" "$code"
    is "lines of $*" "$(wc -l <"$W/cmd.err")" 1
    is "stdout of $*" "$(cat "$W/cmd.out")" ""
    has "message of $*" "$(cat "$W/cmd.err")" "$glob"
}

# the commit, alone on stdout
serve_cmd import acme/tiny "$W/model" --lfs-threshold 50000 --message 'First of all'
COMMIT=$(cat "$W/cmd.out")
TINY=$(ls -d "$DATA"/git/*.git)
is "head" "$(bare rev-parse main)" "$COMMIT"
is "HEAD" "$(bare symbolic-ref HEAD)" refs/heads/main
is "history" "$(bare log --format='%an %s' main)" "acme First of all
acme initial commit"
is "initial .gitattributes" "$(bare cat-file -s main~1:.gitattributes)" 1519
is "fsck" "$(bare fsck --full --strict 2>&1)" ""
is "modes and names" "$(bare ls-tree -r --format='%(objectmode) %(path)' main)" "100644 .gitattributes
100644 big [1] #x.dat
100644 config.json
100644 empty.bin
100644 empty.txt
100644 model.bin
100755 run.sh
100644 sub dir/a #%+é.txt
100644 sub dir/link.json"
for f in config.json empty.txt empty.bin run.sh 'sub dir/a #%+é.txt' 'sub dir/link.json'; do
    is "blob of $f" "$(bare rev-parse "main:$f")" "$(git hash-object --no-filters "$W/model/$f")"
done
for f in model.bin 'big [1] #x.dat'; do
    is "pointer of $f" "$(bare cat-file blob "main:$f")" "$(git lfs pointer --file="$W/model/$f" 2>/dev/null)"
    sha=$(sha256sum <"$W/model/$f" | cut -d' ' -f1)
    cmp -s "$DATA/lfs/${sha:0:2}/${sha:2:2}/$sha" "$W/model/$f" || fail "LFS object of $f"
done

# what a clone with git-lfs finds: every rule holds, nothing is modified
git lfs install --skip-repo >/dev/null 2>&1 || fail "git-lfs is not installed"
start_server
git clone -q "$HUB/acme/tiny" "$W/clone" 2>"$W/git.err" || fail "clone: $(cat "$W/git.err")"
is "status" "$(git -C "$W/clone" status --porcelain)" ""
has "lfs fsck" "$(git -C "$W/clone" lfs fsck 2>&1)" "*OK*"
is "tracked" "$(git -C "$W/clone" lfs ls-files -n | sort)" "big [1] #x.dat
model.bin"
for f in config.json model.bin 'big [1] #x.dat' 'sub dir/a #%+é.txt'; do
    cmp -s "$W/clone/$f" "$W/model/$f" || fail "$f differs in the clone"
done

# all of what follows happens while the server runs
serve_cmd import acme/tiny "$W/model" --lfs-threshold 50000
is "nothing changed" "$(cat "$W/cmd.err") $(cat "$W/cmd.out")" "nothing changed in model 'acme/tiny' $COMMIT"
chmod 644 "$W/model/run.sh"
printf 'x' >>"$W/model/config.json"
mkdir "$W/model/new" && printf 'n\n' >"$W/model/new/n.txt"
serve_cmd import acme/tiny "$W/model" --lfs-threshold 50000
is "what changed" "$(bare diff-tree -r --format= --name-status main)" "M	config.json
A	new/n.txt
M	run.sh
M	sub dir/link.json"
rm -r "$W/model/new"
serve_cmd import acme/tiny "$W/model" --lfs-threshold 50000
has "files that are gone stay" "$(cat "$W/cmd.err")" "nothing changed*"
serve_cmd import acme/tiny "$W/model" --lfs-threshold 50000 --mirror
is "mirror" "$(bare diff-tree -r --format= --name-status main)" "D	new/n.txt"
# a folder of its own rules
mkdir "$W/ruled"
printf '*.txt filter=lfs diff=lfs merge=lfs -text\n' >"$W/ruled/.gitattributes"
cp "$W/model/config.json" "$W/ruled/a.txt" && cp "$W/model/model.bin" "$W/ruled/"
serve_cmd import acme/ruled "$W/ruled" --type dataset --private --gated=manual
RULED=$(ls -d "$DATA"/git/*.git | grep -vF "$TINY")
[ "$(git -C "$RULED" cat-file blob main:a.txt | wc -l)" = 3 ] || fail "its own rule makes a.txt LFS"
is "model.bin is regular" "$(git -C "$RULED" cat-file -s main:model.bin)" 1500000
serve_cmd repo list
is "list" "$(cat "$W/cmd.out")" "dataset	acme/ruled	private,gated=manual
model	acme/tiny	public"

# revisions
serve_cmd import acme/tiny "$W/ruled" --revision feat/x
is "new branch grows from main" "$(bare rev-parse feat/x~1)" "$(bare rev-parse main)"
serve_cmd import acme/tiny "$W/ruled" --revision refs/pr/1
serve_cmd repo tag acme/tiny v1 --message 'a tag'
serve_cmd repo branch acme/tiny dev "$COMMIT"
is "refs" "$(bare for-each-ref --format='%(refname) %(objecttype)')" "refs/heads/dev commit
refs/heads/feat/x commit
refs/heads/main commit
refs/pr/1 commit
refs/tags/v1 tag"
refuses 1 "*exists already*" repo tag acme/tiny v1
refuses 2 "*no valid ref name*" repo branch acme/tiny 'a..b'
refuses 1 "*no revision 'nope'*" repo branch acme/tiny other nope
serve_cmd repo branch acme/tiny dev --delete
req "$HUB/api/models/acme/tiny/revision/dev"
is "deleted branch, seen by the server" "$CODE" 404

# rename, disable, grant: the server follows
serve_cmd repo move acme/tiny acme/small
req "$HUB/acme/tiny/resolve/main/config.json"
is "redirect" "$CODE $(header Location)" "307 /acme/small/resolve/main/config.json"
serve_cmd repo set acme/small --disable
req "$HUB/acme/small/resolve/main/config.json"
is "disabled" "$CODE" 403
serve_cmd repo set acme/small --enable --gated=auto
serve_cmd user add eve --email eve@example.org
EVE=$(cat "$W/cmd.out")
has "token" "$EVE" "hf_??????????????????????????????????"
req -H "Authorization: Bearer $EVE" "$HUB/acme/small/resolve/main/config.json"
is "gated" "$CODE" 403
serve_cmd repo grant acme/small eve
req -H "Authorization: Bearer $EVE" "$HUB/acme/small/resolve/main/config.json"
is "granted" "$CODE" 200
serve_cmd token revoke eve default
req -H "Authorization: Bearer $EVE" "$HUB/api/whoami-v2"
is "revoked" "$CODE" 401
stop_server
is "fsck at last" "$(bare fsck --full --strict --no-dangling 2>&1)" ""

# refusals
mkdir "$W/bad"
refuses 2 "*holds no file" import acme/x "$W/bad"
refuses 2 "*there is no folder*" import acme/x "$W/none"
refuses 2 "*is no folder*" import acme/x "$W/model/config.json"
ln -s /etc/passwd "$W/bad/p"
refuses 1 "*'p' is a symbolic link that does not lead to a file of this folder" import acme/x "$W/bad"
ln -sfn ../model/config.json "$W/bad/p"
refuses 1 "*'p' is a symbolic link*" import acme/x "$W/bad"
ln -sfn nowhere "$W/bad/p"
refuses 1 "*'p' is a symbolic link*" import acme/x "$W/bad"
rm "$W/bad/p" && mkdir -p "$W/bad/sub/.GIT" && : >"$W/bad/sub/.GIT/x"
refuses 1 "*'.git' component" import acme/x "$W/bad"
rm -r "$W/bad/sub" && : >"$W/bad/a"$'\n'"b"
refuses 1 "*control character" import acme/x "$W/bad"
rm "$W/bad"/* && : >"$W/bad/a\\b"
refuses 1 "*backslash" import acme/x "$W/bad"
rm "$W/bad"/* && mkfifo "$W/bad/pipe"
refuses 1 "*neither a file nor a folder" import acme/x "$W/bad"
refuses 2 "*repo id*" import 'acme/--x' "$W/model"
refuses 2 "*no namespace*" import tiny2 "$W/model"
refuses 2 "*unknown option*" import acme/x "$W/model" --bogus
refuses 2 "*--type is*" import acme/x "$W/model" --type buckets
refuses 2 "*wants a number*" import acme/x "$W/model" --lfs-threshold ten
refuses 2 "*reserved*" user add datasets
refuses 2 "*reserved*" import api/x "$W/model"
refuses 2 "*no such command*" frobnicate
"$HF_SERVE" repo list --data "$DATA" | grep -q acme/x && fail "a refused import left a repo"
for c in import 'user add' 'user list' 'token add' 'org join' 'repo list' 'repo set' 'repo move' serve; do
    # shellcheck disable=SC2086
    "$HF_SERVE" $c --help | grep -q '^usage: hf-serve' || fail "$c --help"
done
[ "$(stat -c %a "$DATA/hub.sqlite")" = 600 ] || fail "the database is for its owner alone"
exit 0
