#include <criterion/criterion.h>
#include <signal.h>

#include "base/base.h"
#include "kerf/vpc.h"

static struct kerf_vpc_subnet *subnet_of(const char *cidr)
{
    struct kerf_cidr range;
    cr_assert_null(kerf_cidr_parse(cidr, &range), "%s", cidr);
    return kerf_vpc_subnet_new(range);
}

Test(subnet, an_empty_one_lacks_the_first_four_and_the_last)
{
    static const uint32_t usable[] = {65531, 32763, 16379, 8187, 4091, 2043, 1019, 507, 251, 123, 59, 27, 11}; /* /16 to /28 */
    for (uint8_t length = 16; length <= 28; length++) {
        struct kerf_vpc_subnet *subnet = kerf_vpc_subnet_new((struct kerf_cidr){.first = 10u << 24, .prefix_length = length});
        struct kerf_vpc_subnet_counts counts = kerf_vpc_subnet_counts(subnet);
        cr_expect_eq(counts.size, usable[length - 16]);
        cr_expect_eq(counts.free, usable[length - 16]);
        cr_expect_eq(counts.free_prefixes, kerf_vpc_subnet_prefixes_max(length));
        cr_expect_eq(counts.taken_peak, 0);
        kerf_vpc_subnet_check(subnet);
        uint32_t prefixes = 0;
        while (kerf_vpc_subnet_take_prefix(subnet) != KERF_ADDRESS_NONE)
            prefixes++;
        cr_expect_eq(prefixes, kerf_vpc_subnet_prefixes_max(length), "/%d", length);
        kerf_vpc_subnet_check(subnet);
        kerf_vpc_subnet_free(subnet);
    }
}

Test(subnet, takes_the_address_of_a_rank)
{
    struct kerf_vpc_subnet *subnet = subnet_of("10.0.0.0/22");
    cr_expect_eq(kerf_vpc_subnet_take(subnet, 0), 4);
    cr_expect_eq(kerf_vpc_subnet_take(subnet, 0), 5);
    cr_expect_eq(kerf_vpc_subnet_take(subnet, kerf_vpc_subnet_counts(subnet).assignable - 1), 1022);
    cr_expect_eq(kerf_vpc_subnet_take(subnet, 600), 606);
    cr_expect_not(kerf_vpc_subnet_take_address(subnet, 606));
    cr_expect_not(kerf_vpc_subnet_take_address(subnet, 0), "AWS's own");
    cr_expect_not(kerf_vpc_subnet_take_address(subnet, 1023));
    cr_expect_eq(kerf_vpc_subnet_counts(subnet).taken_peak, 4);
    kerf_vpc_subnet_release(subnet, 606);
    cr_expect_eq(kerf_vpc_subnet_counts(subnet).taken_peak, 4);
    cr_expect(kerf_vpc_subnet_take_address(subnet, 606));
    kerf_vpc_subnet_check(subnet);
    kerf_vpc_subnet_free(subnet);
}

Test(subnet, one_address_destroys_a_block)
{
    struct kerf_vpc_subnet *subnet = subnet_of("10.0.0.0/26");
    cr_expect_eq(kerf_vpc_subnet_counts(subnet).free_prefixes, 2);
    cr_expect(kerf_vpc_subnet_take_address(subnet, 20));
    cr_expect_eq(kerf_vpc_subnet_counts(subnet).free_prefixes, 1);
    cr_expect_eq(kerf_vpc_subnet_block(subnet, 1).state, KERF_BLOCK_PARTIAL);
    cr_expect_eq(kerf_vpc_subnet_block(subnet, 1).free, 15);
    cr_expect_float_eq(kerf_vpc_subnet_fragmentation(subnet), 1 - 16.0 / 58, 1e-12);
    cr_expect_eq(kerf_vpc_subnet_take_prefix(subnet), 32);
    cr_expect_eq(kerf_vpc_subnet_block(subnet, 2).state, KERF_BLOCK_FULL);
    cr_expect_eq(kerf_vpc_subnet_take_prefix(subnet), KERF_ADDRESS_NONE, "42 addresses are free, no block is");
    kerf_vpc_subnet_release(subnet, 20);
    cr_expect_eq(kerf_vpc_subnet_take_prefix(subnet), 16);
    kerf_vpc_subnet_release_prefix(subnet, 32);
    cr_expect_eq(kerf_vpc_subnet_take_prefix(subnet), 32);
    kerf_vpc_subnet_check(subnet);
    kerf_vpc_subnet_free(subnet);
}

Test(subnet, reservations)
{
    struct kerf_vpc_subnet *subnet = subnet_of("10.0.0.0/24");
    struct kerf_cidr range;
    cr_assert(kerf_vpc_subnet_take_address(subnet, 130));
    cr_assert_null(kerf_cidr_parse("10.0.0.128/26", &range));
    cr_expect_null(kerf_vpc_subnet_reserve(subnet, range, KERF_RESERVATION_PREFIX));
    cr_expect_not_null(kerf_vpc_subnet_reserve(subnet, range, KERF_RESERVATION_EXPLICIT), "overlap");
    cr_assert_null(kerf_cidr_parse("10.0.0.192/29", &range));
    cr_expect_not_null(kerf_vpc_subnet_reserve(subnet, range, KERF_RESERVATION_PREFIX), "smaller than a block");
    cr_expect_null(kerf_vpc_subnet_reserve(subnet, range, KERF_RESERVATION_EXPLICIT));
    cr_assert_null(kerf_cidr_parse("10.0.1.0/28", &range));
    cr_expect_not_null(kerf_vpc_subnet_reserve(subnet, range, KERF_RESERVATION_PREFIX), "outside");
    kerf_vpc_subnet_check(subnet);

    struct kerf_vpc_subnet_counts counts = kerf_vpc_subnet_counts(subnet);
    cr_expect_eq(counts.free, 250);
    cr_expect_eq(counts.assignable, 250 - 63 - 8);
    cr_expect_eq(counts.free_prefixes, 14 - 1 - 1); /* one holds address 130, one the explicit range */
    cr_expect_eq(kerf_vpc_subnet_take_prefix(subnet), 144, "from the reservation first, past the block that is in use");
    for (uint32_t left = kerf_vpc_subnet_counts(subnet).assignable; left > 0; left--) {
        uint32_t address = kerf_vpc_subnet_take(subnet, left - 1);
        cr_expect(address < 128 || address >= 200, "%u", address);
    }
    cr_expect(kerf_vpc_subnet_take_address(subnet, 195), "explicitly");
    cr_expect(kerf_vpc_subnet_block(subnet, 8).reserved);
    cr_expect_not(kerf_vpc_subnet_block(subnet, 7).reserved);
    kerf_vpc_subnet_release(subnet, 130);
    cr_expect_eq(kerf_vpc_subnet_take_prefix(subnet), 128, "an address goes back to its reservation");
    kerf_vpc_subnet_check(subnet);

    struct kerf_vpc_subnet *copy = kerf_vpc_subnet_copy(subnet);
    kerf_vpc_subnet_release_prefix(copy, 144);
    cr_expect_eq(kerf_vpc_subnet_counts(copy).free, kerf_vpc_subnet_counts(subnet).free + 16);
    kerf_vpc_subnet_check(copy);
    kerf_vpc_subnet_check(subnet);
    kerf_vpc_subnet_free(copy);
    kerf_vpc_subnet_free(subnet);
}

Test(subnet, releasing_a_free_address_is_a_bug, .signal = SIGABRT)
{
    struct kerf_vpc_subnet *subnet = subnet_of("10.0.0.0/24");
    kerf_vpc_subnet_release(subnet, 77);
}

Test(cidr, reads_and_prints)
{
    static const char *const good[] = {"0.0.0.0/0", "10.0.0.0/8", "100.64.0.0/10", "192.168.255.16/28", "255.255.255.255/32"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct kerf_cidr cidr;
        char text[19];
        cr_assert_null(kerf_cidr_parse(good[i], &cidr), "%s", good[i]);
        kerf_cidr_print(cidr, text);
        cr_expect_str_eq(text, good[i]);
    }
    static const char *const bad[] = {"",           "10.0.0.0",     "10.0.0/8",    "10.0.0.0/33", "10.0.0.1/24", "256.0.0.0/8", "10.0.0.0/24 ",
                                      " 10.0.0.0/8", "10.0.0.0/-1", "10.0.0.0/08", "010.0.0.0/8", "a.b.c.d/8",   "10.0.0.0/",   "1.2.3.4.5/8",
                                      "10.0.0.0/99999999999", "::/0"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct kerf_cidr cidr = {.first = 7, .prefix_length = 7};
        cr_expect_not_null(kerf_cidr_parse(bad[i], &cidr), "%s", bad[i]);
        cr_expect_eq(cidr.first, 7, "untouched on failure");
    }
}

Test(cidr, contains_and_overlaps)
{
    struct kerf_cidr vpc, subnet, other;
    cr_assert_null(kerf_cidr_parse("10.0.0.0/16", &vpc));
    cr_assert_null(kerf_cidr_parse("10.0.4.0/22", &subnet));
    cr_assert_null(kerf_cidr_parse("10.1.0.0/24", &other));
    cr_expect(kerf_cidr_contains(vpc, subnet));
    cr_expect(kerf_cidr_contains(vpc, vpc));
    cr_expect_not(kerf_cidr_contains(subnet, vpc));
    cr_expect(kerf_cidr_overlaps(subnet, vpc));
    cr_expect_not(kerf_cidr_overlaps(vpc, other));
    cr_expect_eq(kerf_cidr_size(subnet), 1024);
}

/* A request is all or nothing: blocks outside the reservations share their addresses with the interface's own one. */
Test(ec2_network, an_interface_and_its_prefixes_compete_for_the_open_addresses)
{
    struct kerf_vpc_subnet *subnet = kerf_vpc_subnet_new((struct kerf_cidr){.first = 10u << 24, .prefix_length = 26});
    /* The first and the last block give no prefix, reserved or not: two blocks and nothing else are open. */
    cr_assert_null(kerf_vpc_subnet_reserve(subnet, (struct kerf_cidr){.first = 10u << 24, .prefix_length = 28}, KERF_RESERVATION_PREFIX));
    cr_assert_null(kerf_vpc_subnet_reserve(subnet, (struct kerf_cidr){.first = (10u << 24) + 48, .prefix_length = 28}, KERF_RESERVATION_EXPLICIT));
    struct kerf_vpc_ec2_network network = {.subnets = &subnet, .subnet_count = 1};
    struct kerf_vpc_action action = {.kind = KERF_VPC_CREATE_ENI, .mode = KERF_IP_PREFIX, .slot_count = 2, .own_address = KERF_ADDRESS_NONE};
    struct kerf_vpc_result result;
    kerf_vpc_ec2_perform(&network, &action, &result);
    cr_expect_eq(result.code, KERF_VPC_EC2_INSUFFICIENT_CIDR_BLOCKS);
    cr_expect_eq(kerf_vpc_subnet_counts(subnet).free, 59);
    action.slot_count = 1;
    kerf_vpc_ec2_perform(&network, &action, &result);
    cr_expect_eq(result.code, KERF_VPC_EC2_OK);
    cr_expect_eq(result.own_address / 16, 2u, "the prefix has the other block");
    action.kind = KERF_VPC_ASSIGN;
    kerf_vpc_ec2_perform(&network, &action, &result);
    cr_expect_eq(result.code, KERF_VPC_EC2_INSUFFICIENT_CIDR_BLOCKS);
    kerf_vpc_subnet_check(subnet);
    kerf_vpc_subnet_free(subnet);
}

Test(ec2_network, habits_choose_the_address_and_the_error)
{
    for (int lowest = 0; lowest <= 1; lowest++) {
        struct kerf_vpc_subnet *subnet = kerf_vpc_subnet_new((struct kerf_cidr){.first = 10u << 24, .prefix_length = 24});
        struct kerf_vpc_ec2_network network = {.subnets = &subnet, .subnet_count = 1, .habits.lowest_address = lowest == 1};
        uint32_t address, sum = 0;
        for (uint32_t i = 0; i < 12; i++) {
            cr_assert(kerf_vpc_ec2_launch(&network, 0, &address));
            sum += address;
        }
        cr_expect_eq(sum == 12 * (4 + 15) / 2, lowest == 1, "the first twelve, 4 to 15, or any");
        cr_expect_eq(kerf_vpc_subnet_counts(subnet).free_prefixes == 14, lowest == 1, "no block but the first is broken");
        kerf_vpc_subnet_free(subnet);
    }
    for (int other = 0; other <= 1; other++) {
        struct kerf_vpc_subnet *subnet = kerf_vpc_subnet_new((struct kerf_cidr){.first = 10u << 24, .prefix_length = 28});
        struct kerf_vpc_ec2_network network = {.subnets = &subnet, .subnet_count = 1, .habits.unrecognised_shortage = other == 1};
        struct kerf_vpc_action action = {.kind = KERF_VPC_ASSIGN, .mode = KERF_IP_PREFIX, .slot_count = 1, .own_address = KERF_ADDRESS_NONE};
        struct kerf_vpc_result result;
        kerf_vpc_ec2_perform(&network, &action, &result);
        cr_expect_eq(result.code, other ? KERF_VPC_EC2_OTHER : KERF_VPC_EC2_INSUFFICIENT_CIDR_BLOCKS);
        kerf_vpc_subnet_free(subnet);
    }
}
