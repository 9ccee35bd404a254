# SPDX-License-Identifier: Apache-2.0
# What is cached comes back without a Hub: by commit always, by branch when offline. Paths with spaces, HF_HOME,
# HF_HUB_CACHE, --cache-dir; the path alone on stdout.
. "$HERE/lib.sh"
plant config.json '{}'
try hf download test/repo config.json --revision $COMMIT
try hf download test/repo config.json --revision $COMMIT --quiet
try hf download test/repo config.json --revision $COMMIT --json
try hf download test/repo config.json --revision $COMMIT --format agent
export HF_HUB_OFFLINE=1
try hf download test/repo config.json
try hf download hf://test/repo/config.json
try hf download hf://test/repo@main/config.json -q
try hf download test/repo other.json
try hf download other/repo
try hf download other/repo config.json --dry-run
try hf download test/repo config.json --force-download
export HF_HUB_CACHE="$WORK/with space/ünï"
plant config.json '{}'
try hf download test/repo config.json
try hf download test/repo config.json --json
export HF_HUB_CACHE=$WORK/nowhere
try hf download test/repo config.json
try hf download test/repo config.json --cache-dir "$WORK/with space/ünï"
