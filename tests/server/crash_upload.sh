#!/usr/bin/env bash
# kill -9 of the server at random moments of uploads and commits: see crash_upload.py.
. "$(dirname "$0")/lib.sh"
git config --global user.email a@example.com
python3 "$HERE/crash_upload.py" "$HF_SERVE" "$W" || fail "crash_upload.py"
