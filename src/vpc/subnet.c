/* The addresses of one subnet. Each address belongs to one of three areas (open, reserved for prefixes, reserved for explicit use); an
 * area has a bit for each of its free addresses and sums over groups of 512, so that the n-th free one and a free block are found
 * without touching every word. */
#include <stdlib.h>

#include "base/base.h"
#include "kerf/vpc.h"

#define GROUP_WORDS 8 /* 512 addresses */
#define LANES 0x0001000100010001u
#define RESERVATIONS_MAX 64

enum area_kind { OPEN, FOR_PREFIXES, EXPLICIT, AREA_COUNT };

struct area {
    uint64_t *words;    /* bit set: free; NULL: nothing was ever reserved so */
    uint16_t *free_in;  /* per group */
    uint8_t *blocks_in; /* per group: wholly free blocks */
    uint32_t free;
    uint32_t blocks;
};

struct reservation {
    uint32_t first;
    uint32_t count;
    enum area_kind area;
};

struct kerf_vpc_subnet {
    struct kerf_cidr cidr;
    uint32_t size; /* addresses, the reserved five included */
    uint32_t word_count;
    uint32_t group_count;
    uint32_t taken;
    uint32_t taken_peak;
    uint32_t reservation_count;
    struct reservation reservations[RESERVATIONS_MAX];
    struct area areas[AREA_COUNT];
};

/* Wholly set 16-bit lanes, a bit at the lowest place of each. */
static uint64_t full_lanes(uint64_t word)
{
    word &= word >> 1;
    word &= word >> 2;
    word &= word >> 4;
    word &= word >> 8;
    return word & LANES;
}

static bool lane_is_full(uint64_t word, uint32_t address) { return (uint16_t)(word >> (address % 64 & 48u)) == 0xffff; }

static void area_new(struct kerf_vpc_subnet *subnet, enum area_kind kind)
{
    struct area *area = &subnet->areas[kind];
    if (area->words)
        return;
    area->words = kerf_allocate(subnet->word_count * sizeof *area->words);
    area->free_in = kerf_allocate(subnet->group_count * sizeof *area->free_in);
    area->blocks_in = kerf_allocate(subnet->group_count * sizeof *area->blocks_in);
}

static void area_add(struct area *area, uint32_t address)
{
    uint32_t word = address / 64, group = word / GROUP_WORDS;
    KERF_ASSERT(!kerf_bit_get(area->words, address));
    kerf_bit_set(area->words, address);
    area->free_in[group]++;
    area->free++;
    if (lane_is_full(area->words[word], address)) {
        area->blocks_in[group]++;
        area->blocks++;
    }
}

static void area_remove(struct area *area, uint32_t address)
{
    uint32_t word = address / 64, group = word / GROUP_WORDS;
    KERF_ASSERT(kerf_bit_get(area->words, address));
    if (lane_is_full(area->words[word], address)) {
        area->blocks_in[group]--;
        area->blocks--;
    }
    kerf_bit_clear(area->words, address);
    area->free_in[group]--;
    area->free--;
}

static struct area *area_of(struct kerf_vpc_subnet *subnet, uint32_t address)
{
    for (uint32_t i = 0; i < subnet->reservation_count; i++) {
        const struct reservation *reservation = &subnet->reservations[i];
        if (address - reservation->first < reservation->count)
            return &subnet->areas[reservation->area];
    }
    return &subnet->areas[OPEN];
}

/* Of every subnet the first four addresses and the last are AWS's own. */
static bool is_aws_own(const struct kerf_vpc_subnet *subnet, uint32_t address) { return address < 4 || address == subnet->size - 1; }

struct kerf_vpc_subnet *kerf_vpc_subnet_new(struct kerf_cidr cidr)
{
    KERF_ASSERT(cidr.prefix_length >= 16);
    KERF_ASSERT(cidr.prefix_length <= 28);
    struct kerf_vpc_subnet *subnet = kerf_allocate(sizeof *subnet);
    subnet->cidr = cidr;
    subnet->size = (uint32_t)kerf_cidr_size(cidr);
    subnet->word_count = (uint32_t)kerf_bitset_words(subnet->size);
    subnet->group_count = (subnet->word_count + GROUP_WORDS - 1) / GROUP_WORDS;
    area_new(subnet, OPEN);
    for (uint32_t address = 0; address < subnet->size; address++)
        if (!is_aws_own(subnet, address))
            area_add(&subnet->areas[OPEN], address);
    return subnet;
}

void kerf_vpc_subnet_free(struct kerf_vpc_subnet *subnet)
{
    if (!subnet)
        return;
    for (int kind = 0; kind < AREA_COUNT; kind++) {
        free(subnet->areas[kind].words);
        free(subnet->areas[kind].free_in);
        free(subnet->areas[kind].blocks_in);
    }
    free(subnet);
}

struct kerf_vpc_subnet *kerf_vpc_subnet_copy(const struct kerf_vpc_subnet *subnet)
{
    struct kerf_vpc_subnet *copy = kerf_allocate(sizeof *copy);
    *copy = *subnet;
    for (int kind = 0; kind < AREA_COUNT; kind++) {
        const struct area *from = &subnet->areas[kind];
        struct area *to = &copy->areas[kind];
        if (!from->words)
            continue;
        to->words = NULL;
        area_new(copy, (enum area_kind)kind);
        memcpy(to->words, from->words, subnet->word_count * sizeof *to->words);
        memcpy(to->free_in, from->free_in, subnet->group_count * sizeof *to->free_in);
        memcpy(to->blocks_in, from->blocks_in, subnet->group_count * sizeof *to->blocks_in);
    }
    return copy;
}

const char *kerf_vpc_subnet_reserve(struct kerf_vpc_subnet *subnet, struct kerf_cidr range, enum kerf_vpc_reservation_kind kind)
{
    if (!kerf_cidr_contains(subnet->cidr, range))
        return "the reservation does not lie in the subnet";
    if (kind == KERF_RESERVATION_PREFIX && range.prefix_length > 28)
        return "a prefix reservation is smaller than a /28 block";
    uint32_t first = range.first - subnet->cidr.first;
    uint32_t count = (uint32_t)kerf_cidr_size(range);
    for (uint32_t i = 0; i < subnet->reservation_count; i++) {
        const struct reservation *other = &subnet->reservations[i];
        if (first < other->first + other->count && other->first < first + count)
            return "the reservation overlaps another one";
    }
    if (subnet->reservation_count == RESERVATIONS_MAX)
        return "more than 64 reservations in one subnet";
    enum area_kind area = kind == KERF_RESERVATION_PREFIX ? FOR_PREFIXES : EXPLICIT;
    area_new(subnet, area);
    for (uint32_t address = first; address < first + count; address++) {
        if (kerf_bit_get(subnet->areas[OPEN].words, address)) {
            area_remove(&subnet->areas[OPEN], address);
            area_add(&subnet->areas[area], address);
        }
    }
    subnet->reservations[subnet->reservation_count++] = (struct reservation){first, count, area};
    return NULL;
}

static void note_taken(struct kerf_vpc_subnet *subnet, uint32_t count)
{
    subnet->taken += count;
    if (subnet->taken > subnet->taken_peak)
        subnet->taken_peak = subnet->taken;
}

/* Set bits of each byte, then of it and all below it: in parallel, since a plain amd64 has no instruction for counting. */
static uint64_t bits_up_to_each_byte(uint64_t word)
{
    word -= word >> 1 & 0x5555555555555555u;
    word = (word & 0x3333333333333333u) + (word >> 2 & 0x3333333333333333u);
    word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0fu;
    return word * 0x0101010101010101u;
}

static uint32_t count_bits(uint64_t word) { return (uint32_t)(bits_up_to_each_byte(word) >> 56); }

/* Place of the rank-th set bit; rank < their number. */
static uint32_t select_bit(uint64_t word, uint32_t rank)
{
    uint64_t sums = bits_up_to_each_byte(word);
    uint32_t place = 0;
    while ((sums >> place & 0xff) <= rank)
        place += 8;
    if (place > 0)
        rank -= (uint32_t)(sums >> (place - 8) & 0xff);
    uint64_t byte = word >> place & 0xff;
    for (; rank > 0; rank--)
        byte &= byte - 1;
    return place + (uint32_t)__builtin_ctzll(byte);
}

uint32_t kerf_vpc_subnet_take(struct kerf_vpc_subnet *subnet, uint32_t rank)
{
    struct area *area = &subnet->areas[OPEN];
    KERF_ASSERT(rank < area->free);
    uint32_t group = 0;
    while (rank >= area->free_in[group])
        rank -= area->free_in[group++];
    uint32_t word = group * GROUP_WORDS;
    for (uint32_t count; rank >= (count = count_bits(area->words[word])); word++)
        rank -= count;
    uint32_t address = word * 64 + select_bit(area->words[word], rank);
    area_remove(area, address);
    note_taken(subnet, 1);
    return address;
}

bool kerf_vpc_subnet_take_address(struct kerf_vpc_subnet *subnet, uint32_t address)
{
    KERF_ASSERT(address < subnet->size);
    struct area *area = area_of(subnet, address);
    if (!kerf_bit_get(area->words, address))
        return false;
    area_remove(area, address);
    note_taken(subnet, 1);
    return true;
}

static uint32_t area_take_prefix(struct kerf_vpc_subnet *subnet, struct area *area)
{
    uint32_t group = 0;
    while (area->blocks_in[group] == 0)
        group++;
    uint32_t word = group * GROUP_WORDS;
    uint64_t lanes;
    while ((lanes = full_lanes(area->words[word])) == 0)
        word++;
    uint32_t lane = (uint32_t)__builtin_ctzll(lanes);
    area->words[word] &= ~((uint64_t)0xffff << lane);
    area->blocks_in[group]--;
    area->blocks--;
    area->free_in[group] = (uint16_t)(area->free_in[group] - KERF_PREFIX_ADDRESSES);
    area->free -= KERF_PREFIX_ADDRESSES;
    note_taken(subnet, KERF_PREFIX_ADDRESSES);
    return word * 64 + lane;
}

uint32_t kerf_vpc_subnet_take_prefix(struct kerf_vpc_subnet *subnet)
{
    if (subnet->areas[FOR_PREFIXES].blocks > 0)
        return area_take_prefix(subnet, &subnet->areas[FOR_PREFIXES]);
    if (subnet->areas[OPEN].blocks > 0)
        return area_take_prefix(subnet, &subnet->areas[OPEN]);
    return KERF_ADDRESS_NONE;
}

void kerf_vpc_subnet_release(struct kerf_vpc_subnet *subnet, uint32_t address)
{
    KERF_ASSERT(address < subnet->size);
    KERF_ASSERT(!is_aws_own(subnet, address));
    area_add(area_of(subnet, address), address);
    subnet->taken--;
}

void kerf_vpc_subnet_release_prefix(struct kerf_vpc_subnet *subnet, uint32_t address)
{
    KERF_ASSERT(address % KERF_PREFIX_ADDRESSES == 0);
    for (uint32_t i = 0; i < KERF_PREFIX_ADDRESSES; i++)
        kerf_vpc_subnet_release(subnet, address + i);
}

struct kerf_vpc_subnet_counts kerf_vpc_subnet_counts(const struct kerf_vpc_subnet *subnet)
{
    uint32_t free_count = subnet->areas[OPEN].free + subnet->areas[FOR_PREFIXES].free + subnet->areas[EXPLICIT].free;
    return (struct kerf_vpc_subnet_counts){
        .cidr = subnet->cidr,
        .size = subnet->size - KERF_VPC_SUBNET_RESERVED,
        .free = free_count,
        .assignable = subnet->areas[OPEN].free,
        .free_prefixes = subnet->areas[OPEN].blocks + subnet->areas[FOR_PREFIXES].blocks,
        .reserved_prefixes = subnet->areas[FOR_PREFIXES].blocks,
        .taken_peak = subnet->taken_peak,
    };
}

uint32_t kerf_vpc_subnet_block_count(const struct kerf_vpc_subnet *subnet) { return subnet->size / KERF_PREFIX_ADDRESSES; }

struct kerf_vpc_subnet_block kerf_vpc_subnet_block(const struct kerf_vpc_subnet *subnet, uint32_t block_index)
{
    KERF_ASSERT(block_index < kerf_vpc_subnet_block_count(subnet));
    uint32_t first = block_index * KERF_PREFIX_ADDRESSES;
    struct kerf_vpc_subnet_block block = {.state = KERF_BLOCK_PARTIAL};
    for (int kind = 0; kind < AREA_COUNT; kind++)
        if (subnet->areas[kind].words)
            block.free = (uint8_t)(block.free + __builtin_popcount((uint16_t)(subnet->areas[kind].words[first / 64] >> (first % 64))));
    if (block.free == KERF_PREFIX_ADDRESSES)
        block.state = KERF_BLOCK_FREE;
    else if (block.free == 0)
        block.state = KERF_BLOCK_FULL;
    for (uint32_t i = 0; i < subnet->reservation_count; i++) {
        const struct reservation *reservation = &subnet->reservations[i];
        if (reservation->first < first + KERF_PREFIX_ADDRESSES && first < reservation->first + reservation->count)
            block.reserved = true;
    }
    return block;
}

double kerf_vpc_subnet_fragmentation(const struct kerf_vpc_subnet *subnet)
{
    struct kerf_vpc_subnet_counts counts = kerf_vpc_subnet_counts(subnet);
    if (counts.free == 0)
        return 0;
    return 1.0 - (double)(counts.free_prefixes * KERF_PREFIX_ADDRESSES) / (double)counts.free;
}

void kerf_vpc_subnet_check(const struct kerf_vpc_subnet *subnet)
{
    uint32_t free_count = 0;
    for (int kind = 0; kind < AREA_COUNT; kind++) {
        const struct area *area = &subnet->areas[kind];
        if (!area->words)
            continue;
        uint32_t area_free = 0, area_blocks = 0;
        for (uint32_t group = 0; group < subnet->group_count; group++) {
            uint32_t group_free = 0, group_blocks = 0;
            for (uint32_t word = group * GROUP_WORDS; word < (group + 1) * GROUP_WORDS && word < subnet->word_count; word++) {
                group_free += (uint32_t)__builtin_popcountll(area->words[word]);
                group_blocks += (uint32_t)__builtin_popcountll(full_lanes(area->words[word]));
                for (int other = kind + 1; other < AREA_COUNT; other++)
                    if (subnet->areas[other].words)
                        KERF_ASSERT((area->words[word] & subnet->areas[other].words[word]) == 0);
            }
            KERF_ASSERT(group_free == area->free_in[group]);
            KERF_ASSERT(group_blocks == area->blocks_in[group]);
            area_free += group_free;
            area_blocks += group_blocks;
        }
        KERF_ASSERT(area_free == area->free);
        KERF_ASSERT(area_blocks == area->blocks);
        free_count += area_free;
    }
    KERF_ASSERT(free_count + subnet->taken == subnet->size - KERF_VPC_SUBNET_RESERVED);
    KERF_ASSERT(subnet->taken <= subnet->taken_peak);
}
