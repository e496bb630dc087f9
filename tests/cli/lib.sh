# Functions for tests of commands. `run ARG...` runs kerf; `exits`, `says`, `complains` look at what it did; all failures are
# reported, and the script goes on.
failures=0

fail() {
    failures=$((failures + 1))
    echo "FAIL ${test##*/}: $*" >&2
    echo "     kerf $ran -> exit $status" >&2
    sed 's/^/     | /' stdout stderr | head -n 12 >&2
}

run() {
    ran="$*"
    "$KERF" "$@" >stdout 2>stderr </dev/null
    status=$?
}

# run_with FILE ARG...: the same with standard input
run_with() {
    input=$1
    shift
    ran="$* <$input"
    "$KERF" "$@" >stdout 2>stderr <"$input"
    status=$?
}

exits() { [ "$status" = "$1" ] || fail "expected exit $1"; }

# a line of stdout, stderr that contains the text
says() { grep -qF -- "$1" stdout || fail "stdout lacks: $1"; }
complains() { grep -qF -- "$1" stderr || fail "stderr lacks: $1"; }

is_silent() { [ ! -s stdout ] || fail "stdout should be empty"; }
has_no_complaint() { [ ! -s stderr ] || fail "stderr should be empty"; }

# json EXPRESSION VALUE: a Python expression over the answer `a`
json() {
    got=$(python3 -c 'import json, sys; a = json.load(open("stdout")); print(eval(sys.argv[1]))' "$1" 2>&1)
    [ "$got" = "$2" ] || fail "$1 is $got, expected $2"
}

finish() { [ $failures -eq 0 ]; }
