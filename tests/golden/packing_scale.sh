#!/bin/sh
# Karpenter, packed and bound on the recorded cases of many pods: see packing_scale.py.
exec python3 "$(dirname "$0")/packing_scale.py" "$@"
