# SPDX-License-Identifier: Apache-2.0
# hf version in every mode, and the two names of the program.
. "$HERE/lib.sh"
try hf version
try hf version -q
try hf version --json
try hf version --format=agent
try hf version --format human --no-truncate
try env AI_AGENT=1 hf version
try env AGENT=x hf version --format human
try env HF_DEBUG=1 hf version --quiet
try hf --version
try hf -v
try huggingface-cli version
