/** Files that are no manifests: each named in its error. */
#include "../../support/objects_builder.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct test_world world;
static char folder[64];

static void set_up(void)
{
    test_world_init(&world);
    strcpy(folder, "/tmp/kerf-manifest-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
}
static void tear_down(void)
{
    char command[128];
    test_world_fini(&world);
    snprintf(command, sizeof command, "rm -r %s", folder);
    cr_assert_eq(system(command), 0);
}
TestSuite(manifest_files, .init = set_up, .fini = tear_down);

static const char *path_of(const char *name) { return kerf_arena_format(&world.objects.arena, "%s/%s", folder, name); }

static const char *write_file(const char *name, const char *bytes, size_t length)
{
    const char *path = path_of(name);
    FILE *stream = fopen(path, "wb");
    cr_assert_not_null(stream);
    cr_assert_eq(fwrite(bytes, 1, length, stream), length);
    cr_assert_eq(fclose(stream), 0);
    return path;
}

static enum kerf_status read_path(const char *path)
{
    size_t size = 0;
    enum kerf_status status = kerf_manifest_read(&path, 1, world.vocabulary, &world.objects, world.errs);
    free(world.messages);
    FILE *stream = open_memstream(&world.messages, &size);
    kerf_errors_print(world.errs, stream);
    fclose(stream);
    return status;
}

#define NAMESPACE(name) "apiVersion: v1\nkind: Namespace\nmetadata: {name: " name "}\n"

Test(manifest_files, folder_in_byte_order)
{
    write_file("b.yaml", NAMESPACE("b"), strlen(NAMESPACE("b")));
    write_file("a.yml", NAMESPACE("a"), strlen(NAMESPACE("a")));
    write_file("c.txt", "no manifest", 11);
    cr_assert_eq(read_path(folder), KERF_OK, "%s", world.messages);
    cr_assert_eq(world.objects.namespaces.count, 2);
    cr_expect_str_eq(world.objects.namespaces.items[0].meta.name->text, "a");
    cr_expect_str_eq(kerf_meta_details(&world.objects.namespaces.items[1].meta)->place.file, path_of("b.yaml"));
}

Test(manifest_files, what_was_right_is_kept)
{
    const char *text = NAMESPACE("a") "---\napiVersion: v1\nkind: Namespace\nmetadata: {}\n---\n" NAMESPACE("b");
    cr_expect_eq(read_path(write_file("x.yaml", text, strlen(text))), KERF_E_INPUT);
    cr_expect_not_null(strstr(world.messages, "x.yaml:"));
    cr_expect_geq(world.objects.namespaces.count, 2);
}

#define POD(name, key) "apiVersion: v1\nkind: Pod\nmetadata: {" name ", labels: {app: " key "}}\nspec: {containers: [{name: c}]}\n"

Test(manifest_files, of_an_object_that_comes_again_the_last_counts)
{
    const char *first = POD("name: a", "old") "---\n" POD("name: b", "b");
    const char *second = POD("name: a, namespace: other", "other") "---\n" POD("name: a, namespace: default", "new");
    const char *list = "{\"apiVersion\": \"v1\", \"kind\": \"PodList\", \"items\": [{\"metadata\": {\"name\": \"b\", \"labels\": {\"app\": \"c\"}},"
                       " \"spec\": {\"containers\": [{\"name\": \"c\"}]}}]}";
    write_file("a.yaml", first, strlen(first));
    write_file("b.yaml", second, strlen(second));
    write_file("c.json", list, strlen(list));
    cr_assert_eq(read_path(folder), KERF_OK, "%s", world.messages);
    cr_assert_eq(world.objects.pods.count, 3);
    cr_expect_str_eq(kerf_labels_get(&world.objects.pods.items[0].meta.labels, kerf_name_of(world.vocabulary->names, "app"))->text, "other");
    cr_expect_str_eq(kerf_labels_get(&world.objects.pods.items[1].meta.labels, kerf_name_of(world.vocabulary->names, "app"))->text, "new");
    cr_expect_str_eq(kerf_labels_get(&world.objects.pods.items[2].meta.labels, kerf_name_of(world.vocabulary->names, "app"))->text, "c");
    cr_expect_not_null(strstr(world.messages, "a.yaml:1:1: Pod a comes again in "), "%s", world.messages);
    cr_expect_not_null(strstr(world.messages, "b.yaml:6, which counts"), "%s", world.messages);
    cr_expect_not_null(strstr(world.messages, "a.yaml:6:1: Pod b comes again in "), "%s", world.messages);
}

static void expect_refused(const char *path, const char *named)
{
    cr_expect_eq(read_path(path), KERF_E_INPUT, "%s", path);
    cr_expect_not_null(strstr(world.messages, named), "%s", world.messages);
}

Test(manifest_files, missing) { expect_refused(path_of("missing.yaml"), "missing.yaml"); }
Test(manifest_files, empty) { expect_refused(write_file("empty.yaml", "", 0), "empty.yaml"); }
Test(manifest_files, empty_folder)
{
    cr_assert_eq(mkdir(path_of("none"), 0700), 0);
    expect_refused(path_of("none"), "none");
}
Test(manifest_files, binary) { expect_refused(write_file("x.yaml", "\x7f"
                                                                   "ELF\0\1\2\xff\xfe",
                                                         9),
                                              "x.yaml"); }
Test(manifest_files, broken_yaml) { expect_refused(write_file("x.yaml", "a: [1\nb: }", 10), "x.yaml:"); }
Test(manifest_files, broken_json) { expect_refused(write_file("x.json", "{\"kind\": \"Pod\",", 15), "x.json:1:"); }
Test(manifest_files, huge_numbers)
{
    const char *text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d, generation: 99999999999999999999}\n"
                       "spec: {replicas: 1e99, selector: {}, template: {spec: {containers: [{name: m}]}}}\n";
    expect_refused(write_file("x.yaml", text, strlen(text)), "spec.replicas");
    cr_expect_not_null(strstr(world.messages, "metadata.generation"));
}
Test(manifest_files, deep_nesting)
{
    char text[4096] = "apiVersion: v1\nkind: Namespace\nmetadata: ";
    size_t length = strlen(text);
    for (int i = 0; i < 2000; i++)
        text[length++] = '[';
    expect_refused(write_file("x.yaml", text, length), "x.yaml:3:");
}
Test(manifest_files, wrong_types_everywhere)
{
    /* Every field a list: nothing is read, nothing breaks. */
    const char *text = "apiVersion: v1\nkind: Pod\nmetadata: {name: [], labels: [], annotations: 5, ownerReferences: {}, uid: {}}\n"
                       "spec: {containers: {}, affinity: [], tolerations: 5, nodeSelector: [], volumes: {}, priority: [], hostNetwork: 7,\n"
                       "       topologySpreadConstraints: [5], overhead: [], schedulingGates: 1, nodeName: {}}\n"
                       "status: {conditions: [5], phase: [], containerStatuses: {}}\n";
    expect_refused(write_file("x.yaml", text, strlen(text)), "spec.containers");
    cr_expect_not_null(strstr(world.messages, "status.phase"));
}
