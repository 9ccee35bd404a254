# SPDX-License-Identifier: Apache-2.0
# The command line's own rules: what is refused, with which words, exit code and suggestion.
. "$HERE/lib.sh"
try hf downlod
try hf xyzzy
try hf --bogus
try hf download --bogus
try hf download a/b --revison x
try hf download a/b --type foo
try hf download a/b --max-workers abc
try hf download a/b --max-workers 0
try hf download a/b --max-workers
try hf download a/b --force-download=1
try hf download a/b -x
try hf download a/b -qx
try hf download --revision main
try hf download a/b f --cache-dir x --local-dir y
try hf download datasets/a/b --type model
try hf download hf://a
try hf download hf://buckets/a/b
try hf download hf://a/b/c d
try hf download hf://a/b --revision x
try hf download hf://a/b --type model
try hf download a/b x/ --include y
try hf download a..b f
try hf download a/b ../x
try hf download a/b /etc/passwd
try hf version extra
try hf version --json -q
try hf version --format xml
try hf version --format
try hf completion ksh
try hf man-page nothing
