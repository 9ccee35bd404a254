# SPDX-License-Identifier: Apache-2.0
# What is in the cache, told and removed, without a Hub. Ages are left out: --quiet, --format json of what has none.
. "$HERE/lib.sh"
try hf cache ls
plant config.json '{}'
plant sub.txt 'text'
ages() { sed -E 's/a few seconds ago|[0-9]+ [a-z]+ ago/$AGE/g'; }
try hf cache ls | ages
try hf cache ls --revisions --json | ages
try hf cache ls -q
try hf cache ls -f 'size>1GB'
try hf cache ls -f 'size~1GB'
try hf cache ls --limit -1
try hf cache rm
try hf cache rm model/no/such
try hf cache rm model/test/repo --dry-run
try hf cache rm model/test/repo --json
try hf cache rm model/test/repo
try hf cache ls -q
try hf cache prune
rm "$HF_HOME/hub/models--test--repo/refs/main"
printf half >"$HF_HOME/hub/models--test--repo/blobs/0123.4567abcd.incomplete"
try hf cache prune --dry-run
try hf cache prune --yes
try hf cache ls
try hf cache verify test/repo
try hf cache verify test/repo --cache-dir a --local-dir b
try huggingface-cli delete-cache
