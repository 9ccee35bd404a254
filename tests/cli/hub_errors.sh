# SPDX-License-Identifier: Apache-2.0
# What people meet on a real Hub (hf-serve): private, gated, disabled and renamed repos, a wrong token, a missing
# revision or file, a rate limit; HF_TOKEN, --token and the token file.
. "$HERE/lib.sh"
if ! command -v hf-serve >/dev/null; then
    echo "hf-serve is not built" >&2
    exit 1
fi
mkdir model
echo '{}' >model/config.json
serve() { hf-serve "$@" --data "$WORK/hub" >>"$WORK/tmp/out" || echo "failed: hf-serve $*"; }
serve user add acme --org
for name in acme/open acme/secret acme/off beta/gated; do serve import $name model; done
serve import acme/data model --type dataset
serve repo set acme/secret --visibility private
serve repo set beta/gated --gated
serve repo set acme/off --disable
serve repo move acme/open acme/moved
alice=$(hf-serve user add alice --data "$WORK/hub")
serve org join acme alice --role read
hf-serve serve --data "$WORK/hub" --port 0 >"$WORK/tmp/url" 2>&1 &
started+=($!)
for _ in $(seq 100); do grep -q 'listening on' "$WORK/tmp/url" && break; sleep 0.1; done
HF_ENDPOINT=$(sed -n 's/^hf-serve listening on //p' "$WORK/tmp/url")
export HF_ENDPOINT
try hf download acme/moved config.json
try hf download acme/open config.json -q
try hf download datasets/acme/data -q
try hf download acme/data
try hf download acme/moved none.json
try hf download acme/moved config.json --revision none
try hf download acme/moved --revision none
try hf download acme/secret
try hf download acme/secret config.json --token hf_wrong
try hf download beta/gated config.json
try hf download beta/gated
try hf download acme/off config.json
export HF_TOKEN=$alice
try hf download acme/secret -q
try hf download beta/gated config.json
serve repo grant beta/gated alice
try hf download beta/gated config.json -q
unset HF_TOKEN
mkdir -p "$HF_HOME" && printf '%s\n' "$alice" >"$HF_HOME/token" && chmod 600 "$HF_HOME/token"
try hf download acme/secret -q --cache-dir "$WORK/another"
HF_HUB_DISABLE_IMPLICIT_TOKEN=1 try hf download acme/secret -q --cache-dir "$WORK/other"
