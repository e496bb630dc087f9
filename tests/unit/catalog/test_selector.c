/* Selectors as a person types them, queries, and lists of unavailable offerings. */
#include "catalog/catalog.h"
#include "../../support/catalog_folder.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static struct kerf_errors *errs;
static struct test_folder folder;
static struct kerf_catalog *catalog;

static void load(void)
{
    errs = kerf_errors_new();
    folder = test_catalog_new();
    cr_assert_eq(kerf_catalog_load(folder.path, NULL, &catalog, errs), KERF_OK);
}

static void unload(void)
{
    kerf_catalog_free(catalog);
    test_folder_free(&folder);
    kerf_errors_free(errs);
}

TestSuite(selector, .init = load, .fini = unload);

/* Names of what a query finds, in order; "!" when it is refused. */
static void find(const struct kerf_catalog_query *query, char names[256])
{
    struct kerf_catalog_answer *answer = NULL;
    if (kerf_catalog_ask(catalog, query, &answer, errs) != KERF_OK) {
        strcpy(names, "!");
        return;
    }
    names[0] = '\0';
    for (size_t i = 0; i < answer->found_count; i++) {
        strcat(names, i == 0 ? "" : " ");
        strcat(names, answer->found[i].type->name->text);
    }
    kerf_catalog_answer_free(answer);
}

Test(selector, requirements_choose_types)
{
    static const struct {
        const char *selector;
        const char *names; /* the cheapest first */
    } rows[] = {
        {"karpenter.k8s.aws/instance-cpu>0", "m7g.large m5.large i3.large m5.metal"}, /* a1: not on AL2023; p3: no price */
        {"karpenter.k8s.aws/instance-cpu > 2", "m5.metal"},
        {"karpenter.k8s.aws/instance-cpu<96", "m7g.large m5.large i3.large"},
        {"karpenter.k8s.aws/instance-cpu>=96", "m5.metal"},
        {"karpenter.k8s.aws/instance-cpu<=2", "m7g.large m5.large i3.large"},
        {"kubernetes.io/arch=arm64", "m7g.large"},
        {"kubernetes.io/arch==arm64", "m7g.large"},
        {"kubernetes.io/arch!=arm64", "m5.large i3.large m5.metal"},
        {"karpenter.k8s.aws/instance-family in (m5, m7g)", "m7g.large m5.large m5.metal"},
        {"karpenter.k8s.aws/instance-family in (m5)", "m5.large m5.metal"},
        {"karpenter.k8s.aws/instance-family notin (m5,i3)", "m7g.large"},
        {"karpenter.k8s.aws/instance-local-nvme", "i3.large"},
        {"!karpenter.k8s.aws/instance-local-nvme", "m7g.large m5.large m5.metal"},
        {"karpenter.k8s.aws/instance-local-nvme>100", "i3.large"},
        {"karpenter.k8s.aws/instance-category=m,karpenter.k8s.aws/instance-hypervisor=nitro", "m7g.large m5.large"},
        {"karpenter.k8s.aws/instance-hypervisor=", "m5.metal"},
        {"topology.kubernetes.io/zone=us-east-1a", "m5.large m7g.large m5.metal"}, /* m7g has Spot only in b */
        {"karpenter.sh/capacity-type=spot", "m7g.large m5.large"},
        {"karpenter.sh/capacity-type in (spot),topology.kubernetes.io/zone in (us-east-1a)", "m5.large"},
        {"failure-domain.beta.kubernetes.io/zone=us-east-1a", "m5.large m7g.large m5.metal"},
        {"node.kubernetes.io/instance-type=m5.huge", ""},
        {" kubernetes.io/arch = arm64 ", "m7g.large"},
        {"kubernetes.io/arch=arm64,", "!"},
        {"", "!"},
        {",", "!"},
        {"!", "!"},
        {"kubernetes.io/arch in", "!"},
        {"kubernetes.io/arch in (", "!"},
        {"kubernetes.io/arch in (a", "!"},
        {"kubernetes.io/arch in a", "!"},
        {"kubernetes.io/arch inside (a)", "!"},
        {"kubernetes.io/arch=a b", "!"},
        {"karpenter.k8s.aws/instance-cpu>four", "!"},
        {"karpenter.k8s.aws/instance-cpu>", "!"},
        {"karpenter.k8s.aws/instance-cpuu>1", "!"},
        {"colour=blue", "!"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char names[256];
        find(&(struct kerf_catalog_query){.requirements = &rows[i].selector, .requirement_count = 1}, names);
        cr_expect_str_eq(names, rows[i].names, "%s: %s", rows[i].selector, names);
    }
}

Test(selector, several_requirements_all_hold)
{
    static const char *const both[] = {"karpenter.k8s.aws/instance-category=m", "kubernetes.io/arch=amd64"};
    char names[256];
    find(&(struct kerf_catalog_query){.requirements = both, .requirement_count = 2, .zone = "us-east-1b"}, names);
    cr_expect_str_eq(names, "m5.large m5.metal");
    find(&(struct kerf_catalog_query){.ami_family = "AL2"}, names);
    cr_expect_str_eq(names, "a1.large m7g.large m5.large i3.large m5.metal");
    find(&(struct kerf_catalog_query){.ami_family = "al2"}, names);
    cr_expect_str_eq(names, "!");
    find(&(struct kerf_catalog_query){.zone = "us-east-1c"}, names);
    cr_expect_str_eq(names, "!");
}

Test(selector, one_type_is_shown_even_if_it_cannot_be_launched)
{
    struct kerf_catalog_answer *answer = NULL;
    struct kerf_catalog_query query = {0};
    cr_assert_eq(kerf_catalog_ask_type(catalog, "p3.2xlarge", &query, &answer, errs), KERF_OK);
    cr_expect_eq(answer->found_count, 1);
    cr_expect_str_eq(answer->found[0].type->name->text, "p3.2xlarge");
    kerf_catalog_answer_free(answer);
    cr_expect_eq(kerf_catalog_ask_type(catalog, "p3.3xlarge", &query, &answer, errs), KERF_E_INPUT);
}

Test(selector, unavailable_offerings)
{
    static const struct {
        const char *list;
        size_t count; /* SIZE_MAX: refused */
    } rows[] = {
        {"spot:m5.large:us-east-1a", 1},
        {"spot:m5.large:*", 2},
        {"on-demand:*:us-east-1b", 6},
        {"spot:*:*", 12},
        {"spot:*:*,spot:m5.large:us-east-1a", 12},
        {"spot:*:us-east-1a,on-demand:m5.large:us-east-1a", 7},
        {"spot", SIZE_MAX},
        {"spot:m5.large", SIZE_MAX},
        {"", SIZE_MAX},
        {"spot:*:*,", SIZE_MAX},
        {"Spot:*:*", SIZE_MAX},
        {"reserved:*:*", 12},
        {"on-spot:*:*", SIZE_MAX},
        {"spot:m5.huge:*", SIZE_MAX},
        {"spot:m5.large:us-east-1z", SIZE_MAX},
        {"spot:m5.large:us-east-1a:", SIZE_MAX},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t bits[1] = {0};
        cr_assert_leq(kerf_catalog_offering_count(catalog), 64);
        enum kerf_status status =
            kerf_catalog_mark_unavailable(catalog, rows[i].list, bits, (struct kerf_place){.file = "--unavailable"}, errs);
        cr_expect_eq(status, rows[i].count == SIZE_MAX ? KERF_E_INPUT : KERF_OK, "%s", rows[i].list);
        if (status == KERF_OK)
            cr_expect_eq(kerf_bitset_count(bits, 1), rows[i].count, "%s", rows[i].list);
    }
    uint64_t bits[1] = {0};
    cr_assert_eq(kerf_catalog_mark_unavailable(catalog, "spot:m5.large:us-east-1b", bits,
                                               (struct kerf_place){.file = "--unavailable"}, errs),
                 KERF_OK);
    kerf_name name = kerf_name_find(kerf_catalog_vocabulary(catalog)->names, "m5.large");
    cr_expect(kerf_bit_get(bits, kerf_catalog_offering_index(catalog, kerf_catalog_find(catalog, name)->index, 1, KERF_SPOT)));
}
