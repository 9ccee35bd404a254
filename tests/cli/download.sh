# SPDX-License-Identifier: Apache-2.0
# Every option of hf download against a Hub.
. "$HERE/lib.sh"
mkdir -p repo/sub "repo/a b"
echo '{}' >repo/config.json
echo one >repo/sub/one.txt
echo two >repo/sub/two.bin
echo sp >"repo/a b/ü #1%.txt"
: >repo/empty
start_hub repo --log "$WORK/tmp/log"
bodies() { curl -s -o /dev/null "$HF_ENDPOINT/-/settled"; python3 -c 'import json, sys
for line in open(sys.argv[1]):
    r = json.loads(line)
    if r["method"] == "GET" and "/resolve/" in r["path"]:
        print("body of", r["path"].split("/", 5)[5])' "$WORK/tmp/log" | sort; : >"$WORK/tmp/log"; }

try hf download test/repo config.json
bodies
try hf download test/repo config.json
bodies
try hf download test/repo config.json --force-download -q
bodies
try hf download test/repo --dry-run
try hf download test/repo --dry-run --json
try hf download test/repo --dry-run -q
try hf download test/repo config.json --dry-run
try hf download test/repo --include '*.txt' --exclude 'sub/*' --max-workers 2
bodies
try hf download test/repo sub/
bodies
try hf download test/repo config.json empty 'sub/*' --include x
bodies
try hf download test/repo "a b/ü #1%.txt" --local-dir "out dir" --json
bodies
try hf download test/repo --local-dir "out dir"
bodies
find "out dir" -not -path '*/.cache/*' -type f | sort
try hf download hf://test/repo/sub/
try hf download test/repo no.txt
try hf download test/repo config.json --revision nope
try hf download no/repo
try hf download no/repo x --json
try hf download test/repo --token ''
try hf download test/repo --token "$(printf 'a\001b')"
