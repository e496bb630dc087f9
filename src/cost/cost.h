/**
 * cost: what a node's life costs, in micro-dollars, and what for. It takes prices, phases and requests as they change and
 * settles them when asked; the causes add up to the bill to the last micro-dollar. It knows no cluster and no clock: the
 * caller says when. Whose pods are placeholders, when a node is ready and when its drain begins are the caller's to say too.
 *
 * How EC2 bills Linux (EC2 user guide, "Billing for interrupted Spot Instances"; whitepaper "How Spot Instances Work"): by the
 * second from running to shutting-down, at the price then in effect, at least 60 s an instance; nothing if EC2 itself takes
 * a Spot instance back within its first hour, but an instance that was terminated on EC2's notice before EC2 did so is
 * charged. Lifetimes are rounded up to whole seconds here. Volumes: by the second, at least 60 s (EBS pricing).
 *
 * Not modelled: traffic between zones and out, NAT gateways, load balancers, public IPv4 addresses, snapshots, persistent
 * volumes, extra IOPS and throughput of volumes, logs, Savings Plans and reserved instances, Windows, RHEL and SUSE, taxes.
 */
#ifndef KERF_COST_H
#define KERF_COST_H

#include "model/model.h"

/* ---- prices that are no instance's ------------------------------------------------------------------------------------------- */

/** EKS control plane, Kubernetes version in standard support, any region; 0.10 USD (EKS pricing, 2026-03). */
#define KERF_CONTROL_PLANE_USD_MICROS_PER_HOUR ((kerf_usd_micros)100000)
/** The same in extended support: 0.60 USD (EKS user guide, version lifecycle, 2024). */
#define KERF_CONTROL_PLANE_EXTENDED_USD_MICROS_PER_HOUR ((kerf_usd_micros)600000)
/** gp3 storage in us-east-1: 0.08 USD a GB-month (EBS price file of 2024-07-18). */
#define KERF_GP3_USD_MICROS_PER_GB_MONTH ((kerf_usd_micros)80000)

/** gp3 storage of a region from the same price file; regions that we have no price of cost what us-east-1 does. */
kerf_usd_micros kerf_gp3_price_per_gb_month(const char *region);

/** A catalogue's price in micro-dollars, to the nearest; asserted to be neither negative nor NaN, and below 10^12 USD. */
kerf_usd_micros kerf_usd_micros_of(double usd);

/* ---- causes --------------------------------------------------------------------------------------------------------------------- */

/**
 * What a node's price is paid for. While a node serves, each moment's price is divided by the value of what the node has:
 * vCPU and memory at the ratio at which AWS sells them apart (Fargate Linux x86 in us-east-1, 2026-03: 0.04048 USD a vCPU-hour,
 * 0.004445 USD a GB-hour), and on a node with accelerators three quarters of the price are theirs (by these two prices it is
 * 56 % of a g4dn.xlarge, 80 % of a p3.2xlarge). Each part goes to who holds it:
 *
 *   workload, daemonset, headroom   their requests, against the node's capacity
 *   overhead                        capacity less allocatable: the system's, the kubelet's and the eviction reserve
 *   idle                            what is free in every resource alike, pods included: a pod shaped like the node could have it
 *   fragmentation                   what is free beyond that: the offcut that pods of another shape than the node's leave over
 *
 * Requests beyond capacity are cut, in the order overhead, daemonset, workload, headroom.
 *
 *   boot         all of it before the node is ready, whoever waits
 *   drain        from the start of a disruption to the end: all but what workload pods that still run there hold
 *   minimum      seconds billed beyond the life: rounding up, and the minimum of a minute
 *   volume       the root volume
 *   control_plane
 */
enum kerf_cost_cause {
    KERF_COST_WORKLOAD,
    KERF_COST_DAEMONSET,
    KERF_COST_HEADROOM,
    KERF_COST_OVERHEAD,
    KERF_COST_IDLE,
    KERF_COST_FRAGMENTATION,
    KERF_COST_BOOT,
    KERF_COST_DRAIN,
    KERF_COST_MINIMUM,
    KERF_COST_VOLUME,
    KERF_COST_CONTROL_PLANE,
    KERF_COST_CAUSE_COUNT
};

/** As reports write it: "workload", "controlPlane". */
const char *kerf_cost_cause_name(enum kerf_cost_cause cause);

/** A bill by cause. Sums of whole fleets fit: 64 bits are nine million million dollars. All zero is nothing. */
struct kerf_cost {
    kerf_usd_micros by_cause[KERF_COST_CAUSE_COUNT];
};
kerf_usd_micros kerf_cost_total(const struct kerf_cost *cost);
void kerf_cost_add(struct kerf_cost *into, const struct kerf_cost *added);
void kerf_cost_subtract(struct kerf_cost *from, const struct kerf_cost *taken); /* a bill at the end of warm-up, from one at the end */

/** So much an hour for so long, to the nearest micro-dollar. */
kerf_usd_micros kerf_cost_of_hours(kerf_usd_micros per_hour, kerf_time_us duration_us);

/* ---- a node --------------------------------------------------------------------------------------------------------------------- */

#define KERF_SHARE_ONE ((uint64_t)1 << 32)

/** Shares of a price, in parts of KERF_SHARE_ONE, which is their sum. */
struct kerf_cost_shares {
    uint64_t by_cause[KERF_COST_CAUSE_COUNT];
};

/** What a node has and who holds it. Requests of pods that are bound there and not terminal; NULL is none. */
struct kerf_node_use {
    const struct kerf_resources *capacity;
    const struct kerf_resources *allocatable;
    const struct kerf_resources *workload;
    const struct kerf_resources *daemonset;
    const struct kerf_resources *headroom; /* placeholders: pods of negative priority that only keep room */
};

/** The division of a serving node's price. Exact integers, rounded down; idle takes the rest. A node without vCPU and memory is idle. */
struct kerf_cost_shares kerf_node_shares(const struct kerf_node_use *use);

enum kerf_node_phase {
    KERF_NODE_BOOTING,
    KERF_NODE_SERVING,
    KERF_NODE_DRAINING,
};

enum kerf_node_end {
    KERF_NODE_TERMINATED, /* by us, also after EC2's notice */
    KERF_NODE_RECLAIMED,  /* EC2 took a Spot instance back itself */
};

/**
 * The running account of one node; a plain value, the caller's. Fields are private to this room. Integrals are price x share x
 * microseconds: 128 bits hold the dearest instance (400 USD an hour) for as long as 64 bits of microseconds last.
 */
struct kerf_node_bill {
    kerf_time_us opened_us;
    kerf_time_us since_us; /* price and shares hold since then */
    kerf_time_us closed_us;
    bool closed;
    bool forgiven; /* EC2 took it back in its first hour */
    enum kerf_node_phase phase;
    kerf_usd_micros price_per_hour;
    kerf_usd_micros volume_per_month;
    struct kerf_cost_shares serving;
    kerf_i128 integrals[KERF_COST_CAUSE_COUNT];
};

/** Billing starts, booting and empty. `volume_per_month`: size times price of the root volume; 0: none. */
void kerf_node_bill_open(struct kerf_node_bill *bill, kerf_time_us now_us, kerf_usd_micros price_per_hour,
                         kerf_usd_micros volume_per_month);

/* Changes, in order of time (asserted), of an open bill (asserted). Constant time; a change of use some 20 divisions. */
void kerf_node_bill_set_price(struct kerf_node_bill *bill, kerf_time_us now_us, kerf_usd_micros price_per_hour);
void kerf_node_bill_set_phase(struct kerf_node_bill *bill, kerf_time_us now_us, enum kerf_node_phase phase);
void kerf_node_bill_set_use(struct kerf_node_bill *bill, kerf_time_us now_us, const struct kerf_node_use *use);

/** Billing ends: adds what is billed beyond the life. */
void kerf_node_bill_close(struct kerf_node_bill *bill, kerf_time_us now_us, enum kerf_node_end end);

/**
 * The bill so far, or the final one of a closed node, whatever `now_us` is then. The total is rounded to the nearest micro-dollar
 * and handed to the causes by largest remainders (ties: the first cause), so they add up. An open node is billed for the time
 * it lived, without a minimum. The bill of a Spot node that is later forgiven falls to that of its volume.
 */
struct kerf_cost kerf_node_bill_at(const struct kerf_node_bill *bill, kerf_time_us now_us);

#endif
