/* Every instance type of eni-max-pods.txt: see max_pods.csv for source and date. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/base.h"
#include "kerf/vpc.h"

#define TYPES 1391

Test(max_pods, agree_with_the_cni_for_every_type)
{
    FILE *file = fopen("tests/facts/max_pods.csv", "r");
    cr_assert_not_null(file, "tests/facts/max_pods.csv: run the tests from the root of the repository");
    char line[256];
    int types = 0;
    while (fgets(line, sizeof line, file)) {
        char name[64];
        int enis = 0, ipv4_per_eni = 0, cards = 0, want = 0;
        if (line[0] == '#' || sscanf(line, "%63[^,],%d,%d,%d,%d", name, &enis, &ipv4_per_eni, &cards, &want) != 5)
            continue;
        struct kerf_eni_limits limits = {.enis = enis, .ipv4_per_eni = ipv4_per_eni};
        cr_expect_eq(kerf_vpc_max_pods(limits, KERF_IP_SECONDARY, 0), want, "%s", name);
        cr_expect_leq(enis, KERF_ENIS_MAX, "%s", name);
        cr_expect_leq(ipv4_per_eni, KERF_ENI_SLOTS_MAX + 1, "%s", name);
        types++;
    }
    fclose(file);
    cr_assert_eq(types, TYPES);
}
