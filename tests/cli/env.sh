# SPDX-License-Identifier: Apache-2.0
# hf env: what the settings are and where they come from. A token is never shown.
. "$HERE/lib.sh"
show() { "$@" | grep -v -e '^- Platform' -e '^- User-Agent'; }
try show hf env
HF_TOKEN=hf_secret HF_HUB_OFFLINE=1 HF_ENDPOINT=http://127.0.0.1:9/ HF_HUB_CACHE="$WORK/a b" HF_TOKEN_PATH=~/t/x \
    try show hf env
try env HF_ENDPOINT=ftp://x hf env
