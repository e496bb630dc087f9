#include "objects_builder.h"

#include <criterion/criterion.h>
#include <stdlib.h>

void test_world_init(struct test_world *world)
{
    *world = (struct test_world){.vocabulary = kerf_vocabulary_new(NULL), .errs = kerf_errors_new()};
    kerf_objects_init(&world->objects);
}

void test_world_fini(struct test_world *world)
{
    free(world->messages);
    kerf_errors_free(world->errs);
    kerf_objects_fini(&world->objects);
    kerf_vocabulary_free(world->vocabulary);
}

void test_world_read(struct test_world *world, const char *yaml)
{
    size_t size = 0;
    world->status = kerf_manifest_read_text("t", yaml, strlen(yaml), world->vocabulary, &world->objects, world->errs);
    free(world->messages);
    world->messages = NULL;
    FILE *stream = open_memstream(&world->messages, &size);
    kerf_errors_print(world->errs, stream);
    fclose(stream);
    kerf_errors_free(world->errs);
    world->errs = kerf_errors_new();
}

void test_world_read_clean(struct test_world *world, const char *yaml)
{
    test_world_read(world, yaml);
    cr_assert_eq(world->status, KERF_OK, "%s", world->messages);
    cr_assert_str_eq(world->messages, "");
}

kerf_name name_of(struct test_world *world, const char *text) { return kerf_name_of(world->vocabulary->names, text); }

struct kerf_labels labels_of(struct test_world *world, const char *text)
{
    struct kerf_label items[16];
    size_t count = 0;
    char *copy = kerf_arena_text(&world->objects.arena, text), *state = NULL;
    for (char *part = strtok_r(copy, ", ", &state); part; part = strtok_r(NULL, ", ", &state)) {
        char *equals = strchr(part, '=');
        cr_assert_not_null(equals);
        cr_assert_lt(count, sizeof items / sizeof items[0]);
        *equals = '\0';
        items[count++] = (struct kerf_label){name_of(world, part), name_of(world, equals + 1)};
    }
    return kerf_labels_sorted(&world->objects.arena, items, count);
}

struct kerf_expression expression_of(struct test_world *world, const char *text)
{
    kerf_name values[16];
    struct kerf_expression expression = {.min_values = -1};
    char *copy = kerf_arena_text(&world->objects.arena, text), *state = NULL;
    expression.key = name_of(world, strtok_r(copy, " ", &state));
    cr_assert(kerf_operator_parse(strtok_r(NULL, " ", &state), &expression.op), "%s", text);
    for (char *part = strtok_r(NULL, " ", &state); part; part = strtok_r(NULL, " ", &state)) {
        if (strcmp(part, "minValues") == 0) {
            int64_t count;
            cr_assert(kerf_parse_i64(strtok_r(NULL, " ", &state), &count));
            expression.min_values = (int32_t)count;
            continue;
        }
        cr_assert_lt(expression.value_count, sizeof values / sizeof values[0]);
        values[expression.value_count++] = name_of(world, part);
    }
    expression.values = kerf_arena_copy(&world->objects.arena, values, expression.value_count * sizeof values[0]);
    return expression;
}

struct kerf_requirement requirement_of(struct test_world *world, const char *text)
{
    struct kerf_expression expression = expression_of(world, text);
    return kerf_requirement_of(&world->objects.arena, world->vocabulary, &expression);
}

struct kerf_requirements requirements_of(struct test_world *world, const char *text)
{
    struct kerf_requirements requirements = {0};
    char *copy = kerf_arena_text(&world->objects.arena, text), *state = NULL;
    for (char *part = strtok_r(copy, ";", &state); part; part = strtok_r(NULL, ";", &state)) {
        struct kerf_requirement requirement = requirement_of(world, part + strspn(part, " "));
        kerf_requirements_add(&world->objects.arena, &requirements, &requirement);
    }
    return requirements;
}

const char *requirement_text(struct test_world *world, const struct kerf_requirement *requirement)
{
    struct kerf_text text = {0};
    kerf_text_append_format(&text, "%s %s", requirement->key->text, kerf_operator_text(kerf_requirement_operator(requirement)));
    for (uint32_t i = 0; i < requirement->value_count; i++)
        kerf_text_append_format(&text, "%s%s", i == 0 ? " [" : " ", requirement->values[i]->text);
    if (requirement->value_count > 0)
        kerf_text_append(&text, "]");
    if (requirement->has_lower)
        kerf_text_append_format(&text, " >=%" PRId64, requirement->lower);
    if (requirement->has_upper)
        kerf_text_append_format(&text, " <=%" PRId64, requirement->upper);
    if (requirement->min_values >= 0)
        kerf_text_append_format(&text, " minValues %" PRId32, requirement->min_values);
    const char *result = kerf_arena_text(&world->objects.arena, text.bytes);
    kerf_text_fini(&text);
    return result;
}

struct kerf_pod pod_of(struct test_world *world, const char *cpu, const char *memory)
{
    struct kerf_arena *arena = &world->objects.arena;
    struct kerf_pod_spec *spec = KERF_NEW(arena, struct kerf_pod_spec);
    struct kerf_container *container = KERF_NEW(arena, struct kerf_container);
    int64_t amount;
    container->name = name_of(world, "main");
    if (cpu) {
        cr_assert(kerf_quantity_parse_nanocores(cpu, &amount));
        kerf_resources_set(&container->requests, KERF_RESOURCE_CPU, amount);
    }
    if (memory) {
        cr_assert(kerf_quantity_parse_millibytes(memory, &amount));
        kerf_resources_set(&container->requests, KERF_RESOURCE_MEMORY, amount);
    }
    spec->containers = container;
    spec->container_count = 1;
    spec->termination_grace_seconds = 30;
    kerf_pod_spec_compute_requests(spec);
    uint32_t index = world->objects.object_count++;
    struct kerf_meta_details details = {.input_index = index};
    return (struct kerf_pod){
        .meta =
            {
                .namespace_name = world->vocabulary->word_default,
                .name = kerf_name_format(world->vocabulary->names, "pod-%" PRIu32, index),
                .uid = kerf_name_format(world->vocabulary->names, "pod-%" PRIu32, index),
                .created_epoch_us = 0,
                .deletion_epoch_us = KERF_TIME_UNSET,
                .details = kerf_arena_copy(&world->objects.arena, &details, sizeof details),
            },
        .spec = spec,
        .requests = &spec->requests,
        .phase = KERF_POD_PENDING,
    };
}
