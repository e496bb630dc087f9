#!/usr/bin/env python3
"""Makes the CSV files of this folder from a folder of fact tables.

usage: make_catalog.py DATA_FOLDER

The tables, their sources, dates and licences are named in README.md beside this program. The same input gives the same bytes.
"""
import csv
import os
import sys
from decimal import ROUND_HALF_EVEN, Decimal

HERE = os.path.dirname(os.path.abspath(__file__))

# Columns that kerf reads. What follows from the name (family, size, generation) and from other columns (max pods) is not repeated.
TYPE_COLUMNS = [
    "name", "arch", "cpu_manufacturer", "cpu_sustained_clock_mhz", "hypervisor", "bare_metal", "burstable", "current_generation",
    "vcpus", "memory_mib", "os_visible_memory_mib", "gpus", "gpu_name", "gpu_manufacturer", "gpu_memory_mib", "accelerators",
    "accelerator_name", "accelerator_manufacturer", "neuron_devices", "neuron_cores", "local_nvme_gb", "instance_store_total_gb",
    "network_bandwidth_mbps", "ebs_bandwidth_mbps", "max_enis_default_card", "max_enis_all_cards", "ipv4_per_eni",
    "trunking_compatible", "branch_enis", "efa_interfaces", "ebs_attachment_limit", "ebs_attachment_limit_type",
    "encryption_in_transit", "nitro_enclaves", "usage_classes",
]

# Price lists whose terms let them be passed on (README.md); a row from anywhere else stops the program.
PRICE_SOURCES = {"karpenter-static-2026-07", "aws-price-pages-2025-04"}

ADVISOR_DATE = "2025-06-28"

# Regions with prices whose zones no source lists: three zones with the letters a to c, without zone ids.
ASSUMED_ZONES = ["us-gov-east-1", "us-gov-west-1"]


def read(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(name, columns, rows):
    with open(os.path.join(HERE, name), "w", encoding="utf-8", newline="") as file:
        file.write(",".join(columns) + "\n")
        for row in rows:
            cells = [row[column] for column in columns]
            if any(c in cell for cell in cells for c in ",\"\n"):
                sys.exit(f"{name}: a cell would need quotes: {cells}")
            file.write(",".join(cells) + "\n")
    print(f"{name}: {len(rows)} rows")


def instance_types(folder):
    """The types of Karpenter's reference page, which is every type that its provider would list."""
    page_ebs = {row["instance_type"]: row["karpenter.k8s.aws/instance-ebs-bandwidth"] for row in read(folder, "karpenter_labels.csv")}
    rows = []
    for row in read(folder, "instance_types.csv"):
        if row["in_karpenter_reference"] != "true":
            continue
        row["usage_classes"] = row["usage_classes"] or "on-demand+spot"
        # Old types that are not EBS-optimised unless asked for: the provider knows no bandwidth of them.
        if page_ebs[row["name"]] == "":
            row["ebs_bandwidth_mbps"] = ""
        rows.append(row)
    return sorted(rows, key=lambda row: row["name"])


def on_demand_prices(folder, known):
    rows = []
    for row in read(folder, "on_demand_prices.csv"):
        if row["source"] not in PRICE_SOURCES:
            sys.exit(f"on_demand_prices.csv: no terms are known for {row['source']}")
        if row["instance_type"] not in known:
            continue
        karpenter = row["karpenter_static_usd_per_hour"]
        if karpenter and Decimal(karpenter) == Decimal(row["usd_per_hour"]):
            karpenter = ""
        rows.append({"region": row["region"], "instance_type": row["instance_type"], "usd_per_hour": row["usd_per_hour"],
                     "karpenter_usd_per_hour": karpenter, "date": row["as_of_date"]})
    return sorted(rows, key=lambda row: (row["region"], row["instance_type"]))


def spot_prices(folder, on_demand):
    """On-Demand less the Advisor's average saving, to four decimals like EC2's own Spot prices; one price for all zones of a region."""
    price = {(row["region"], row["instance_type"]): Decimal(row["usd_per_hour"]) for row in on_demand}
    rows = []
    for row in read(folder, "spot_advisor.csv"):
        key = row["region"], row["instance_type"]
        if key not in price:
            continue
        spot = price[key] * (100 - int(row["savings_percent"])) / 100
        spot = max(spot.quantize(Decimal("0.0001"), ROUND_HALF_EVEN), Decimal("0.0001"))
        rows.append({"region": key[0], "instance_type": key[1], "usd_per_hour": format(spot.normalize(), "f"),
                     "interruption_band": row["interruption_range_index"]})
    return sorted(rows, key=lambda row: (row["region"], row["instance_type"]))


def zones(folder, regions):
    rows = [{"region": row["region"], "zone": row["example_zone_name"], "zone_id": row["zone_id"]} for row in read(folder, "zones.csv")
            if row["region"] in regions]
    rows += [{"region": region, "zone": region + letter, "zone_id": ""} for region in ASSUMED_ZONES for letter in "abc"]
    missing = regions - {row["region"] for row in rows}
    if missing:
        sys.exit(f"zones.csv: no zones of {sorted(missing)}")
    return sorted(rows, key=lambda row: (row["region"], row["zone"]))


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.strip())
    folder = sys.argv[1]
    types = instance_types(folder)
    on_demand = on_demand_prices(folder, {row["name"] for row in types})
    spot = spot_prices(folder, on_demand)
    regions = {row["region"] for row in on_demand}
    newest = {region: max(row["date"] for row in on_demand if row["region"] == region) for region in regions}
    spot_regions = {row["region"] for row in spot}
    write("instance_types.csv", TYPE_COLUMNS, types)
    write("on_demand_prices.csv", ["region", "instance_type", "usd_per_hour", "karpenter_usd_per_hour"], on_demand)
    write("spot_prices.csv", ["region", "instance_type", "usd_per_hour", "interruption_band"], spot)
    write("zones.csv", ["region", "zone", "zone_id"], zones(folder, regions))
    write("regions.csv", ["region", "on_demand_date", "spot_date"],
          [{"region": region, "on_demand_date": newest[region], "spot_date": ADVISOR_DATE if region in spot_regions else ""}
           for region in sorted(regions)])


if __name__ == "__main__":
    main()
