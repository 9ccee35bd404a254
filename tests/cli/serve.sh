# SPDX-License-Identifier: Apache-2.0
# hf serve runs hf-serve with the same words: beside the program, else on PATH; a clear word when there is none.
. "$HERE/lib.sh"
# Signals 1 to 28 alone: 32 and 33 belong to the C library, and some parents leave them ignored.
mkdir alone beside path
cp -L "$(command -v hf)" alone/hf
printf '#!/bin/sh\necho "$0 got $# words:"; printf "<%%s>\\n" "$@"; sed -n "s/^SigIgn:.*\\(.......\\)$/ignored: \\1/p" /proc/self/status; exit 7\n' >beside/hf-serve
chmod +x beside/hf-serve
cp beside/hf-serve path/hf-serve
cp alone/hf beside/hf
PATH=/usr/bin:/bin try "$PWD/alone/hf" serve --data d
PATH=/usr/bin:/bin try "$PWD/beside/hf" serve --data "a b" --json -q --help ''
PATH=$PWD/path:/usr/bin:/bin try "$PWD/alone/hf" serve import x
