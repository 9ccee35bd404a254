# SPDX-License-Identifier: Apache-2.0
# Control characters from a server are never printed raw, and nothing they name is written.
. "$HERE/lib.sh"
mkdir repo
echo 1 >"repo/good.txt"
start_hub repo --faults faults
escape=$(printf '\033]0;owned\007\033[2J')
raw() { "$@" 2>&1 | LC_ALL=C grep -c "$(printf '\033')" ; }
cat >faults <<'END'
[{"path": "/api/", "times": 9, "do": {"status": 403, "headers": {"X-Error-Message": "no\u001b[2J \u009b31m way", "X-Request-Id": "id\u001b]0;x\u0007"}}},
 {"path": "resolve", "method": "HEAD", "times": 9, "do": {"status": 403, "headers": {"X-Error-Message": "no\u001b[2J way"}}}]
END
try raw hf download test/repo
try raw hf download test/repo good.txt
try raw env HF_DEBUG=1 hf download test/repo
try raw hf download "test/$escape"
try raw hf download test/repo "$escape"
try raw hf "$escape"
try raw hf download "--$escape"
echo '[]' >faults
# A listing that names such a file, and one that leads out: refused as a whole, nothing is written.
printf x >"repo/evil$escape"
kill "${started[0]}"
start_hub repo
try raw hf download test/repo
hf download test/repo
try hf download test/repo --local-dir out
find "$HF_HOME" -type f -not -name '.*' -not -name CACHEDIR.TAG 2>/dev/null | sed "s|$HF_HOME||"
