/**
 * vpc: the arithmetic of the Amazon VPC CNI, without side effects: how many pods a node may hold, how ipamd fills and empties
 * the address pool of one node, and which addresses of a subnet are taken. Nothing here knows of pods' names, of EC2's latency
 * or of the cluster: whoever simulates carries requests to EC2 and answers back.
 *
 * Rules: amazon-vpc-cni-k8s v1.23.1 (pkg/ipamd), amazon-eks-ami v20260724 (nodeadm, and the max-pods calculator of its
 * history), karpenter-provider-aws v1.14.1. What is simplified is named where it is made.
 */
#ifndef KERF_VPC_H
#define KERF_VPC_H

#include "kerf/status.h"
#include "kerf/units.h"

#define KERF_PREFIX_ADDRESSES 16   /* IPv4 addresses of a /28 prefix, the only size that EC2 delegates */
#define KERF_ENIS_MAX 64           /* most network interfaces that a pool can hold; the largest type of 2026 has 24 on its default card */
#define KERF_ENI_SLOTS_MAX 63      /* most slots of an interface: 64 IPv4 addresses less its own */
#define KERF_ADDRESS_NONE UINT32_MAX

/* ---- max pods ------------------------------------------------------------------------------------------------------------ */

/** What a slot of an interface holds: one secondary address, or a /28 prefix (16 addresses). */
enum kerf_ip_mode { KERF_IP_SECONDARY, KERF_IP_PREFIX };

/** Limits of an instance type: network interfaces of its default network card, IPv4 addresses per interface (counts). */
struct kerf_eni_limits {
    int32_t enis;
    int32_t ipv4_per_eni;
};

/**
 * Largest number of pods that the CNI's formula lets a node hold.
 *
 * limits          network interfaces of the default card, IPv4 addresses per interface
 * mode            secondary addresses or /28 prefixes
 * reserved_enis   interfaces kept from pods (1 with custom networking: the primary serves no pods)
 *
 * Returns a count >= 0, zero when no interface is left; cannot fail; constant time. Each interface's first address is its own;
 * two pods on the host network (aws-node, kube-proxy) are added back. Source: eni-max-pods.txt of amazon-vpc-cni-k8s; revision
 * and date in tests/facts/max_pods.csv.
 */
int64_t kerf_vpc_max_pods(struct kerf_eni_limits limits, enum kerf_ip_mode mode, int64_t reserved_enis);

/** The recommended cap of kubelet's max-pods: 110, above 30 vCPU 250. Source: max-pods-calculator.sh of amazon-eks-ami, EKS user guide. */
int64_t kerf_vpc_max_pods_cap(int64_t vcpus);

/** What the tools that set kubelet's max-pods look at. Counts; 0 where not given, -1 for cni_max_enis not given. */
struct kerf_max_pods_query {
    struct kerf_eni_limits limits;
    int64_t vcpus;              /* 0: unknown, no cap is applied */
    bool nitro;                 /* hypervisor nitro: the calculator's test for prefixes, which bare metal fails */
    bool bare_metal;            /* ipamd delegates prefixes to bare metal too */
    bool prefix_delegation;
    bool custom_networking;
    int64_t cni_max_enis;       /* MAX_ENI as the calculator's --cni-max-eni; 0 or less: not given */
    int64_t reserved_enis;      /* Karpenter's RESERVED_ENIS */
    int64_t efa_only_enis;      /* EFA-only interfaces on card 0, which Karpenter deducts */
};

/** Max pods as each tool computes it for one node: they differ, and the node gets the one of whoever starts it. */
struct kerf_max_pods_by_tool {
    int64_t standard;           /* eni-max-pods.txt: secondary addresses, no cap; AL2023's nodeadm without an expression */
    int64_t formula;            /* the formula for the CNI's settings, no cap */
    int64_t calculator;         /* max-pods-calculator.sh: formula for the settings, capped */
    int64_t managed_node_group; /* without a custom AMI: min(cap, formula for the settings); that it is the minimum is an inference */
    int64_t karpenter;          /* knows neither prefixes nor security groups for pods; custom networking only through RESERVED_ENIS */
    int64_t auto_mode;          /* EKS Auto Mode: min(110, interfaces x slots) */
    int64_t pool_addresses;     /* addresses that ipamd can give to pods at most; pods on the host network need none */
};
struct kerf_max_pods_by_tool kerf_vpc_max_pods_by_tool(const struct kerf_max_pods_query *query);

/* ---- settings of the CNI ------------------------------------------------------------------------------------------------- */

/** The environment of the aws-node container, as far as it moves addresses. Initialise with kerf_cni_settings_default. */
struct kerf_cni_settings {
    bool prefix_delegation;      /* ENABLE_PREFIX_DELEGATION */
    bool custom_networking;      /* AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG */
    bool pod_eni;                /* ENABLE_POD_ENI: security groups for pods */
    bool subnet_discovery;       /* ENABLE_SUBNET_DISCOVERY */
    bool manage_enis_cordoned;   /* AWS_MANAGE_ENIS_NON_SCHEDULABLE */
    bool multi_nic;              /* ENABLE_MULTI_NIC: a pool a network card, see kerf_vpc_cards */
    bool ipv4;                   /* ENABLE_IPv4 */
    bool ipv6;                   /* ENABLE_IPv6 */
    int32_t warm_eni_target;     /* WARM_ENI_TARGET: whole interfaces; 0 is legal */
    int32_t warm_ip_target;      /* WARM_IP_TARGET: addresses; 0 undefined */
    int32_t minimum_ip_target;   /* MINIMUM_IP_TARGET: addresses; 0 undefined */
    int32_t warm_prefix_target;  /* WARM_PREFIX_TARGET: /28 prefixes */
    int32_t max_enis;            /* MAX_ENI; 0: the type's limit */
    kerf_time_us ip_cooldown_us; /* IP_COOLDOWN_PERIOD; negative: the container refuses to start */
};

/** As the shipped manifest has them (it sets WARM_PREFIX_TARGET to 1, where the code's own default is 0). */
struct kerf_cni_settings kerf_cni_settings_default(void);

enum kerf_cni_env { KERF_CNI_ENV_READ, KERF_CNI_ENV_DEFAULTED, KERF_CNI_ENV_UNKNOWN };

/**
 * Reads one variable of the container, as the container does: a value that it cannot use means its default, about which it keeps silent
 * (KERF_CNI_ENV_DEFAULTED). KERF_CNI_ENV_UNKNOWN: no variable of this name moves addresses. Constant time.
 */
enum kerf_cni_env kerf_cni_settings_read(struct kerf_cni_settings *settings, const char *name, const char *value);

/** What a variable that kerf_cni_settings_read knows may hold, in words. */
const char *kerf_cni_env_expected(const char *name);

/** Names that kerf_cni_settings_read knows, for suggestions; NULL beyond the last. */
const char *kerf_cni_env_name(size_t index);

/** Why the container refuses to work with these settings (one line, static), or NULL. */
const char *kerf_cni_settings_refusal(const struct kerf_cni_settings *settings);

/* ---- what is allowed and rarely meant -------------------------------------------------------------------------------------------- */

/** A node as it is judged; counts. */
struct kerf_vpc_judged_node {
    const char *name; /* of its instance type, for the text */
    struct kerf_eni_limits limits;
    int64_t max_pods;          /* that kubelet is told */
    int64_t max_pods_standard; /* of eni-max-pods.txt */
    int64_t host_pods;         /* on the host network: they count as pods and take no address */
    int64_t reserved_enis;     /* that max_pods was lowered for (RESERVED_ENIS) */
    int64_t unmanaged_enis;    /* tagged no_manage: the CNI has so many fewer */
    bool prefix_capable;
    bool trunk_capable;
};

/** Rows of section 9 of the rules; a finding of a node is the same for many types, so a caller may tell it once. */
enum kerf_vpc_misconfiguration {
    KERF_VPC_WARM_ENI_IGNORED,     /* WARM_IP_TARGET beside WARM_ENI_TARGET */
    KERF_VPC_WARM_PREFIX_VETOES,   /* WARM_PREFIX_TARGET beside address targets */
    KERF_VPC_WARM_IP_SMALL,
    KERF_VPC_MINIMUM_IS_CEILING,   /* MINIMUM_IP_TARGET alone */
    KERF_VPC_MINIMUM_IS_FLOOR,     /* of a node: MINIMUM_IP_TARGET above its pods */
    KERF_VPC_WARM_IP_TAKES_ALL,    /* of a node */
    KERF_VPC_WARM_ENI_FLAPS,
    KERF_VPC_COOLDOWN_LONG,
    KERF_VPC_FRAGMENTED,           /* of a subnet */
    KERF_VPC_NO_BLOCK,             /* of a subnet */
    KERF_VPC_PREFIX_WITHOUT_DENSITY, /* of a node */
    KERF_VPC_PREFIX_ON_XEN,        /* of a node */
    KERF_VPC_MAX_PODS_HIGH,        /* of a node */
    KERF_VPC_TRUNK_NOT_RESERVED,   /* of a node */
    KERF_VPC_CUSTOM_NOT_RESERVED,  /* of a node */
    KERF_VPC_UNMANAGED_NOT_RESERVED, /* of a node */
    KERF_VPC_MISCONFIGURATION_COUNT
};
typedef void (*kerf_vpc_finding)(void *context, enum kerf_vpc_misconfiguration kind, const char *text);

/** Tells what will happen with settings that are read without complaint. warm_eni_given: WARM_ENI_TARGET was set, not left to its default.
 *  The settings must not be refused. Texts are one line, borrowed for the call. */
void kerf_vpc_review_settings(const struct kerf_cni_settings *settings, bool warm_eni_given, kerf_vpc_finding finding, void *context);
void kerf_vpc_review_node(const struct kerf_cni_settings *settings, const struct kerf_vpc_judged_node *node, kerf_vpc_finding finding,
                          void *context);

/* ---- the address pool of one node ---------------------------------------------------------------------------------------- */

/**
 * Random numbers of this room: a key and a count, so that a run can be repeated. The key follows from content (seed and node's
 * name); equal keys give equal courses.
 */
struct kerf_vpc_draws {
    uint64_t key;
    uint64_t counter;
};
uint64_t kerf_vpc_draw_below(struct kerf_vpc_draws *draws, uint64_t bound); /* [0, bound), bound > 0 */

/**
 * ipamd walks Go maps, whose order is not specified. KERF_ORDER_GO_MAPS follows Go's run time: up to eight entries lie in eight
 * places (the lowest empty one is taken) and a walk starts anywhere and wraps; beyond eight the order is drawn (an assumption).
 * KERF_ORDER_LOWEST_FIRST always starts at the lowest place: one course that the real system may take, and the tidiest.
 */
enum kerf_vpc_order { KERF_ORDER_GO_MAPS, KERF_ORDER_LOWEST_FIRST };

struct kerf_vpc_pool_options {
    struct kerf_cni_settings settings; /* must not be refused by kerf_cni_settings_refusal */
    struct kerf_eni_limits limits;     /* enis 1..KERF_ENIS_MAX, ipv4_per_eni 1..KERF_ENI_SLOTS_MAX + 1 (asserted) */
    int64_t max_pods;                  /* kubelet's; gates growth */
    bool prefix_capable;               /* hypervisor nitro or bare metal; else prefix delegation is silently off */
    bool trunk_capable;                /* type can carry branch interfaces: with pod_eni one interface is reserved for the trunk */
    bool primary_excluded;             /* the node's subnet is tagged kubernetes.io/role/cni = 0 */
    int32_t unmanaged_enis;            /* attached by others, tagged no_manage */
    bool further_card;                 /* a network card above 0 of multi-NIC: see kerf_vpc_cards */
    uint32_t primary_subnet;           /* the caller's number for the node's subnet, carried along */
    uint32_t eni_subnet;               /* read only with custom networking or primary_excluded: where new interfaces go; else the node's own */
    uint32_t primary_address;          /* own address of the primary interface in that subnet, or KERF_ADDRESS_NONE */
    enum kerf_vpc_order order;
    uint64_t order_key;                /* of kerf_vpc_draws */
};

/** A place of a pod in the pool. Stays valid until the pod gives it back. */
struct kerf_pod_address {
    uint8_t eni;   /* position of the interface */
    uint8_t slot;  /* position on the interface */
    uint8_t index; /* address within the slot: 0, or 0..15 in a prefix */
};

/** What ipamd asks of EC2. Lists have slot_count entries. */
enum kerf_vpc_action_kind {
    KERF_VPC_NOTHING,
    KERF_VPC_ASSIGN,     /* add slot_count addresses or prefixes to interface `eni` of `subnet` */
    KERF_VPC_CREATE_ENI, /* create an interface with slot_count slots in `subnet`, attach it; enhanced discovery may choose another subnet */
    KERF_VPC_UNASSIGN,   /* return `addresses` (first address of each prefix) to `subnet`; the pool has forgotten them already */
    KERF_VPC_FREE_ENI,   /* detach and delete: return own_address and `addresses`; the pool has forgotten the interface already */
};
struct kerf_vpc_action {
    enum kerf_vpc_action_kind kind;
    enum kerf_ip_mode mode;
    uint8_t eni;
    uint8_t slot_count;
    bool discover; /* CREATE_ENI: enhanced discovery is on, `subnet` is the node's own and only one of those that may serve */
    uint32_t subnet;
    uint32_t own_address;
    uint32_t addresses[KERF_ENI_SLOTS_MAX];
};

/** EC2's answer. The two insufficiency codes are the ones ipamd recognises and waits after. */
enum kerf_vpc_ec2_code {
    KERF_VPC_EC2_OK,
    KERF_VPC_EC2_INSUFFICIENT_FREE_ADDRESSES, /* InsufficientFreeAddressesInSubnet */
    KERF_VPC_EC2_INSUFFICIENT_CIDR_BLOCKS,    /* InsufficientCidrBlocks: no free aligned /28 */
    KERF_VPC_EC2_ADDRESS_LIMIT_EXCEEDED,      /* PrivateIpAddressLimitExceeded: the answer lists what the interface has beyond what ipamd knew */
    KERF_VPC_EC2_OTHER,                       /* any other error, such as InvalidParameterValue or a time-out */
};
const char *kerf_vpc_ec2_code_text(enum kerf_vpc_ec2_code code); /* as EC2 spells it */
struct kerf_vpc_result {
    enum kerf_vpc_ec2_code code;
    uint8_t slot_count;         /* slots added by ASSIGN and CREATE_ENI */
    bool excluded;              /* CREATE_ENI: the subnet is tagged 0, no pods go there */
    uint32_t subnet;            /* CREATE_ENI: where it was created */
    uint32_t own_address;       /* CREATE_ENI: or KERF_ADDRESS_NONE */
    uint32_t addresses[KERF_ENI_SLOTS_MAX]; /* first address of each slot, or KERF_ADDRESS_NONE */
};

enum kerf_vpc_pool_state {
    KERF_POOL_STARTING, /* ipamd initialises; the node is not Ready */
    KERF_POOL_RUNNING,
    KERF_POOL_FAILED,   /* initialisation failed: the container exits, the node stays NotReady until it is initialised again */
};

/** Counts of the pool. Addresses in cool-down count as available, as they do for ipamd. */
struct kerf_vpc_pool_stats {
    int32_t enis;       /* attached: primary, trunk and excluded ones included; those of others not */
    int32_t slots;      /* filled, on all interfaces */
    int32_t addresses;  /* T: on interfaces that are not excluded */
    int32_t assigned;   /* a: held by pods, on interfaces that are not excluded */
    int32_t cooling;    /* released a short while ago */
    int32_t free_slots; /* F: no address of them held by a pod */
};

/** ipamd of one node. Opaque in spirit: read it through the functions below. One block on the heap for the slots; nothing is
 *  allocated in a step (the queue of cooling addresses grows with the largest burst of leaving pods). */
struct kerf_vpc_pool {
    struct kerf_vpc_pool_options options;
    struct kerf_vpc_draws draws;
    struct kerf_vpc_eni_record *enis;   /* limits.enis places */
    struct kerf_vpc_slot_record *slots; /* limits.enis x slots places */
    struct kerf_vpc_cooling *cooling;   /* ring, in order of release */
    uint32_t cooling_head, cooling_count, cooling_capacity;
    kerf_time_us next_loop_us;          /* the loop's next pass; KERF_TIME_NEVER while a pass or the start is under way */
    kerf_time_us last_shrink_us;        /* KERF_TIME_UNSET: never */
    kerf_time_us last_shortage_us;      /* last recognised insufficiency error */
    int64_t failed_assignments;         /* awscni_no_available_ip_addresses: pods turned away for want of an address */
    int32_t eni_count;
    uint8_t slots_per_eni;
    uint8_t addresses_per_slot;
    bool eni_map_grown;
    bool cordoned;                      /* taint node.kubernetes.io/unschedulable: neither grows nor frees interfaces */
    bool terminating;
    bool trunk_attached;
    enum kerf_ip_mode mode;
    enum kerf_vpc_pool_state state;
    struct kerf_vpc_pass {
        uint8_t phase;
        bool awaiting;                  /* an action is with EC2 */
        bool may_free;                  /* the gate of interface release, from the statistics of the pass's start */
        bool start_failed;              /* an error that ipamd does not forgive during its start */
        bool asked_for_one;
        uint8_t walk[KERF_ENIS_MAX];
        uint8_t walk_count, walk_next;
        int32_t over;                   /* slots to return */
        struct kerf_vpc_action action;  /* what EC2 was asked for */
    } pass;
};

/** A node that was launched at now_us with its primary interface only. Release with _fini. With IPv6 pods draw from one /80, which never
 *  runs out: the pool then holds nothing, every pod is placed, and an interface takes one IPv4 address. */
void kerf_vpc_pool_init(struct kerf_vpc_pool *pool, const struct kerf_vpc_pool_options *options, kerf_time_us now_us);
void kerf_vpc_pool_fini(struct kerf_vpc_pool *pool);

/**
 * The next thing that ipamd asks of EC2. Call when the pass is due (next_loop_us <= now_us, or the pool is starting) and again
 * after each kerf_vpc_pool_apply, at its time, until the answer is KERF_VPC_NOTHING: then the pass is over and the next one is
 * due five seconds later. A pass asks for at most one growth that succeeds, one return per interface, one interface release.
 * The action stays the pool's until the next call. Cost: a few tens of nanoseconds for a pass without an action.
 */
const struct kerf_vpc_action *kerf_vpc_pool_step(struct kerf_vpc_pool *pool, kerf_time_us now_us);

/** EC2's answer to the action that kerf_vpc_pool_step returned. UNASSIGN and FREE_ENI need only the code. */
void kerf_vpc_pool_apply(struct kerf_vpc_pool *pool, kerf_time_us now_us, const struct kerf_vpc_result *result);

/**
 * The first pass that may ask for something if no pod comes or goes: never later than the pass that does, never earlier than
 * next_loop_us; KERF_TIME_NEVER when only a pod, a cordon or a trunk can change anything. A simulation skips the passes between
 * (kerf_vpc_pool_skip_to). Cost: as a pass.
 */
kerf_time_us kerf_vpc_pool_wake(const struct kerf_vpc_pool *pool);

/** Lets the passes before until_us go by, none of which does anything: next_loop_us becomes the first pass at or after it, on the grid
 *  of five seconds. */
void kerf_vpc_pool_skip_to(struct kerf_vpc_pool *pool, kerf_time_us until_us);

/** A pod comes: false when no address can be given now (the kubelet asks again later; ipamd only counts the failure). */
KERF_MUST_CHECK bool kerf_vpc_pool_pod_arrives(struct kerf_vpc_pool *pool, kerf_time_us now_us, struct kerf_pod_address *out_address);

/** A pod goes: its address cools down for ip_cooldown_us before another pod of this node may have it. */
void kerf_vpc_pool_pod_leaves(struct kerf_vpc_pool *pool, kerf_time_us now_us, struct kerf_pod_address address);

/** Address of the pod in its subnet, or KERF_ADDRESS_NONE if the pool was never told. */
uint32_t kerf_vpc_pool_pod_subnet_address(const struct kerf_vpc_pool *pool, struct kerf_pod_address address, uint32_t *out_subnet);

/** When the oldest cooling address may be assigned again (just past its cool-down), or KERF_TIME_NEVER. */
kerf_time_us kerf_vpc_pool_cooling_until(const struct kerf_vpc_pool *pool);

/** Security groups for pods are on, the type can, and there is a place for the trunk that is not there yet; ipamd then asks for it. */
bool kerf_vpc_pool_wants_trunk(const struct kerf_vpc_pool *pool);
/** The VPC resource controller attached the trunk: it takes a place and no pool addresses. It must be wanted (asserted). */
void kerf_vpc_pool_attach_trunk(struct kerf_vpc_pool *pool, kerf_time_us now_us, uint32_t subnet, uint32_t own_address);

/** The aws-node container started again: pods keep their addresses, ages and cool-downs start over, initialisation runs once more. */
void kerf_vpc_pool_restart(struct kerf_vpc_pool *pool, kerf_time_us now_us);

struct kerf_vpc_pool_stats kerf_vpc_pool_stats(const struct kerf_vpc_pool *pool);

/** Filled slots per attached interface: the primary first, the others descending. Returns the number of interfaces (<= KERF_ENIS_MAX). */
uint32_t kerf_vpc_pool_slots(const struct kerf_vpc_pool *pool, uint8_t out_slots[KERF_ENIS_MAX]);

/** Addresses that the node has taken from the subnet with this number of the caller, those on their way back included. */
int64_t kerf_vpc_pool_taken(const struct kerf_vpc_pool *pool, uint32_t subnet);

/** Calls visit for every address range that the node holds in a subnet (an interface's own address, each slot), by position, then
 *  what EC2 was asked to take back and has not yet: together what a terminating instance returns. */
typedef void (*kerf_vpc_range_visitor)(void *context, uint32_t subnet, uint32_t first_address, uint32_t address_count);
void kerf_vpc_pool_visit_ranges(const struct kerf_vpc_pool *pool, kerf_vpc_range_visitor visit, void *context);

/** Recomputes every count of the pool from its addresses and asserts that they agree. For tests and checked builds. */
void kerf_vpc_pool_check(const struct kerf_vpc_pool *pool);

/* ---- branch interfaces: security groups for pods --------------------------------------------------------------------------- */

/**
 * The branch interfaces of one node as the VPC resource controller keeps them: each holds one address of the trunk's subnet for one
 * pod, none is kept warm, and after its pod's end it cools down before it is deleted. Its queue is examined every thirty seconds, so an
 * address returns 60 to 90 s after its pod ended. The caller takes and returns the addresses. All zero but for the settings is empty.
 * Source: amazon-vpc-resource-controller-k8s b8d4251, pkg/provider/branch (trunk.go, cooldown.go).
 */
struct kerf_vpc_branches {
    int32_t limit;              /* branch interfaces that the instance type can carry */
    kerf_time_us cooldown_us;   /* branch-eni-cooldown: 60 s; read as at least 30 s */
    kerf_time_us examined_from_us; /* the queue is examined at this time and every 30 s from then on */
    int32_t in_use;
    struct kerf_vpc_branch {
        kerf_time_us released_us;
        uint32_t address;
    } *cooling; /* ring, in order of release */
    uint32_t cooling_head, cooling_count, cooling_capacity;
};
#define KERF_BRANCH_COOLDOWN_US (60 * KERF_SECOND_US)
void kerf_vpc_branches_fini(struct kerf_vpc_branches *branches);
/** A pod wants a branch: false when those in use and those cooling make up the limit; the controller tries again after the cool-down. */
KERF_MUST_CHECK bool kerf_vpc_branches_arrive(struct kerf_vpc_branches *branches);
/** Its pod was deleted, or it ended. */
void kerf_vpc_branches_leave(struct kerf_vpc_branches *branches, kerf_time_us now_us, uint32_t address);
/** When the next branch is deleted; KERF_TIME_NEVER: none cools down. */
kerf_time_us kerf_vpc_branches_due(const struct kerf_vpc_branches *branches);
/** Takes the next branch whose deletion is due at now_us off the queue: true and its address; false when none is. */
bool kerf_vpc_branches_delete(struct kerf_vpc_branches *branches, kerf_time_us now_us, uint32_t *out_address);

/* ---- multi-NIC --------------------------------------------------------------------------------------------------------------- */

#define KERF_VPC_CARDS_MAX 32 /* network cards of p5.48xlarge */

/**
 * A node with ENABLE_MULTI_NIC: a pool a network card. Cards above 0 have a first interface of their own that stays, WARM_IP_TARGET 1
 * and MINIMUM_IP_TARGET 1, whatever is set: two addresses each at rest. With prefixes their shrinking compares addresses with prefixes, so
 * an idle card's prefix is returned and taken again about every 35 s. A pod annotated for it takes an address of each card; others go to
 * card 0 and spill when it is empty. Source: amazon-vpc-cni-k8s v1.23.1.
 */
struct kerf_vpc_cards {
    struct kerf_vpc_pool pools[KERF_VPC_CARDS_MAX];
    uint32_t count;
};
struct kerf_vpc_card_address {
    struct kerf_pod_address by_card[KERF_VPC_CARDS_MAX];
    uint32_t held; /* a bit a card */
};
/** limits: by card; the own address of each card's first interface: KERF_ADDRESS_NONE or the caller's. */
void kerf_vpc_cards_init(struct kerf_vpc_cards *cards, const struct kerf_vpc_pool_options *options, const struct kerf_eni_limits *limits,
                         const uint32_t *own_addresses, uint32_t card_count, kerf_time_us now_us);
void kerf_vpc_cards_fini(struct kerf_vpc_cards *cards);
/** False: some card that is needed has no address; then none is taken. */
KERF_MUST_CHECK bool kerf_vpc_cards_pod_arrives(struct kerf_vpc_cards *cards, kerf_time_us now_us, bool annotated,
                                                struct kerf_vpc_card_address *out_address);
void kerf_vpc_cards_pod_leaves(struct kerf_vpc_cards *cards, kerf_time_us now_us, const struct kerf_vpc_card_address *address);
int64_t kerf_vpc_cards_taken(const struct kerf_vpc_cards *cards, uint32_t subnet);

/* ---- subnets ------------------------------------------------------------------------------------------------------------- */

/** An IPv4 range; `first` has no bit set below the prefix length. */
struct kerf_cidr {
    uint32_t first;
    uint8_t prefix_length;
};

/** Reads "10.0.0.0/22". NULL when read; else why not (static text). */
const char *kerf_cidr_parse(const char *text, struct kerf_cidr *out_cidr);
void kerf_cidr_print(struct kerf_cidr cidr, char out_text[19]);
uint64_t kerf_cidr_size(struct kerf_cidr cidr); /* addresses */
bool kerf_cidr_contains(struct kerf_cidr outer, struct kerf_cidr inner);
bool kerf_cidr_overlaps(struct kerf_cidr a, struct kerf_cidr b);

/** Addresses that AWS keeps of every subnet: the first four and the last. */
#define KERF_VPC_SUBNET_RESERVED 5
/** Largest number of /28 prefixes that an empty subnet of this length (16..28) yields: the reserved addresses spoil two blocks. */
int64_t kerf_vpc_subnet_prefixes_max(uint8_t prefix_length);

/** Subnet CIDR reservations: PREFIX serves prefix requests first and no automatic single address; EXPLICIT is never assigned automatically. */
enum kerf_vpc_reservation_kind { KERF_RESERVATION_PREFIX, KERF_RESERVATION_EXPLICIT };
struct kerf_subnet_range { /* one such reservation */
    struct kerf_cidr cidr;
    enum kerf_vpc_reservation_kind kind;
};
#define KERF_SUBNET_RANGES_MAX 16 /* of one subnet, where they are listed */

/**
 * A subnet, address by address: a bit each, and sums by 512 addresses so that finding one is fast. Addresses are numbered from
 * the subnet's first one. Which address EC2 takes is not documented: a single address is the n-th free one, n chosen by the
 * caller (see struct kerf_vpc_ec2_habits); prefixes take the lowest free aligned block (an assumption).
 */
struct kerf_vpc_subnet;
/** prefix_length 16..28 (asserted). Never NULL. */
struct kerf_vpc_subnet *kerf_vpc_subnet_new(struct kerf_cidr cidr);
void kerf_vpc_subnet_free(struct kerf_vpc_subnet *subnet);
struct kerf_vpc_subnet *kerf_vpc_subnet_copy(const struct kerf_vpc_subnet *subnet);

/** Reserves a range; nothing in use is freed. NULL when done; else why not (static text): outside the subnet, overlap, or a prefix
 *  reservation that is no multiple of 16 addresses. */
const char *kerf_vpc_subnet_reserve(struct kerf_vpc_subnet *subnet, struct kerf_cidr range, enum kerf_vpc_reservation_kind kind);

/** Takes the rank-th address that can be assigned automatically (0 <= rank < assignable; asserted). Returns its number. */
uint32_t kerf_vpc_subnet_take(struct kerf_vpc_subnet *subnet, uint32_t rank);
/** Takes this very address; false if it is taken. */
bool kerf_vpc_subnet_take_address(struct kerf_vpc_subnet *subnet, uint32_t address);
/** Takes a free aligned block of 16, from prefix reservations first, or returns KERF_ADDRESS_NONE: the InsufficientCidrBlocks of EC2. */
uint32_t kerf_vpc_subnet_take_prefix(struct kerf_vpc_subnet *subnet);
/** Gives back one address, or a whole block. Asserts that all of it was taken: an address has one holder. */
void kerf_vpc_subnet_release(struct kerf_vpc_subnet *subnet, uint32_t address);
void kerf_vpc_subnet_release_prefix(struct kerf_vpc_subnet *subnet, uint32_t address);

struct kerf_vpc_subnet_counts {
    struct kerf_cidr cidr;
    uint32_t size;          /* usable: all but the five */
    uint32_t free;          /* usable and not taken, reservations included */
    uint32_t assignable;    /* of these, what a single address can be taken from */
    uint32_t free_prefixes; /* blocks that a prefix request can have */
    uint32_t reserved_prefixes; /* of these, in prefix reservations: the first to go */
    uint32_t taken_peak;    /* most ever taken at once */
};
struct kerf_vpc_subnet_counts kerf_vpc_subnet_counts(const struct kerf_vpc_subnet *subnet);

/** State of a /28 block, for maps: fragmentation is the free addresses in partial blocks. */
enum kerf_block_state { KERF_BLOCK_FREE, KERF_BLOCK_PARTIAL, KERF_BLOCK_FULL };
struct kerf_vpc_subnet_block {
    enum kerf_block_state state;
    uint8_t free;    /* addresses */
    bool reserved;   /* by a CIDR reservation */
};
uint32_t kerf_vpc_subnet_block_count(const struct kerf_vpc_subnet *subnet);
struct kerf_vpc_subnet_block kerf_vpc_subnet_block(const struct kerf_vpc_subnet *subnet, uint32_t block_index);
/** Free addresses that lie in blocks no prefix request can have, over all free ones: 0 none is lost, 1 all are; 0 when none is free. */
double kerf_vpc_subnet_fragmentation(const struct kerf_vpc_subnet *subnet);
/**
 * Chance that a prefix request succeeds in a subnet of this length (16..28) of whose usable addresses `taken` are taken, each choice of them
 * equally likely: where single addresses that are picked at random come and go, that is how they lie after a while. Exact (a sum of
 * positive terms, no sampling). Cost: below a millisecond up to /22, tens of milliseconds for /16.
 */
double kerf_vpc_prefix_chance(uint8_t prefix_length, uint32_t taken);

/** As kerf_vpc_review_settings, of a subnet where single addresses of others lie scattered (taken) and ranges are reserved for prefixes or not. */
void kerf_vpc_review_subnet(const struct kerf_cni_settings *settings, struct kerf_cidr cidr, int64_t taken, bool reserved,
                            kerf_vpc_finding finding, void *context);

/** Recomputes sums from the bits and asserts that they agree. */
void kerf_vpc_subnet_check(const struct kerf_vpc_subnet *subnet);

/* ---- EC2's answers ---------------------------------------------------------------------------------------------------------- */

/**
 * Who draws on a subnet. BOTH: no tag; nodes launch there and their pods' addresses come from there. NODES: instances and their
 * primary interfaces alone (tag kubernetes.io/role/cni = 0, or the node subnet of custom networking). PODS: pods' interfaces alone
 * (that tag with another value, or the subnet of an ENIConfig); no instance is launched there.
 */
enum kerf_subnet_use { KERF_SUBNET_BOTH, KERF_SUBNET_NODES, KERF_SUBNET_PODS };
struct kerf_vpc_subnet_place {
    uint32_t zone; /* the caller's number */
    enum kerf_subnet_use use;
};

/** What EC2 does and AWS does not document; all zero is the default. */
struct kerf_vpc_ec2_habits {
    bool lowest_address;        /* a single address is the lowest free one, which fragments least; default: any free one, drawn evenly */
    bool unrecognised_shortage; /* a prefix request beyond the free addresses fails with InvalidParameterValue, as users have seen; ipamd then
                                   asks again without a pause, and does not start. Default: InsufficientCidrBlocks */
};

/**
 * EC2 as the pool meets it, without latency. Subnets are the caller's, by number; a NULL one has addresses without end.
 * Requests are all or nothing. With `places`, an interface that enhanced discovery is asked for goes to the valid subnet of the
 * node's zone with most free addresses, then to the next one (ties: by number); without, to the subnet of the action.
 */
struct kerf_vpc_ec2_network {
    struct kerf_vpc_subnet **subnets;
    const struct kerf_vpc_subnet_place *places; /* one a subnet; NULL: no discovery */
    uint32_t subnet_count;
    struct kerf_vpc_ec2_habits habits;
    struct kerf_vpc_draws draws; /* which free address is taken */
    int64_t assign_calls, create_calls, unassign_calls, delete_calls, failed_calls;
};
/** The launch of an instance: takes one address in subnet number `subnet`. False when it has none. */
KERF_MUST_CHECK bool kerf_vpc_ec2_launch(struct kerf_vpc_ec2_network *network, uint32_t subnet, uint32_t *out_address);
/** Answers an action; takes and returns addresses. For an answer that takes time, call it when the answer is due, then kerf_vpc_pool_apply. */
void kerf_vpc_ec2_perform(struct kerf_vpc_ec2_network *network, const struct kerf_vpc_action *action, struct kerf_vpc_result *out_result);
/** Returns everything that a node holds: its instance was terminated. */
void kerf_vpc_ec2_terminate(struct kerf_vpc_ec2_network *network, const struct kerf_vpc_pool *pool);
/** ipamd's pause between detaching an interface and deleting it: the loop stands still for so long. */
#define KERF_VPC_DETACH_PAUSE_US (2 * KERF_SECOND_US)
/** Runs one pass of the pool (or its start) at now_us against EC2 without latency (a released interface takes its pause, though its
 *  addresses are free at once). Returns the number of actions. */
uint32_t kerf_vpc_pool_pass(struct kerf_vpc_pool *pool, kerf_time_us now_us, struct kerf_vpc_ec2_network *network);

/* ---- what a fleet asks of its subnets --------------------------------------------------------------------------------------------- */

/** A kind of node: limits of its instance type and what the CNI and kubelet are told. */
struct kerf_demand_shape {
    struct kerf_eni_limits limits;
    int64_t max_pods; /* kubelet's; 0: what the max-pods calculator says for the CNI's settings */
    int64_t vcpus;    /* 0: unknown */
    bool nitro;
    bool bare_metal;
    bool trunk_capable;
    int32_t unmanaged_enis;
};

/** Nodes and pods that come and go, in order of time; a pod is one that needs an address. Numbers may be used again after their end. */
enum kerf_demand_kind { KERF_DEMAND_NODE_STARTS, KERF_DEMAND_NODE_ENDS, KERF_DEMAND_POD_COMES, KERF_DEMAND_POD_GOES };
struct kerf_demand_event {
    kerf_time_us at_us;
    enum kerf_demand_kind kind;
    uint32_t node;
    uint32_t pod;   /* of POD_COMES and POD_GOES */
    uint16_t shape; /* of NODE_STARTS */
    uint16_t zone;
};

/* ---- the course of one node ------------------------------------------------------------------------------------------------------- */

/** Pods wanted on the node from here on; when fewer than before, who goes first. Pods still waiting go before those with an address. */
enum kerf_leave_order { KERF_LEAVE_NEWEST, KERF_LEAVE_OLDEST };
struct kerf_node_step {
    int64_t pods;
    enum kerf_leave_order leave;
};

/** The pool once it has come to rest. */
struct kerf_node_rest {
    struct kerf_vpc_pool_stats stats;
    uint32_t eni_count;
    uint8_t slots[KERF_ENIS_MAX];  /* primary first, others descending */
    int64_t pods_placed;
    int64_t pods_waiting;
    int64_t node_subnet_addresses;
    int64_t pod_subnet_addresses;  /* custom networking, or an excluded primary */
    int64_t assign_calls, create_calls, unassign_calls, delete_calls, failed_calls; /* since the step before */
    kerf_time_us rest_after_us;    /* from the change of pods to the last thing that happened */
    bool settled;                  /* false: it flaps for ever; then this is the state that it keeps longest */
};

/**
 * The life of one node: launched, initialised, then each step's pods come or go at once and the pool comes to rest before the
 * next. EC2 answers without latency from an endless subnet; waiting pods ask again after every pass and whenever an address has
 * cooled down (a kubelet asks every 10 to 15 s).
 *
 * out_rests   one per step
 *
 * Returns NULL, or why the node cannot work (static text). Cost: microseconds a step.
 */
const char *kerf_vpc_node_course(const struct kerf_vpc_pool_options *options, const struct kerf_node_step *steps, size_t step_count,
                                 struct kerf_node_rest *out_rests);

/**
 * The same, over course_count courses that differ in the order of ipamd's walks (keys follow from options->order_key): the one
 * seen most often, compared by all that a kerf_node_rest says of pool and addresses; ties go to the earlier. out_share is how
 * often it was seen (0..1), out_distinct how many courses there were. Any of them is right.
 */
const char *kerf_vpc_node_commonest(const struct kerf_vpc_pool_options *options, const struct kerf_node_step *steps, size_t step_count,
                                    uint32_t course_count, struct kerf_node_rest *out_rests, double *out_share, uint32_t *out_distinct);

#endif
