# SPDX-License-Identifier: Apache-2.0
# Help: where it goes, with which exit code, at which width. A group without command is an error, a command that needs
# arguments and got none is not (as in the official program).
. "$HERE/lib.sh"
try hf
try hf --help
try hf download
try env COLUMNS=60 hf download --help
try huggingface-cli version -h
# Every command that help lists has a summary, options, exit codes and an example, and a manual page that man can read.
for name in $(hf --help | sed -n '/^Commands:/,/^$/s/^  \([a-z-]*\)  .*/\1/p'); do
    [ "$name" = serve ] || hf "$name" --help >"$WORK/tmp/help" || echo "no help for $name"
    for section in Usage: Options: "Exit codes:" Examples:; do
        [ "$name" = serve ] || grep -q "^$section" "$WORK/tmp/help" || echo "$name --help lacks $section"
    done
    hf man-page "$name" >"$WORK/tmp/page"
    for section in NAME SYNOPSIS OPTIONS EXAMPLES "EXIT STATUS"; do
        grep -q "^.SH $section" "$WORK/tmp/page" || echo "the manual page of $name lacks $section"
    done
done
