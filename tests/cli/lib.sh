# SPDX-License-Identifier: Apache-2.0
# Helpers of the scripts beside it. Source it first: . "$HERE/lib.sh"

started=()
stop_all()
{
    for pid in "${started[@]}"; do
        kill "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
    done
}
trap stop_all EXIT

# Shows a command, runs it, shows its exit code. Nothing else of the script goes to stdout.
try()
{
    printf '$ %s\n' "$*" | tee /dev/stderr
    "$@"
    echo "=> $?"
}

# start_hub ROOT [OPTION...]: serves ROOT as test/repo (tests/hub/minihub.py), sets HF_ENDPOINT.
start_hub()
{
    local out
    out=$(mktemp)
    python3 "$HERE/../hub/minihub.py" "$@" >"$out" 2>"$out.err" &
    started+=($!)
    for _ in $(seq 100); do
        grep -q ENDPOINT "$out" && break
        sleep 0.1
    done
    HF_ENDPOINT=$(sed -n 's/^ENDPOINT //p' "$out")
    export HF_ENDPOINT
    [ -n "$HF_ENDPOINT" ] || { cat "$out.err" >&2; exit 1; }
}
COMMIT=0123456789abcdef0123456789abcdef01234567 # the one commit that minihub serves

# One file of a cache, as both clients lay it out: plant FILE CONTENT
plant()
{
    local repo="${HF_HUB_CACHE:-$HF_HOME/hub}/models--test--repo"
    local etag
    etag=$(printf 'blob %d\0%s' "${#2}" "$2" | sha1sum | cut -d' ' -f1)
    mkdir -p "$repo/blobs" "$repo/refs" "$repo/snapshots/$COMMIT"
    printf %s "$2" >"$repo/blobs/$etag"
    printf %s "$COMMIT" >"$repo/refs/main"
    ln -sf "../../blobs/$etag" "$repo/snapshots/$COMMIT/$1"
}
