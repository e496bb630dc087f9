#!/bin/sh
# The quality table of the packer: see packing_quality.py.
exec python3 "$(dirname "$0")/packing_quality.py" "$@"
