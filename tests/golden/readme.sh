#!/bin/sh
# What README shows is what is there: the block after `<!-- kerf ARGUMENTS -->` is the beginning of what that command prints, the block
# after `<!-- file PATH -->` is that file. With --rewrite the blocks are made anew (a command's as long as it was).
set -e
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# shown MARKER: the block after the marker's line
shown() {
    awk -v marker="$1" 'index($0, marker) == 1 {inside = 1; next} inside && /^```/ {if (++fences == 2) exit; next} inside && fences == 1' README.md
}

# hold MARKER NEW_TEXT
hold() {
    if [ "$rewrite" ]; then
        awk -v marker="$1" -v text="$2" '
            index($0, marker) == 1 {inside = 1}
            inside && /^```/ {fences++; print; if (fences == 1) while ((getline line <text) > 0) print line; if (fences == 2) inside = fences = 0; next}
            !(inside && fences == 1)' README.md >"$work/readme"
        cat "$work/readme" >README.md
    else
        shown "$1" | diff -u - "$2" || { echo "README shows something else than $1" >&2; exit 1; }
        echo "README shows $1"
    fi
}

rewrite=
[ "$1" = --rewrite ] && rewrite=yes
sed -n 's/^<!-- kerf \(.*\) -->$/\1/p' README.md >"$work/commands"
path=$(sed -n 's/^<!-- file \(.*\) -->$/\1/p' README.md)
[ -s "$work/commands" ] && [ -n "$path" ] || { echo "README names no command or no file" >&2; exit 1; }
while read -r arguments; do
    marker="<!-- kerf $arguments -->"
    # shellcheck disable=SC2086
    "$KERF" $arguments >"$work/full" </dev/null || [ $? = 1 ] # 1: done, and the answer is no
    lines=$(shown "$marker" | wc -l)
    if [ "$lines" = 0 ]; then lines=$(wc -l <"$work/full"); fi # a block that was never filled
    head -n "$lines" "$work/full" >"$work/now"
    hold "$marker" "$work/now"
done <"$work/commands"
hold '<!-- file ' "$path"
