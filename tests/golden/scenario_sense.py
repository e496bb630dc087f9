#!/usr/bin/env python3
"""Holds what the shipped scenarios print to sense, from outside the program.

usage: scenario_sense.py KERF [SCENARIO...]

Runs `kerf compare` on each scenario with few replications and --out, and checks:
  bill        causes, tiers and capacity types add up; the bill is recomputed from the events alone
  policies    evictions grow from WhenEmpty over Balanced to WhenEmptyOrUnderutilized, and WhenEmpty costs most, in paired differences
              whose intervals exclude zero. So does WhenEmptyOrUnderutilized against Balanced with consolidateAfter 1h; with short waits
              moves are soon undone, and the two bills are near
  night       dev runs no workload node once the evening's drain is over
  storm       a design whose Spot is reclaimed shows it in evictions and waits
  migration   what it says of both autoscalers: dollars by menu, waits from no node, the evening's drop
  blindness   packing by price saves most where waves fill an open pool, little below 65 vCPU, and nothing where small batches consolidate
  subnets     nodes take the addresses of the closed forms; /24 run out, /19 do not
Prints a line a check; exit 1 if one fails.
"""
import csv
import datetime
import json
import math
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import migration_claims

MONTH_HOURS = 730
REPLICATIONS = {"prod_tiers": 2, "dev_nightly": 3, "price_of_blindness": 2, "consolidation_policies": 5, "consolidation_policies/bursty": 3,
                "consolidation_policies/daily": 10, "consolidation_policies/flat": 3, "spot_storm": 2, "subnet_sizing": 1,
                "migration": 2, "migration_start": 3, "migration_evening": 3}
# Of the large scenarios only these designs; their comments have the findings of all, and the command.
DESIGNS = {"consolidation_policies/" + load: [f"{policy}-{setting}" for policy in ("empty", "balanced", "underutilized")]
           for load, setting in (("bursty", "30s-10"), ("daily", "1h-100"), ("flat", "30s-10"))}
DESIGNS["price_of_blindness"] = [f"{pool}-{planner}" for pool in ("open", "open-waves", "capped-waves") for planner in ("karpenter", "packed")]
STUDENT_T = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262]  # 95 %, two sides, by degrees of freedom from 1
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")

failures = 0


def check(ok, what):
    global failures
    failures += not ok
    print(("ok    " if ok else "FAIL  ") + what)


def metrics_of(design):
    return {name: value["mean"] for name, value in design["metrics"].items()}


def close(a, b, relative=1e-9, absolute=1e-6):
    return abs(a - b) <= max(absolute, relative * max(abs(a), abs(b)))


# ---- the bill ----

def check_sums(scenario, design):
    metrics = metrics_of(design)
    total = metrics["costUsdPerMonth"]

    def part(prefix):
        return sum(value for name, value in metrics.items() if name.startswith(prefix))

    control_plane = metrics["costUsdPerMonth.cause.controlPlane"]
    where = f"{scenario}/{design['name']}"
    check(close(part("costUsdPerMonth.cause."), total), f"{where}: causes add up to the bill")
    check(close(part("costUsdPerMonth.tier.") + control_plane, total), f"{where}: tiers and the control plane add up")
    check(close(part("costUsdPerMonth.capacityType.") + control_plane, total), f"{where}: capacity types and the control plane add up")
    waits = part("podWaitSecondsMean.phase.")
    check(close(waits, metrics["podWaitSecondsMean"], 1e-6), f"{where}: phases add up to the mean wait")
    check(close(total + metrics["restartCostUsdPerMonth"], metrics["costWithRestartsUsdPerMonth"]), f"{where}: bill and restarts add up")


def recompute(folder):
    """Micro-dollars of every node's instance from events.csv: price and life, per second, at least a minute once it has ended."""
    lives = {}
    lost = set()
    with open(os.path.join(folder, "events.csv"), newline="") as stream:
        for row in csv.DictReader(stream):
            seconds = float(row["seconds"])
            if row["event"] == "instanceStarted":
                lives[row["node"]] = [seconds, None, int(row["detail"])]
            elif row["event"] == "nodeLost":
                lost.add(row["node"])
            elif row["event"] == "instanceEnded":
                lives[row["node"]][1] = seconds
    micros = {}
    for node, (start, end, price) in lives.items():
        if end is None:
            micros[node] = None
        elif node in lost and end - start < 3600:
            micros[node] = 0.0  # EC2 took a Spot instance back in its first hour
        else:
            micros[node] = price / 3600 * max(60, math.ceil(round(end - start, 6)))
    return micros


def check_bill(scenario, design, folder, horizon, warm_up):
    where = f"{scenario}/{design['name']}"
    instances = recompute(folder)
    with open(os.path.join(folder, "nodes.csv"), newline="") as stream:
        rows = list(csv.DictReader(stream))
    names = [row["node"] for row in rows]
    check(sorted(names) == sorted(instances), f"{where}: a line of the bill for each instance that ran, and no other")
    worst = 0.0
    for row in rows:
        charged = int(row["totalUsdMicros"]) - int(row["volumeUsdMicros"])
        expected = instances[row["node"]]
        if expected is None:
            # open at the end: billed for the time that it lived; its price stands in the events too
            continue
        # The minimum of a minute and the rounding up hold for the volume as well, and stand in the same column: at most two seconds of it.
        volume_slack = int(row["minimumUsdMicros"]) * 0.2 + 3
        worst = max(worst, abs(charged - expected) - volume_slack)
    check(worst <= 0, f"{where}: {len(rows)} bills agree with the events")
    hours = (horizon - warm_up) / 3600
    month = sum(int(row["sinceWarmUpUsdMicros"]) for row in rows) / 1e6 / hours * MONTH_HOURS
    return month + metrics_of(design)["costUsdPerMonth.cause.controlPlane"]


def seconds_of(text):
    total, number = 0.0, ""
    for character in text:
        if character in "0123456789.":
            number += character
        else:
            total += float(number) * {"h": 3600, "m": 60, "s": 1}[character]
            number = ""
    return total


def settings_of(scenario):
    values = {}
    with open(os.path.join(ROOT, "scenarios", scenario + ".yaml")) as stream:
        for line in stream:
            key, _, value = line.partition(":")
            values.setdefault(key, value.split("#")[0].strip())
    return values


# ---- what each scenario must show ----

def paired(result, design, baseline, metric):
    """Mean difference of two designs over the same worlds, and half of its 95 % interval."""
    one, other = (next(d for d in result["designs"] if d["name"] == name)["metrics"][metric]["values"] for name in (design, baseline))
    differences = [x - y for x, y in zip(one, other)]
    count = len(differences)
    mean = sum(differences) / count
    variance = sum((difference - mean) ** 2 for difference in differences) / (count - 1)
    return mean, STUDENT_T[count - 2] * math.sqrt(variance / count)


def policies(scenario, result, slow=False):
    names = [design["name"] for design in result["designs"] if design["name"] != "never"]
    for lesser, greater in zip(names, names[1:]):
        mean, half = paired(result, greater, lesser, "evictionsPerDay")
        check(mean > half, f"{scenario}: {greater} evicts more than {lesser} ({mean:+.1f} +-{half:.1f} a day)")
    for name in names[1:]:
        mean, half = paired(result, name, names[0], "costUsdPerMonth")
        check(mean < -half, f"{scenario}: {name} costs less than {names[0]} ({mean:+.2f} +-{half:.2f} dollars a month)")
    mean, half = paired(result, names[2], names[1], "costUsdPerMonth")
    difference = f"{mean:+.2f} +-{half:.2f} dollars a month"
    if slow:
        check(mean < -half, f"{scenario}: {names[2]} costs less than {names[1]} ({difference})")
    else:
        bill = metrics_of(result["designs"][0])["costUsdPerMonth"]
        check(abs(mean) < 0.05 * bill, f"{scenario}: the bills of {names[2]} and {names[1]} are near ({difference})")


def steady(scenario, result):
    """Without change in the load there is next to nothing to do for WhenEmpty, and the other two pack once what it leaves."""
    names = [design["name"] for design in result["designs"]]
    costs = [metrics_of(design)["costUsdPerMonth"] for design in result["designs"]]
    check(costs[0] > costs[1] > costs[2], f"{scenario}: the more a policy may move, the less it costs ({names}: {costs})")


def savings(scenario, result):
    """Dollars saved for each more eviction, from the two differences that stand beside it."""
    for difference in result["differences"]:
        metrics = metrics_of(difference)
        if "savedUsdPerEviction" in metrics:
            want = -metrics["costUsdPerMonth"] / (metrics["evictionsPerDay"] * MONTH_HOURS / 24)
            check(close(metrics["savedUsdPerEviction"], want), f"{scenario}/{difference['design']}: {want:.3f} dollars saved for each more eviction")


def blindness(result):
    bill = {design["name"]: metrics_of(design)["costUsdPerMonth"] for design in result["designs"]}

    def saved(pool):
        mean, _ = paired(result, pool + "-packed", pool + "-karpenter", "costUsdPerMonth")
        return -100 * mean / bill[pool + "-karpenter"]

    waves, capped, platform = saved("open-waves"), saved("capped-waves"), saved("open")
    check(waves > 20, f"price_of_blindness: packed waves cost {waves:.1f} % less on the open pool")
    check(-2 < capped < waves / 4, f"price_of_blindness: {capped:.1f} % less below 65 vCPU")
    check(abs(platform) < 6, f"price_of_blindness: consolidation leaves {platform:.1f} % on the platform")
    check(bill["capped-waves-karpenter"] < 0.8 * bill["open-waves-karpenter"], "price_of_blindness: the cap alone saves a fifth of the bill")


def night(folder, settings):
    start = datetime.datetime.fromisoformat(settings["start"])  # midnight in the scenario's own zone
    nights = 0
    with open(os.path.join(folder, "nodes.csv"), newline="") as stream:
        lives = [(float(row["openedSeconds"]), float(row["closedSeconds"])) for row in csv.DictReader(stream) if row["tier"] == "dev"]
    horizon = seconds_of(settings["horizon"])
    running = 0
    for day in range(int(horizon // 86400)):
        if (start + datetime.timedelta(days=day)).weekday() >= 5:  # the schedule is of Monday to Friday
            continue
        # A quarter of an hour after the last pod: consolidateAfter, the loop, the drain, the shutdown.
        dark, dawn = day * 86400 + 20.25 * 3600, day * 86400 + 31 * 3600
        if dark > horizon:
            continue
        nights += 1
        running += sum(1 for opened, closed in lives if opened < min(dawn, horizon) and closed > dark)
    check(nights > 0 and running == 0, f"dev_nightly: no workload node in {nights} nights ({running} seen)")


def storm(result):
    floor, all_spot = (metrics_of(design) for design in result["designs"])
    check(all_spot["evictionsPerDay"] > floor["evictionsPerDay"], "spot_storm: more evictions without the On-Demand floor")
    check(all_spot["podWaitSecondsP99"] > floor["podWaitSecondsP99"], "spot_storm: longer waits without it")
    check(all_spot["interruptionsPerDay"] > 0, "spot_storm: interruptions are counted")


def usable(prefix_length):
    return 2 ** (32 - prefix_length) - 5


def subnets(result):
    """60 nodes with 14 pods that need an address: 2 interfaces of 15 addresses, or one interface with 2 prefixes (vpc-cni.md 3.9)."""
    designs = {design["name"]: metrics_of(design) for design in result["designs"]}

    def taken(design):
        return sum(value for name, value in designs[design].items() if name.startswith("subnetAddressesPeak.subnet."))

    # Beside the 60, two system nodes whose pools differ with their pods.
    for design, a_node, system in (("net22-secondary", 30, (20, 60)), ("net19-secondary", 30, (20, 60)), ("net19-prefix", 33, (34, 130)),
                                   ("cgnat", 31, (22, 62))):
        low, high = (60 * a_node + addresses for addresses in system)
        check(low <= taken(design) <= high, f"subnet_sizing/{design}: {taken(design):.0f} addresses, {a_node} a node ({low} to {high})")
    for design, metrics in designs.items():
        ran_out = metrics["subnetsExhausted"]
        if design.startswith("net24"):
            check(ran_out == 3, f"subnet_sizing/{design}: all three subnets run out ({ran_out:.0f})")
            blocks = metrics["addressesRefusedPerDay.error.InsufficientCidrBlocks"]
            check((blocks > 0) == ("prefix" in design), f"subnet_sizing/{design}: for want of blocks only with prefixes ({blocks:.0f})")
        elif design.startswith("net19") or design in ("net22-secondary", "cgnat"):
            check(ran_out == 0 and metrics["nodesPeak"] == 62, f"subnet_sizing/{design}: holds 60 nodes and the system's two")
    dead = designs["net24-secondary"]
    check(dead["nodesPeak"] < 45 and dead["podsNeverPlaced"] > 0, "subnet_sizing/net24-secondary: ends below 45 nodes, pods stay pending")
    check(dead["launchesWithoutAddressPerDay"] > 0, "subnet_sizing/net24-secondary: launches are refused")
    check(designs["net24-full"]["podsWithoutAddressPerDay"] > 0 or designs["net24-full"]["failedCreatePodSandBoxPerDay"] > 0,
          "subnet_sizing/net24-full: pods find no address")


def subnet_ends(kerf):
    """The node count at which each design ends: by the closed forms where single addresses run out, by the /28 blocks where those do."""
    blocks = {24: 14, 22: 62, 19: 510}  # of an empty subnet

    def fit(design):
        command = [kerf, "vpc", "subnets", os.path.join(ROOT, "scenarios", "subnet_sizing.yaml"), "--design", design, "--replications", "1",
                   "--given-only", "--format", "json"]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        check(done.returncode in (0, 1), f"subnet_sizing/{design}: kerf vpc subnets exits {done.returncode}")
        return json.loads(done.stdout)["nodesThatFit"]

    slots = 14  # of an interface of m5.xlarge
    for design, prefix_length, pods, pool in (("net24-secondary", 24, 14, slots * min(4, 1 + 1)),
                                              ("net24-idle", 24, 3, slots * min(4, 1 + 1)),
                                              ("net24-full", 24, 55, slots * min(4, 1 + 4)),
                                              ("net24-targets", 24, 14, max(14 + 2, 14)),
                                              ("net22-secondary", 22, 14, slots * 2),
                                              ("net19-secondary", 19, 14, slots * 2)):
        answer = fit(design)
        addresses = pool + -(-pool // slots)
        want = 3 * (usable(prefix_length) // addresses)
        check(answer["podsPerNode"] == pods, f"subnet_sizing/{design}: {answer['podsPerNode']} pods a node, expected {pods}")
        check(answer["least"] == want and answer["cause"] == "address", f"subnet_sizing/{design}: {answer}, by the closed form {want} nodes")
    # All but a /27 is reserved for prefixes: 13 whole blocks (the last one has the address that AWS keeps), two a node.
    answer = fit("net24-prefix-reserved")
    check(answer["least"] == 18 and answer["cause"] == "prefix", f"subnet_sizing/net24-prefix-reserved: {answer}, expected 18 nodes")
    # Where nodes' own addresses fall into blocks, at most half as many nodes as there are blocks fit, and churn makes it worse.
    ends = {design: fit(design) for design in ("net24-prefix", "net24-prefix-churned", "net22-prefix", "net19-prefix")}
    for design, answer in ends.items():
        check(answer["cause"] == "prefix" and answer["least"] <= 3 * blocks[int(design[3:5])] // 2, f"subnet_sizing/{design}: {answer}")
    check(ends["net24-prefix-churned"]["least"] < ends["net24-prefix"]["least"] < 18, "subnet_sizing: fragments cost nodes, a reservation saves them")
    # Custom networking: a node takes one address of its own subnet, and that is what runs out.
    answer = fit("cgnat")
    check(answer["least"] == 3 * usable(24) and answer["cause"] == "launch", f"subnet_sizing/cgnat: {answer}")


def migration(result):
    designs = {design["name"]: metrics_of(design) for design in result["designs"]}
    dollars = {name: metrics["costUsdPerMonth"] for name, metrics in designs.items()}
    check(dollars["graviton"] < 0.9 * dollars["types"] and dollars["karpenter"] < 0.9 * dollars["types"],
          f"migration: the menu of types decides the bill ({dollars})")
    check(abs(dollars["karpenter"] - dollars["graviton"]) < 0.1 * dollars["graviton"], "migration: with one menu both cost about the same")
    check(dollars["groups"] > dollars["zonal"], "migration: one group over three zones costs more than three")
    check(designs["groups"]["nodesLaunchedPerDay"] > designs["zonal"]["nodesLaunchedPerDay"], "migration: and launches more nodes")
    for name, metrics in designs.items():
        one_type = name in ("groups", "zonal", "quick")
        check((metrics["podsNeverPlaced"] > 0) == one_type, f"migration/{name}: {metrics['podsNeverPlaced']:.0f} pods wait while its type is sold out")
        check(20 < metrics["podWaitSecondsP95"] < 180, f"migration/{name}: 95 % of pods start within minutes ({metrics['podWaitSecondsP95']:.0f} s)")
        check(metrics["evictionsPerDay"] > 0, f"migration/{name}: pods are evicted")
    check(designs["quick"]["evictionsPerDay"] > designs["zonal"]["evictionsPerDay"], "migration: quicker removal evicts more")


def migration_start(out):
    waits = {}
    for design in migration_claims.designs(out):
        samples = [migration_claims.waits(folder, ("first", "second", "on-demand"), 3600)[0]
                   for folder in migration_claims.replications(os.path.join(out, design))]
        waits[design] = [migration_claims.quantile([second for sample in samples for second in sample], share) for share in (0.5, 0.9)]
    for pods in ("1", "50"):
        check(waits["karpenter-" + pods][0] < waits["ca-" + pods][0], f"migration_start: Karpenter is faster for {pods} ({waits})")
    check(all(20 < waits[design][share] < 240 for design in waits for share in (0, 1)), "migration_start: nobody waits four minutes")
    check(waits["ca-50-gap"][0] > waits["ca-50"][0] + 20, "migration_start: a group that is sold out costs Cluster Autoscaler a minute")
    check(abs(waits["karpenter-50-gap"][0] - waits["karpenter-50"][0]) < 10, "migration_start: a type that is sold out costs Karpenter nothing")


def migration_evening(out):
    for design in migration_claims.designs(out):
        for folder in migration_claims.replications(os.path.join(out, design)):
            course = migration_claims.serving(folder)
            minutes = migration_claims.minutes_to(course, migration_claims.SERVING)
            later = migration_claims.count_at(course, migration_claims.DROP_SECONDS + 7200)
            check(migration_claims.count_at(course, migration_claims.DROP_SECONDS) == 20, f"migration_evening/{design}: 20 nodes serve before the drop")
            if design == "karpenter-blocked":
                check(later > 12, f"migration_evening/{design}: a budget of none keeps {later} nodes")
            elif design.startswith("karpenter"):
                check(minutes < 60 and later == 8, f"migration_evening/{design}: {minutes:.1f} minutes to 8 nodes")
            else:
                check(8 <= later < 16 and not minutes < 5, f"migration_evening/{design}: {later} nodes two hours later")


def run(kerf, scenario, out):
    command = [kerf, "compare", os.path.join(ROOT, "scenarios", scenario + ".yaml"), "--format", "json", "--out", out,
               "--replications", str(REPLICATIONS[scenario])]
    for design in DESIGNS.get(scenario, []):
        command += ["--design", design]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        check(False, f"{scenario}: exit {done.returncode}")
        return None
    return json.loads(done.stdout)


def main():
    kerf = sys.argv[1]
    for scenario in sys.argv[2:] or sorted(REPLICATIONS):
        settings = settings_of(scenario)
        horizon, warm_up = seconds_of(settings["horizon"]), seconds_of(settings["warmUp"])
        with tempfile.TemporaryDirectory() as out:
            result = run(kerf, scenario, out)
            if result is None:
                continue
            for design in result["designs"]:
                check_sums(scenario, design)
                months = [check_bill(scenario, design, os.path.join(out, design["name"], f"{number:03d}"), horizon, warm_up)
                          for number in range(REPLICATIONS[scenario])]
                check(close(sum(months) / len(months), metrics_of(design)["costUsdPerMonth"], 1e-9),
                      f"{scenario}/{design['name']}: the files add up to the answer")
            savings(scenario, result)
            if scenario in ("consolidation_policies", "consolidation_policies/bursty", "consolidation_policies/daily"):
                policies(scenario, result, slow=scenario.endswith("daily"))
            elif scenario == "consolidation_policies/flat":
                steady(scenario, result)
            elif scenario == "dev_nightly":
                for number in range(REPLICATIONS[scenario]):
                    night(os.path.join(out, "nightly", f"{number:03d}"), settings)
            elif scenario == "price_of_blindness":
                blindness(result)
            elif scenario == "spot_storm":
                storm(result)
            elif scenario == "migration":
                migration(result)
            elif scenario == "migration_start":
                migration_start(out)
            elif scenario == "migration_evening":
                migration_evening(out)
            elif scenario == "subnet_sizing":
                subnets(result)
                subnet_ends(kerf)
    print(f"{failures} failed" if failures else "all scenarios make sense")
    sys.exit(1 if failures else 0)


main()
