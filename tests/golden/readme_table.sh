#!/bin/sh
# The table that README shows is what its command prints: the block after the line `<!-- kerf ARGUMENTS -->`, up to its closing fence.
# Of a command that prints more, README shows the beginning. With --rewrite the block is made anew, as long as it was.
set -e
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
arguments=$(sed -n 's/^<!-- kerf \(.*\) -->$/\1/p' README.md)
[ -n "$arguments" ] || { echo "README names no command" >&2; exit 1; }
# shellcheck disable=SC2086
"$KERF" $arguments >"$work/full"
awk '/^<!-- kerf /{inside=1; next} inside && /^```/{fences++; if (fences == 2) exit; next} inside && fences == 1' README.md >"$work/shown"
lines=$(wc -l <"$work/shown")
head -n "$lines" "$work/full" >"$work/now"
if [ "$1" = --rewrite ]; then
    awk -v table="$work/now" '
        /^<!-- kerf /{inside=1}
        inside && /^```/{fences++; print; if (fences == 1) while ((getline line <table) > 0) print line; if (fences == 2) inside=0; next}
        !(inside && fences == 1)' README.md >"$work/readme"
    cat "$work/readme" >README.md
else
    diff -u "$work/shown" "$work/now" || { echo "README shows another table than kerf $arguments prints" >&2; exit 1; }
    echo "README shows what kerf $arguments prints"
fi
