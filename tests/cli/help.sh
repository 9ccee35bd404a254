# SPDX-License-Identifier: Apache-2.0
# Help: where it goes, with which exit code, at which width. A group without command is an error, a command that needs
# arguments and got none is not (as in the official program).
. "$HERE/lib.sh"
try hf
try hf --help
try hf download
try env COLUMNS=60 hf download --help
try huggingface-cli version -h
# Every command has a summary, options, exit codes and, when it is no group, an example; and a manual page that man can
# read.
lacks() { # FILE PREFIX SECTION... : those the file does not have
    file=$1 prefix=$2
    shift 2
    for section; do grep -q "^$prefix$section" "$file" || echo "$name: $prefix$section is missing"; done
}
hf man-page --list | while read -r program name; do
    [ -n "$name" ] && [ "$name" != serve ] || continue
    hf $name --help >"$WORK/tmp/help" || echo "no help for $name"
    hf man-page $name >"$WORK/tmp/page"
    lacks "$WORK/tmp/help" "" Usage: Options: "Exit codes:"
    lacks "$WORK/tmp/page" ".SH " NAME SYNOPSIS OPTIONS "EXIT STATUS"
    grep -q "^Commands:" "$WORK/tmp/help" && continue
    lacks "$WORK/tmp/help" "" Examples:
    lacks "$WORK/tmp/page" ".SH " EXAMPLES
    # The page of its group has it with its options.
    [ "$name" = "${name% *}" ] && continue
    hf man-page ${name% *} | tr -d '\\' >"$WORK/tmp/group"
    lacks "$WORK/tmp/group" '.SS "' "hf $name "
    for option in $(sed -n '/^Options:/,/^$/s/^  \(-., \)\{0,1\}\(--[a-z-]*\).*/\2/p' "$WORK/tmp/help"); do
        lacks "$WORK/tmp/group" ".B .*" "$option"
    done
done
