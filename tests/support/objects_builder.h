/**
 * Objects for tests: from YAML text as a manifest holds them, or pods and requirements built from a few words.
 * All lies in the world's arena and vocabulary; one world at a time per test is enough.
 */
#ifndef KERF_TESTS_OBJECTS_BUILDER_H
#define KERF_TESTS_OBJECTS_BUILDER_H

#include "manifest/manifest.h"

struct test_world {
    struct kerf_vocabulary *vocabulary;
    struct kerf_objects objects;
    struct kerf_errors *errs;
    enum kerf_status status; /* of the last text read */
    char *messages;          /* errors and warnings of it, a line each; "" when there were none */
};

void test_world_init(struct test_world *world);
void test_world_fini(struct test_world *world);

/** Reads one text and keeps what was said about it; `file` is "t". */
void test_world_read(struct test_world *world, const char *yaml);
/** The same, and what was said must be nothing. */
void test_world_read_clean(struct test_world *world, const char *yaml);

kerf_name name_of(struct test_world *world, const char *text);
/** "zone=a, app=web": labels. */
struct kerf_labels labels_of(struct test_world *world, const char *text);
/**
 * "zone In a b", "cpu Gt 4", "zone NotIn a minValues 2": one requirement; several are separated by a semicolon.
 */
struct kerf_expression expression_of(struct test_world *world, const char *text);
struct kerf_requirement requirement_of(struct test_world *world, const char *text);
struct kerf_requirements requirements_of(struct test_world *world, const char *text);
/** The canonical form as text: "zone In [a b]", "cpu Exists >=5"; in the arena. */
const char *requirement_text(struct test_world *world, const struct kerf_requirement *requirement);

/** A pending pod of one container, in the namespace `default`, named pod-0, pod-1, ... */
struct kerf_pod pod_of(struct test_world *world, const char *cpu, const char *memory);

#endif
