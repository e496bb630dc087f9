#!/usr/bin/env python3
"""What scenarios/migration/README.md says of the claims, from the files that kerf wrote.

usage: migration_claims.py start OUT | evening OUT      (OUT: of kerf compare scenarios/migration_start.yaml --out OUT, or _evening)

start    seconds from a pod's creation to its container running, and from a burst's first pod to each new node ready: p50, p90, p99 over
         all bursts of a replication; mean over replications with its 95 % interval, and their 5 % to 95 % range
evening  minutes from the drop of the load until eight nodes serve, and how many serve two hours after it
"""
import csv
import math
import os
import sys

# Student's t, 97.5 %, by degrees of freedom; beyond 30 the normal one is close enough
T = [0, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
     2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042]

DROP_SECONDS = 4 * 3600
SERVING = 8


def interval(values):
    """Mean, half of the 95 % interval, and the 5 % and 95 % quantiles."""
    n = len(values)
    mean = sum(values) / n
    half = 0.0
    if n > 1:
        variance = sum((value - mean) ** 2 for value in values) / (n - 1)
        half = (T[n - 1] if n - 1 < len(T) else 1.96) * math.sqrt(variance / n)
    return mean, half, quantile(values, 0.05), quantile(values, 0.95)


def quantile(values, share):
    """The value at that place, between two where it falls between them."""
    values = sorted(values)
    at = share * (len(values) - 1)
    low = math.floor(at)
    high = min(low + 1, len(values) - 1)
    return values[low] + (at - low) * (values[high] - values[low])


def events_of(folder):
    with open(os.path.join(folder, "events.csv"), newline="") as stream:
        yield from csv.DictReader(stream)


def replications(design):
    return sorted(os.path.join(design, name) for name in os.listdir(design) if name.isdigit())


def designs(out):
    return sorted(name for name in os.listdir(out) if os.path.isdir(os.path.join(out, name)))


def waits(folder, tiers, warm_up):
    """
    Seconds from creation to running of each pod of the work, and from the first pod of its burst to each node's readiness: within five
    minutes, since a group makes its zones even later on.
    """
    created, pods, nodes = {}, [], []
    burst = -math.inf
    for row in events_of(folder):
        seconds, event = float(row["seconds"]), row["event"]
        if row["pod"].startswith("burst/"):
            if event == "podCreated":
                created[row["pod"]] = seconds
                burst = seconds if seconds - burst > 300 else burst
            elif event == "podRunning" and created[row["pod"]] >= warm_up:
                pods.append(seconds - created[row["pod"]])
        elif event == "nodeReady" and row["node"].rsplit("-", 1)[0].removeprefix("ip-") in tiers and burst >= warm_up and seconds - burst < 300:
            nodes.append(seconds - burst)
    return pods, nodes


def serving(folder, tier="web"):
    """(seconds, nodes whose instance runs) at each change."""
    count, course = 0, []
    for row in events_of(folder):
        if row["event"] in ("instanceStarted", "instanceEnded") and row["node"].removeprefix("ip-").startswith(tier + "-"):
            count += 1 if row["event"] == "instanceStarted" else -1
            course.append((float(row["seconds"]), count))
    return course


def minutes_to(course, target, drop=DROP_SECONDS, until=DROP_SECONDS + 7 * 3600):
    """Minutes after the drop from which on at most `target` nodes serve; NaN: not before `until`."""
    for seconds, count in course:
        if drop < seconds < until and count <= target:
            return (seconds - drop) / 60
    return math.nan


def count_at(course, moment):
    count = 0
    for seconds, now in course:
        if seconds > moment:
            break
        count = now
    return count


def start(out):
    print(f"{'seconds':22} {'':5} {'p50':>26} {'p90':>26} {'p99':>26}")
    for design in designs(out):
        path = os.path.join(out, design)
        samples = [waits(folder, ("first", "second", "on-demand"), 3600) for folder in replications(path)]
        for kind, index in (("pods", 0), ("nodes", 1)):
            cells = []
            for share in (0.5, 0.9, 0.99):
                values = [quantile(sample[index], share) for sample in samples if sample[index]]
                cells.append("%6.1f +-%4.1f (%5.1f..%5.1f)" % interval(values))
            print(f"{design:22} {kind:5} " + " ".join(cells))


def evening(out):
    print(f"{'':16} {'replications that reach 8':>26} {'minutes to 8':>28} {'serving after 30 min':>30} {'after 2 h':>28}")
    for design in designs(out):
        path = os.path.join(out, design)
        courses = [serving(folder) for folder in replications(path)]
        minutes = [value for value in (minutes_to(course, SERVING) for course in courses) if not math.isnan(value)]
        reached = "%5.1f +-%4.1f (%5.1f..%5.1f)" % interval(minutes) if minutes else "-"
        later = ["%5.1f +-%4.1f (%4.1f..%4.1f)" % interval([count_at(course, DROP_SECONDS + wait) for course in courses]) for wait in (1800, 7200)]
        print(f"{design:16} {len(minutes):>23}/{len(courses):<2} {reached:>28} {later[0]:>30} {later[1]:>28}")


if __name__ == "__main__":
    {"start": start, "evening": evening}[sys.argv[1]](sys.argv[2])
