#!/usr/bin/env python3
"""The recorded provisioning cases scale-*: Karpenter's plan, the packed plan, the bound, as README shows them.

usage: KERF=build/release/kerf packing_scale.sh [--rewrite]

Compares with the table after `<!-- packing_scale -->` in README.md; --rewrite writes it. The cases lie in
$KERF_SHARED/golden/provisioning (default: ../shared beside the repository); without them the check is skipped, a failure when CI is set.
"""
import gzip
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
README = os.path.join(ROOT, "README.md")
MARK = "<!-- packing_scale -->\n"
CASES = [("plain", "one open pool"), ("spread", "the same, spread over zones"), ("cap", "one pool below 65 vCPU")]


def plan(kerf, folder, name):
    case = os.path.join(folder, "cases", name + ".yaml.gz")
    with tempfile.NamedTemporaryFile("wb", suffix=".yaml") as manifests:
        with gzip.open(case) as packed:
            manifests.write(packed.read())
        manifests.flush()
        done = subprocess.run([kerf, "plan", "-f", manifests.name, "--catalog", os.path.join(folder, "catalog"), "--bound", "--format",
                               "json"], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"packing_scale: {name}: exit {done.returncode}")
    return json.loads(done.stdout)["bound"]


def cell(side):
    return f"{side['usdPerHour']:.2f} ({side['gapPercent']:.2f} %, {side['nodes']} nodes)"


def table(kerf, folder):
    lines = ["| pods | bound | Karpenter's plan | packed plan |", "|---|---|---|---|"]
    for count in (1000, 5000):
        for case, text in CASES:
            bound = plan(kerf, folder, f"scale-{case}-{count}")
            if bound["pods"] != count or bound["packed"]["podsLeft"] > 0 or bound["packed"]["gapPercent"] > 1:
                sys.exit(f"packing_scale: scale-{case}-{count}: {bound}")
            lines.append(f"| {count:,}, {text} | {bound['usdPerHour']:.2f} | {cell(bound['karpenter'])} | {cell(bound['packed'])} |")
    return "\n".join(lines) + "\n"


def main():
    kerf = os.environ.get("KERF")
    if kerf is None or sys.argv[1:] not in ([], ["--rewrite"]):
        sys.exit(__doc__)
    folder = os.path.join(os.environ.get("KERF_SHARED", os.path.join(os.path.dirname(ROOT), "shared")), "golden/provisioning")
    if not os.path.isdir(folder):
        print(f"packing scale: SKIPPED: there is no {folder}", file=sys.stderr)
        sys.exit(1 if os.environ.get("CI") else 0)
    with open(README) as file:
        text = file.read()
    start = text.index(MARK) + len(MARK)
    end = start
    while text.startswith("|", end):
        end = text.index("\n", end) + 1
    new = table(kerf, folder)
    if sys.argv[1:]:
        with open(README, "w") as file:
            file.write(text[:start] + new + text[end:])
    elif text[start:end] != new:
        sys.exit("README's table of packing is not what comes out; now it is\n" + new)
    else:
        print("README shows the recorded cases scale-*: Karpenter's plan, the packed plan, the bound")


main()
