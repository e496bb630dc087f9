/** catalog_folder: a folder of CSV files for kerf_catalog_load, gone when the test is over. */
#ifndef KERF_TEST_CATALOG_FOLDER_H
#define KERF_TEST_CATALOG_FOLDER_H

#include <stddef.h>

struct test_folder {
    char path[64];
};

struct test_folder test_folder_new(void);
void test_folder_write(const struct test_folder *folder, const char *name, const char *text);
/** A link to a file of the repository, named from its top. */
void test_folder_link(const struct test_folder *folder, const char *name, const char *target);
void test_folder_remove(const struct test_folder *folder, const char *name);
void test_folder_free(const struct test_folder *folder);

/** A complete tiny catalogue: m5.large, m7g.large, a1.large, i3.large, p3.2xlarge and m5.metal in us-east-1a and us-east-1b. */
struct test_folder test_catalog_new(void);

#endif
