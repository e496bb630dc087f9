/* kerf catalog as a user meets it: answers, exit codes, messages. */
#include "../../support/catalog_folder.h"
#include "../../support/kerf_program.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Arguments, exit code, and pieces that stdout (exit 0) or stderr must hold. */
static const struct {
    const char *arguments;
    int exit_code;
    const char *pieces[4];
} rows[] = {
    {"catalog show m5.large", 0, {"7577Mi", "6903Mi", "us-east-1a       use1-az2    on-demand 0.0960", "built-in, us-east-1: On-Demand 2026-07-20"}},
    {"catalog show m5.large --format json", 0,
     {"\"schema\": \"kerf.catalog/v1\"", "\"memory\": \"6903Mi\"", "\"karpenter.k8s.aws/instance-family\": \"m5\"",
      "{\"capacityType\": \"on-demand\", \"zone\": \"us-east-1a\", \"zoneId\": \"use1-az2\", \"available\": true, \"priceUsdPerHour\": 0.096}"}},
    {"catalog show m7g.large --region eu-west-1 --ami-family Bottlerocket", 0, {"topology.kubernetes.io/region=eu-west-1", "eu-west-1c"}},
    {"catalog show a1.large --format json", 0, {"\"available\": false, \"priceUsdPerHour\": null"}},
    {"catalog show", 2, {"TYPE is missing"}},
    {"catalog show m5.large --format csv", 2, {"\"csv\" is not one of text, json"}},
    {"catalog show m5.lrge", 3, {"the catalogue has no type \"m5.lrge\"; did you mean m5.large?"}},
    {"catalog show x8aedz.large", 3, {"x8aedz.large has no price in us-east-1"}},
    {"catalog show m5.large --region mars", 3, {"the catalogue has no prices of \"mars\" (it has af-south-1"}},
    {"catalog show m5.large --catalog /nonexistent", 3, {"/nonexistent/instance_types.csv"}},
    {"catalog list --requirement 'karpenter.k8s.aws/instance-generation>7' --requirement 'karpenter.k8s.aws/instance-size in (large)'", 0,
     {"c8g.large", "m8g.large", "INSTANCE TYPE"}},
    {"catalog list -r karpenter.k8s.aws/instance-family=m5 --zone us-east-1b --format csv", 0,
     {"m5.large,2,8192,amd64,0,29,1930,7238320128,0.096,0.0326,3\n", "instance_type,vcpus"}},
    {"catalog list -r karpenter.k8s.aws/instance-family=m5 --format json", 0,
     {"\"schema\": \"kerf.catalog/v1\"", "{\"name\": \"m5.large\", \"vcpus\": 2, \"memoryMib\": 8192", "\"onDemandUsdPerHour\": 0.096"}},
    {"catalog list -r nonsense", 3, {"no instance type has the label \"nonsense\""}},
    {"catalog list --zone us-east-1z", 3, {"\"us-east-1z\" is none of the zones of us-east-1"}},
    {"catalog list --ami-family CentOS", 3, {"\"CentOS\" is not one of AL2023"}},
    {"catalog list extra", 2, {"unexpected operand \"extra\""}},
    {"catalog sell", 2, {"unknown command \"sell\""}},
    {"catalog list --help", 0, {"--requirement", "Kubernetes writes selectors"}},
};

Test(cmd_catalog, answers_and_refusals)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct program_result result = kerf_program_run(rows[i].arguments);
        cr_expect_eq(result.exit_code, rows[i].exit_code, "kerf %s: exit %d\n%s", rows[i].arguments, result.exit_code, result.error);
        const char *text = rows[i].exit_code == 0 ? result.out : result.error;
        for (size_t k = 0; k < 4 && rows[i].pieces[k] != NULL; k++)
            cr_expect(strstr(text, rows[i].pieces[k]) != NULL, "kerf %s: no \"%s\" in\n%.2000s", rows[i].arguments, rows[i].pieces[k], text);
        if (rows[i].exit_code != 0)
            cr_expect_str_empty(result.out, "kerf %s", rows[i].arguments);
        program_result_free(&result);
    }
}

Test(cmd_catalog, a_folder_replaces_the_built_in_catalogue)
{
    struct test_folder folder = test_catalog_new();
    char arguments[256];
    snprintf(arguments, sizeof arguments, "catalog list --format csv --catalog %s", folder.path);
    struct program_result result = kerf_program_run(arguments);
    cr_expect_eq(result.exit_code, 0);
    cr_expect_str_eq(result.out, "instance_type,vcpus,memory_mib,arch,gpus,pods,allocatable_cpu_millicores,allocatable_memory_bytes,"
                                 "on_demand_usd_per_hour,spot_usd_per_hour,interruption_band\n"
                                 "m7g.large,2,8192,arm64,0,29,1930,7176454144,0.0816,0.03,\n"
                                 "m5.large,2,8192,amd64,0,29,1930,7238320128,0.096,0.04,\n"
                                 "i3.large,2,15616,amd64,0,29,1930,14438891520,0.156,,\n"
                                 "m5.metal,96,393216,amd64,0,737,95690,372519206912,5.069,,\n");
    program_result_free(&result);
    test_folder_free(&folder);
}

/* The cheapest first: prices never fall along the list. */
Test(cmd_catalog, list_is_in_order_of_price)
{
    struct program_result result = kerf_program_run("catalog list --format csv --region eu-west-1");
    cr_assert_eq(result.exit_code, 0);
    double last_price = 0;
    size_t count = 0;
    char *rest = NULL;
    for (char *line = strtok_r(strchr(result.out, '\n') + 1, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest), count++) {
        const char *cell = line;
        for (int i = 0; i < 8; i++)
            cell = strchr(cell, ',') + 1;
        double on_demand = strtod(cell, NULL);
        const char *spot_cell = strchr(cell, ',') + 1;
        double spot = *spot_cell == ',' ? on_demand : strtod(spot_cell, NULL);
        double price = spot < on_demand ? spot : on_demand;
        cr_expect_geq(price, last_price, "%s", line);
        last_price = price;
    }
    cr_expect_gt(count, 700);
    program_result_free(&result);
}
