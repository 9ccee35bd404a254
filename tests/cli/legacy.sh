# SPDX-License-Identifier: Apache-2.0
# The habits of huggingface-cli, when called by that name: several values after one option, options of old.
. "$HERE/lib.sh"
mkdir -p repo/sub
echo 1 >repo/a.txt
echo 2 >repo/b.json
echo 3 >repo/c.bin
start_hub repo
try huggingface-cli download test/repo --include '*.txt' '*.json' --exclude 'b*' --quiet
try ls "$HF_HOME/hub/models--test--repo/snapshots/$COMMIT"
try huggingface-cli download test/repo a.txt b.json --resume-download --local-dir-use-symlinks False --local-dir out
try ls out
try huggingface-cli download --repo-type model test/repo c.bin
try hf download test/repo --include '*.txt' '*.json'
