#include "catalog_folder.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 160 };

static const char *const file_names[] = {"instance_types.csv", "on_demand_prices.csv", "spot_prices.csv", "zones.csv",
                                         "zone_gaps.csv"};

static void path_of(const struct test_folder *folder, const char *name, char path[PATH_BYTES])
{
    snprintf(path, PATH_BYTES, "%s/%s", folder->path, name);
}

struct test_folder test_folder_new(void)
{
    struct test_folder folder = {"/tmp/kerf-catalog-XXXXXX"};
    cr_assert_not_null(mkdtemp(folder.path));
    return folder;
}

void test_folder_write(const struct test_folder *folder, const char *name, const char *text)
{
    char path[PATH_BYTES];
    path_of(folder, name, path);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
}

void test_folder_link(const struct test_folder *folder, const char *name, const char *target)
{
    char path[PATH_BYTES];
    path_of(folder, name, path);
    char *absolute = realpath(target, NULL);
    cr_assert_not_null(absolute, "%s: run the tests from the top of the repository", target);
    cr_assert_eq(symlink(absolute, path), 0);
    free(absolute);
}

void test_folder_remove(const struct test_folder *folder, const char *name)
{
    char path[PATH_BYTES];
    path_of(folder, name, path);
    unlink(path);
}

void test_folder_free(const struct test_folder *folder)
{
    for (size_t i = 0; i < sizeof file_names / sizeof file_names[0]; i++)
        test_folder_remove(folder, file_names[i]);
    cr_assert_eq(rmdir(folder->path), 0);
}

struct test_folder test_catalog_new(void)
{
    struct test_folder folder = test_folder_new();
    test_folder_write(
        &folder, "instance_types.csv",
        "name,arch,vcpus,memory_mib,max_enis_default_card,ipv4_per_eni,hypervisor,local_nvme_gb,instance_store_total_gb,"
        "gpus,gpu_name,gpu_manufacturer,gpu_memory_mib,usage_classes,bare_metal\n"
        "p3.2xlarge,amd64,8,62464,4,15,xen,,0,1,v100,nvidia,16384,on-demand+spot,false\n"
        "m5.large,amd64,2,8192,3,10,nitro,,0,0,,,,on-demand+spot,false\n"
        "m7g.large,arm64,2,8192,3,10,nitro,,0,0,,,,,false\n"
        "a1.large,arm64,2,4096,3,10,nitro,,0,0,,,,on-demand+spot,false\n"
        "i3.large,amd64,2,15616,3,10,xen,475,475,0,,,,on-demand+spot,false\n"
        "m5.metal,amd64,96,393216,15,50,,,0,0,,,,on-demand,true\n");
    test_folder_write(&folder, "on_demand_prices.csv",
                      "instance_type,usd_per_hour,karpenter_usd_per_hour\n"
                      "m5.large,0.096,\nm7g.large,0.0816,\na1.large,0.051,\ni3.large,0.156,\nm5.metal,4.608,5.069\n");
    test_folder_write(
        &folder, "spot_prices.csv",
        "zone,instance_type,usd_per_hour\n"
        "us-east-1a,m5.large,0.04\nus-east-1b,m5.large,0.05\nus-east-1b,m7g.large,0.03\nus-east-1a,a1.large,0.02\n");
    test_folder_write(&folder, "zones.csv", "zone,zone_id\nus-east-1b,use1-az1\nus-east-1a,use1-az2\n");
    test_folder_write(&folder, "zone_gaps.csv", "zone,instance_type\nus-east-1a,i3.large\n");
    return folder;
}
