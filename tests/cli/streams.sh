# SPDX-License-Identifier: Apache-2.0
# Standard streams that fail: a full disk, a reader that left, descriptors that are closed.
. "$HERE/lib.sh"
plant config.json '{}'
blob=$(echo "$HF_HOME"/hub/models--test--repo/blobs/*)
hf version -q >/dev/full; echo "full: $?"
hf download test/repo config.json --revision $COMMIT >/dev/full; echo "full: $?"
( sleep 0.2; hf --help; echo "left early: $?" >&2 ) | true
hf version -q >&-; echo "closed stdout: $?"
hf version -q 2>&-; echo "closed stderr: $?"
hf version -q <&-; echo "closed stdin: $?"
mkdir repo; head -c 100000 /dev/zero >repo/zeros
start_hub repo
# With stdout closed the first file that is opened would be descriptor 1, and the path would be written into it.
hf download test/repo zeros >&- 2>&-; echo "closed both: $?"
hf download test/repo zeros >&-; echo "closed stdout: $?"
head -c 100000 /dev/zero | cmp - "$HF_HOME/hub/models--test--repo/snapshots/$COMMIT/zeros" && echo "content is right"
cat "$blob"; echo
