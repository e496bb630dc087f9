#!/bin/sh
# The same scenario gives the same bytes: answer, events, series and bills, run twice, with one thread and two, built by gcc and clang,
# optimised and under the sanitizers. Nothing is recorded: every build is held against the first.
set -eu
cd "$(dirname "$0")/../.."
[ "${1:-}" = --rewrite ] && exit 0

kerf=${KERF:-build/release/kerf}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# answer PROGRAM THREADS NAME: everything that a run says, in one file
answer() {
    "$1" compare tests/golden/same_bytes/scenario.yaml --threads "$2" --format json --out "$folder/$3" >"$folder/$3.text" 2>"$folder/$3.errors" || {
        cat "$folder/$3.errors"
        echo "same_bytes: $3 failed"
        exit 1
    }
    "$1" compare tests/golden/same_bytes/scenario.yaml --threads "$2" >>"$folder/$3.text" 2>>"$folder/$3.errors"
    (cd "$folder/$3" && find . -type f | LC_ALL=C sort | xargs cat) >>"$folder/$3.text"
    rm -rf "${folder:?}/$3"
}

hold() {
    if ! cmp "$folder/first.text" "$folder/$1.text"; then
        echo "same_bytes: $2 says something else"
        exit 1
    fi
    echo "same_bytes: $2: the same"
}

answer "$kerf" 1 first
[ -s "$folder/first.text" ]
answer "$kerf" 1 again
hold again "a second run"
answer "$kerf" 2 threads
hold threads "two threads"

# build NAME SETTING...: another build of the program
build() {
    name=$1
    shift
    "${MAKE:-make}" --no-print-directory -s "$@" "build/$name/kerf" >"$folder/build.log" 2>&1 || {
        tail "$folder/build.log"
        exit 1
    }
    answer "build/$name/kerf" 2 "$name"
    hold "$name" "$name"
}

build asan VARIANT=asan BUILD=build/asan
build ubsan VARIANT=ubsan BUILD=build/ubsan
if command -v clang >/dev/null; then
    build clang CC=clang BUILD=build/clang
else
    echo "same_bytes: no clang here"
fi
