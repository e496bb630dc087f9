#!/bin/sh
# The shipped scenarios, held to sense from outside: see scenario_sense.py. There is nothing to rewrite.
[ "$1" = --rewrite ] || exec python3 "$(dirname "$0")/scenario_sense.py" "$KERF"
