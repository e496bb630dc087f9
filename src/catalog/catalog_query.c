/** catalog_query: which types of the region meet a query, and at what price. */
#include <math.h>
#include <stdlib.h>

#include "catalog/catalog_internal.h"

static const char *const ami_family_names[] = {
    [KERF_AMI_AL2023] = "AL2023",           [KERF_AMI_AL2] = "AL2",
    [KERF_AMI_BOTTLEROCKET] = "Bottlerocket", [KERF_AMI_WINDOWS2019] = "Windows2019",
    [KERF_AMI_WINDOWS2022] = "Windows2022", [KERF_AMI_WINDOWS2025] = "Windows2025",
    [KERF_AMI_CUSTOM] = "Custom",
};
enum { AMI_FAMILY_COUNT = sizeof ami_family_names / sizeof ami_family_names[0] };

const char *kerf_ami_family_text(enum kerf_ami_family ami_family)
{
    return ami_family_names[ami_family];
}

const char *kerf_capacity_type_text(enum kerf_capacity_type capacity_type)
{
    static const char *const texts[KERF_CAPACITY_TYPE_COUNT] = {
        [KERF_ON_DEMAND] = "on-demand", [KERF_SPOT] = "spot", [KERF_RESERVED] = "reserved"};
    return texts[capacity_type];
}

kerf_name kerf_capacity_type_word(const struct kerf_vocabulary *vocabulary, enum kerf_capacity_type capacity_type)
{
    return capacity_type == KERF_SPOT       ? vocabulary->word_spot
           : capacity_type == KERF_RESERVED ? vocabulary->word_reserved
                                            : vocabulary->word_on_demand;
}

enum kerf_capacity_type kerf_capacity_type_of_label(const struct kerf_vocabulary *vocabulary, kerf_name word)
{
    for (int i = 0; word != NULL && i < KERF_CAPACITY_TYPE_COUNT; i++)
        if (word == kerf_capacity_type_word(vocabulary, (enum kerf_capacity_type)i))
            return (enum kerf_capacity_type)i;
    return KERF_CAPACITY_TYPE_COUNT;
}

static enum kerf_status read_ami_family(const char *text, enum kerf_ami_family *out_ami_family, struct kerf_errors *errs)
{
    if (text == NULL)
        return KERF_OK;
    for (int i = 0; i < AMI_FAMILY_COUNT; i++) {
        if (strcmp(ami_family_names[i], text) == 0) {
            *out_ami_family = (enum kerf_ami_family)i;
            return KERF_OK;
        }
    }
    struct kerf_text list = {0};
    for (int i = 0; i < AMI_FAMILY_COUNT; i++)
        kerf_text_append_format(&list, "%s%s", i == 0 ? "" : ", ", ami_family_names[i]);
    enum kerf_status status =
        kerf_errors_add(errs, (struct kerf_place){.file = "AMI family"}, "\"%s\" is not one of %s", text, list.bytes);
    kerf_text_fini(&list);
    return status;
}

static enum kerf_status require_zone(struct kerf_catalog_answer *answer, const char *zone, struct kerf_errors *errs)
{
    const struct kerf_catalog *catalog = answer->catalog;
    uint32_t index = kerf_catalog_zone_index(catalog, kerf_name_find(catalog->vocabulary->names, zone));
    if (index != KERF_NOT_FOUND) {
        struct kerf_requirement requirement =
            kerf_requirement_in(&answer->arena, catalog->vocabulary->key_zone, &catalog->zones[index].name, 1);
        kerf_requirements_add(&answer->arena, &answer->allowed, &requirement);
        return KERF_OK;
    }
    struct kerf_text list = {0};
    for (size_t i = 0; i < catalog->zone_count; i++)
        kerf_text_append_format(&list, "%s%s", i == 0 ? "" : ", ", catalog->zones[i].name->text);
    enum kerf_status status = kerf_errors_add(errs, (struct kerf_place){.file = "zone"}, "\"%s\" is none of the zones of %s (%s)",
                                              zone, catalog->region->text, list.bytes);
    kerf_text_fini(&list);
    return status;
}

/* An answer with all types of the region as a NodeClass with subnets in every zone sees them. */
static enum kerf_status prepare(struct kerf_catalog *catalog, const struct kerf_catalog_query *query,
                                struct kerf_catalog_answer *answer, struct kerf_errors *errs)
{
    kerf_arena_init(&answer->arena);
    answer->catalog = catalog;
    enum kerf_status status = read_ami_family(query->ami_family, &answer->ami_family, errs);
    for (size_t i = 0; i < query->requirement_count; i++) {
        enum kerf_status one_status =
            kerf_catalog_read_selector(catalog->vocabulary, query->requirements[i], &answer->arena, &answer->allowed,
                                       (struct kerf_place){.file = "requirement"}, errs);
        status = status == KERF_OK ? one_status : status;
    }
    if (query->zone != NULL) {
        enum kerf_status zone_status = require_zone(answer, query->zone, errs);
        status = status == KERF_OK ? zone_status : status;
    }
    KERF_TRY(status);
    kerf_name zones[KERF_ZONE_MAX];
    for (size_t i = 0; i < catalog->zone_count; i++)
        zones[i] = catalog->zones[i].name;
    struct kerf_instance_options options = kerf_instance_options_default();
    options.default_zones = zones;
    options.default_zone_count = catalog->zone_count;
    struct kerf_ec2nodeclass nodeclass = {.ami_family = answer->ami_family, .kubelet = {.max_pods = -1}};
    answer->types = kerf_catalog_list_types(catalog, &nodeclass, options, catalog->vocabulary, &answer->arena);
    return KERF_OK;
}

static struct kerf_catalog_found price_type(const struct kerf_catalog_answer *answer, const struct kerf_instance_type *type)
{
    struct kerf_catalog_found found = {type, {NAN, NAN, NAN}};
    for (uint32_t i = 0; i < type->offering_count; i++) {
        const struct kerf_offering *offering = &type->offerings[i];
        double *cheapest = &found.usd_per_hour[offering->capacity_type];
        if (offering->available && (isnan(*cheapest) || offering->price_usd_per_hour < *cheapest) &&
            kerf_requirements_intersect(&offering->requirements, &answer->allowed, NULL))
            *cheapest = offering->price_usd_per_hour;
    }
    return found;
}

static double cheapest(const struct kerf_catalog_found *found)
{
    return fmin(found->usd_per_hour[KERF_ON_DEMAND], found->usd_per_hour[KERF_SPOT]); /* NaN only if both are */
}

static int compare_found(const void *a, const void *b, void *context)
{
    (void)context;
    const struct kerf_catalog_found *left = a;
    const struct kerf_catalog_found *right = b;
    int order = kerf_compare_double(cheapest(left), cheapest(right));
    return order != 0 ? order : kerf_name_compare(left->type->name, right->type->name);
}

enum kerf_status kerf_catalog_ask(struct kerf_catalog *catalog, const struct kerf_catalog_query *query,
                                  struct kerf_catalog_answer **out_answer, struct kerf_errors *errs)
{
    struct kerf_catalog_answer *answer = kerf_allocate(sizeof *answer);
    enum kerf_status status = prepare(catalog, query, answer, errs);
    if (status != KERF_OK) {
        kerf_catalog_answer_free(answer);
        return status;
    }
    struct kerf_catalog_found *found = KERF_NEW_ARRAY(&answer->arena, struct kerf_catalog_found, answer->types.count);
    for (size_t i = 0; i < answer->types.count; i++) {
        const struct kerf_instance_type *type = &answer->types.items[i];
        if (!kerf_requirements_compatible(catalog->vocabulary, &type->requirements, &answer->allowed, KERF_UNDEFINED_NONE, NULL))
            continue;
        found[answer->found_count] = price_type(answer, type);
        if (isnan(cheapest(&found[answer->found_count])))
            answer->unavailable_count++;
        else
            answer->found_count++;
    }
    kerf_sort(found, answer->found_count, sizeof *found, compare_found, NULL);
    answer->found = found;
    *out_answer = answer;
    return KERF_OK;
}

static enum kerf_status refuse_type(const struct kerf_catalog *catalog, const char *type_name, struct kerf_errors *errs)
{
    struct kerf_place place = {.file = "instance type"};
    kerf_name name = kerf_name_find(catalog->vocabulary->names, type_name);
    if (kerf_catalog_find_anywhere(catalog, name) != NULL)
        return kerf_errors_add(errs, place, "%s has no price in %s, so it is not sold there as far as the catalogue knows (%s)",
                               type_name, catalog->region->text, catalog->snapshot);
    const char **names = kerf_allocate(kerf_array_bytes(catalog->facts_count, sizeof *names));
    for (size_t i = 0; i < catalog->facts_count; i++)
        names[i] = catalog->facts[i].name->text;
    const char *nearest = kerf_nearest(type_name, names, catalog->facts_count);
    free(names);
    if (nearest != NULL)
        return kerf_errors_add(errs, place, "the catalogue has no type \"%s\"; did you mean %s?", type_name, nearest);
    return kerf_errors_add(errs, place, "the catalogue has no type \"%s\" (names are like m5.large)", type_name);
}

enum kerf_status kerf_catalog_ask_type(struct kerf_catalog *catalog, const char *type_name,
                                       const struct kerf_catalog_query *query, struct kerf_catalog_answer **out_answer,
                                       struct kerf_errors *errs)
{
    const struct kerf_instance_facts *facts = kerf_catalog_find(catalog, kerf_name_find(catalog->vocabulary->names, type_name));
    if (facts == NULL)
        return refuse_type(catalog, type_name, errs);
    struct kerf_catalog_answer *answer = kerf_allocate(sizeof *answer);
    enum kerf_status status = prepare(catalog, query, answer, errs);
    if (status != KERF_OK) {
        kerf_catalog_answer_free(answer);
        return status;
    }
    struct kerf_catalog_found found = price_type(answer, &answer->types.items[facts->index]);
    answer->found = kerf_arena_copy(&answer->arena, &found, sizeof found);
    answer->found_count = 1;
    *out_answer = answer;
    return KERF_OK;
}

enum kerf_status kerf_catalog_get_limits(const struct kerf_catalog *catalog, const char *type_name,
                                         struct kerf_instance_limits *out_limits, struct kerf_errors *errs)
{
    const struct kerf_instance_facts *facts =
        kerf_catalog_find_anywhere(catalog, kerf_name_find(catalog->vocabulary->names, type_name));
    if (facts == NULL)
        return refuse_type(catalog, type_name, errs);
    *out_limits = (struct kerf_instance_limits){(int32_t)facts->enis,    (int32_t)facts->ipv4_per_eni,
                                                facts->vcpus,            kerf_name_is(facts->row->hypervisor, "nitro"),
                                                facts->bare_metal,       facts->row->trunking_compatible};
    return KERF_OK;
}

void kerf_catalog_answer_free(struct kerf_catalog_answer *answer)
{
    if (answer == NULL)
        return;
    kerf_arena_fini(&answer->arena);
    free(answer);
}
