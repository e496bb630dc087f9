/** report_catalog: instance types for people, for spreadsheets and for programs. */
#include <math.h>

#include "catalog/catalog.h"
#include "document/document.h"
#include "kerf/report.h"

static const char schema[] = "kerf.catalog/v1";

enum { QUANTITY_BYTES = 40, MIB_PER_GIB = 1024 };

static const char *band_text(int32_t band)
{
    static const char *const texts[] = {"<5%", "5-10%", "10-15%", "15-20%", ">20%"};
    return band >= 0 ? texts[band] : "-";
}

/* Kubernetes' own spelling, without the digits that no one reads: 6903Mi, 1930m. */
static const char *quantity(char buffer[QUANTITY_BYTES], enum kerf_resource resource, const struct kerf_resources *resources)
{
    kerf_quantity_format(resource, resources->amounts[resource], buffer, QUANTITY_BYTES);
    return buffer;
}

static void put_price(struct kerf_json *json, const char *key, double usd_per_hour)
{
    if (isnan(usd_per_hour))
        kerf_json_put_null(json, key);
    else
        kerf_json_put_double(json, key, usd_per_hour);
}

/* ---- list ---------------------------------------------------------------------------------------------------------------- */

static void print_price(double usd_per_hour, FILE *stream)
{
    if (isnan(usd_per_hour))
        fprintf(stream, "  %10s", "-");
    else
        fprintf(stream, "  %10.4f", usd_per_hour);
}

static void list_text(const struct kerf_catalog_answer *answer, FILE *stream)
{
    fprintf(stream, "Prices: %s; USD per hour. Allocatable as Karpenter counts it for %s.\n\n",
            kerf_catalog_snapshot(answer->catalog), kerf_ami_family_text(answer->ami_family));
    int name_width = (int)strlen("INSTANCE TYPE");
    for (size_t i = 0; i < answer->found_count; i++)
        name_width = (int)kerf_max_i64(name_width, answer->found[i].type->name->length);
    fprintf(stream, "%-*s  %5s  %9s  %-5s  %4s  %4s  %11s  %11s  %10s  %10s  %9s\n", name_width, "INSTANCE TYPE", "VCPUS",
            "MEMORY", "ARCH", "GPUS", "PODS", "ALLOC CPU", "ALLOC MEM", "ON-DEMAND", "SPOT", "RECLAIMED");
    for (size_t i = 0; i < answer->found_count; i++) {
        const struct kerf_catalog_found *found = &answer->found[i];
        const struct kerf_instance_facts *facts = found->type->facts;
        char cpu[QUANTITY_BYTES];
        char memory[QUANTITY_BYTES];
        fprintf(stream, "%-*s  %5" PRId64 "  %5.5g GiB  %-5s  %4" PRId64 "  %4" PRId64 "  %11s  %11s", name_width,
                facts->name->text, facts->vcpus, (double)facts->memory_mib / MIB_PER_GIB, facts->arch->text,
                kerf_max_i64(facts->gpu_count, 0), found->type->capacity.pods,
                quantity(cpu, KERF_RESOURCE_CPU, &found->type->allocatable),
                quantity(memory, KERF_RESOURCE_MEMORY, &found->type->allocatable));
        print_price(found->usd_per_hour[KERF_ON_DEMAND], stream);
        print_price(found->usd_per_hour[KERF_SPOT], stream);
        fprintf(stream, "  %9s\n", isnan(found->usd_per_hour[KERF_SPOT]) ? "-" : band_text(facts->advisor_interruption_band));
    }
    fprintf(stream, "\n%zu instance types", answer->found_count);
    if (answer->unavailable_count > 0)
        fprintf(
            stream,
            "; %zu more meet the requirements, but can't be launched: no price, not sold there, or no image of the AMI family",
            answer->unavailable_count);
    fprintf(stream, ".\n");
}

static void list_csv(const struct kerf_catalog_answer *answer, FILE *stream)
{
    fprintf(stream, "instance_type,vcpus,memory_mib,arch,gpus,pods,allocatable_cpu_millicores,allocatable_memory_bytes,"
                    "on_demand_usd_per_hour,spot_usd_per_hour,interruption_band\n");
    for (size_t i = 0; i < answer->found_count; i++) {
        const struct kerf_catalog_found *found = &answer->found[i];
        const struct kerf_instance_facts *facts = found->type->facts;
        fprintf(stream, "%s,%" PRId64 ",%" PRId64 ",%s,%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64, facts->name->text,
                facts->vcpus, facts->memory_mib, facts->arch->text, kerf_max_i64(facts->gpu_count, 0), found->type->capacity.pods,
                found->type->allocatable.cpu_nanocores / 1000000, found->type->allocatable.memory_millibytes / 1000);
        for (int k = KERF_ON_DEMAND; k <= KERF_SPOT; k++) { /* what anybody can buy */
            char price[KERF_DOUBLE_TEXT_BYTES] = "";
            if (!isnan(found->usd_per_hour[k]))
                kerf_format_double(price, found->usd_per_hour[k]);
            fprintf(stream, ",%s", price);
        }
        if (facts->advisor_interruption_band >= 0)
            fprintf(stream, ",%" PRId32 "\n", facts->advisor_interruption_band);
        else
            fprintf(stream, ",\n");
    }
}

static void put_resources(struct kerf_json *json, const char *key, const struct kerf_resources *resources,
                          const struct kerf_vocabulary *vocabulary)
{
    kerf_json_key(json, key);
    kerf_json_begin_map(json);
    for (uint32_t i = 0; i < vocabulary->resource_count; i++) {
        char text[QUANTITY_BYTES];
        if (kerf_resources_has(resources, (enum kerf_resource)i) && resources->amounts[i] != 0)
            kerf_json_put_text(json, vocabulary->resource_names[i]->text, quantity(text, (enum kerf_resource)i, resources));
    }
    kerf_json_end_map(json);
}

static void put_header(struct kerf_json *json, const struct kerf_catalog_answer *answer)
{
    kerf_json_put_text(json, "schema", schema);
    kerf_json_put_text(json, "region", kerf_catalog_region(answer->catalog)->text);
    kerf_json_put_text(json, "prices", kerf_catalog_snapshot(answer->catalog));
    kerf_json_put_text(json, "amiFamily", kerf_ami_family_text(answer->ami_family));
}

static void put_band(struct kerf_json *json, const struct kerf_instance_facts *facts)
{
    if (facts->advisor_interruption_band >= 0)
        kerf_json_put_text(json, "reclaimedPerMonth", band_text(facts->advisor_interruption_band));
    else
        kerf_json_put_null(json, "reclaimedPerMonth");
}

static void list_json(const struct kerf_catalog_answer *answer, FILE *stream)
{
    struct kerf_json json;
    kerf_json_init(&json, stream, 2);
    kerf_json_begin_map(&json);
    put_header(&json, answer);
    kerf_json_key(&json, "instanceTypes");
    kerf_json_begin_list(&json);
    for (size_t i = 0; i < answer->found_count; i++) {
        const struct kerf_catalog_found *found = &answer->found[i];
        const struct kerf_instance_facts *facts = found->type->facts;
        char text[QUANTITY_BYTES];
        kerf_json_begin_map_in_line(&json);
        kerf_json_put_text(&json, "name", facts->name->text);
        kerf_json_put_i64(&json, "vcpus", facts->vcpus);
        kerf_json_put_i64(&json, "memoryMib", facts->memory_mib);
        kerf_json_put_text(&json, "arch", facts->arch->text);
        kerf_json_put_i64(&json, "gpus", kerf_max_i64(facts->gpu_count, 0));
        kerf_json_put_i64(&json, "pods", found->type->capacity.pods);
        kerf_json_put_text(&json, "allocatableCpu", quantity(text, KERF_RESOURCE_CPU, &found->type->allocatable));
        kerf_json_put_text(&json, "allocatableMemory", quantity(text, KERF_RESOURCE_MEMORY, &found->type->allocatable));
        put_price(&json, "onDemandUsdPerHour", found->usd_per_hour[KERF_ON_DEMAND]);
        put_price(&json, "spotUsdPerHour", found->usd_per_hour[KERF_SPOT]);
        put_band(&json, facts);
        kerf_json_end_map(&json);
    }
    kerf_json_end_list(&json);
    kerf_json_put_i64(&json, "unavailable", (int64_t)answer->unavailable_count);
    kerf_json_end_map(&json);
    enum kerf_status ignored = kerf_json_finish(&json); /* the stream remembers; the program looks at it before it ends */
    (void)ignored;
    kerf_json_fini(&json);
}

void kerf_report_catalog_list(const struct kerf_catalog_answer *answer, enum kerf_format format, FILE *stream)
{
    switch (format) {
    case KERF_AS_TEXT:
        list_text(answer, stream);
        break;
    case KERF_AS_JSON:
        list_json(answer, stream);
        break;
    case KERF_AS_CSV:
        list_csv(answer, stream);
        break;
    }
}

/* ---- one type ------------------------------------------------------------------------------------------------------------ */

static void type_json(struct kerf_catalog_answer *answer, FILE *stream)
{
    const struct kerf_instance_type *type = answer->found[0].type;
    const struct kerf_instance_facts *facts = type->facts;
    struct kerf_vocabulary *vocabulary = kerf_catalog_vocabulary(answer->catalog);
    size_t zone_count = 0;
    const struct kerf_zone *zones = kerf_catalog_zones(answer->catalog, &zone_count);
    struct kerf_json json;
    kerf_json_init(&json, stream, 2);
    kerf_json_begin_map(&json);
    put_header(&json, answer);
    kerf_json_put_text(&json, "instanceType", type->name->text);
    kerf_json_put_i64(&json, "vcpus", facts->vcpus);
    kerf_json_put_i64(&json, "memoryMib", facts->memory_mib);
    kerf_json_put_text(&json, "arch", facts->arch->text);
    kerf_json_put_i64(&json, "networkInterfaces", facts->enis);
    kerf_json_put_i64(&json, "ipv4AddressesPerInterface", facts->ipv4_per_eni);
    put_band(&json, facts);
    put_resources(&json, "capacity", &type->capacity, vocabulary);
    kerf_json_key(&json, "overhead");
    kerf_json_begin_map(&json);
    put_resources(&json, "kubeReserved", &type->kube_reserved, vocabulary);
    put_resources(&json, "systemReserved", &type->system_reserved, vocabulary);
    put_resources(&json, "evictionThreshold", &type->eviction_threshold, vocabulary);
    kerf_json_end_map(&json);
    put_resources(&json, "allocatable", &type->allocatable, vocabulary);
    kerf_json_key(&json, "labels");
    kerf_json_begin_map(&json);
    struct kerf_labels labels = kerf_catalog_type_labels(type, vocabulary, &answer->arena);
    for (size_t i = 0; i < labels.count; i++)
        kerf_json_put_text(&json, labels.items[i].key->text, labels.items[i].value->text);
    kerf_json_end_map(&json);
    kerf_json_key(&json, "offerings");
    kerf_json_begin_list(&json);
    for (uint32_t i = 0; i < type->offering_count; i++) {
        const struct kerf_offering *offering = &type->offerings[i];
        const struct kerf_zone *zone = &zones[offering->zone_index];
        KERF_ASSERT(offering->zone_index < zone_count);
        kerf_json_begin_map_in_line(&json);
        kerf_json_put_text(&json, "capacityType", kerf_capacity_type_text(offering->capacity_type));
        kerf_json_put_text(&json, "zone", zone->name->text);
        kerf_json_put_text(&json, "zoneId", zone->zone_id != NULL ? zone->zone_id->text : NULL);
        kerf_json_put_bool(&json, "available", offering->available);
        put_price(&json, "priceUsdPerHour", offering->available ? offering->price_usd_per_hour : NAN);
        kerf_json_end_map(&json);
    }
    kerf_json_end_list(&json);
    kerf_json_end_map(&json);
    enum kerf_status ignored = kerf_json_finish(&json);
    (void)ignored;
    kerf_json_fini(&json);
}

static void print_amounts(const struct kerf_instance_type *type, const struct kerf_vocabulary *vocabulary, FILE *stream)
{
    fprintf(stream, "%-32s %14s %14s %14s %14s %14s\n", "RESOURCE", "CAPACITY", "KUBE RESERVED", "SYSTEM", "EVICTION",
            "ALLOCATABLE");
    for (uint32_t i = 0; i < vocabulary->resource_count; i++) {
        enum kerf_resource resource = (enum kerf_resource)i;
        if (!kerf_resources_has(&type->capacity, resource) || type->capacity.amounts[resource] == 0)
            continue;
        const struct kerf_resources *columns[] = {&type->capacity, &type->kube_reserved, &type->system_reserved,
                                                  &type->eviction_threshold, &type->allocatable};
        fprintf(stream, "%-32s", vocabulary->resource_names[i]->text);
        for (size_t k = 0; k < sizeof columns / sizeof columns[0]; k++) {
            char text[QUANTITY_BYTES];
            fprintf(stream, " %14s", quantity(text, resource, columns[k]));
        }
        fprintf(stream, "\n");
    }
}

static void type_text(struct kerf_catalog_answer *answer, FILE *stream)
{
    const struct kerf_instance_type *type = answer->found[0].type;
    struct kerf_vocabulary *vocabulary = kerf_catalog_vocabulary(answer->catalog);
    size_t zone_count = 0;
    const struct kerf_zone *zones = kerf_catalog_zones(answer->catalog, &zone_count);
    fprintf(stream, "%s: %" PRId64 " vCPU, %.5g GiB, %s, as Karpenter counts it for %s\n\n", type->name->text, type->facts->vcpus,
            (double)type->facts->memory_mib / MIB_PER_GIB, type->facts->arch->text, kerf_ami_family_text(answer->ami_family));
    print_amounts(type, vocabulary, stream);
    fprintf(stream, "\nLabels\n");
    struct kerf_labels labels = kerf_catalog_type_labels(type, vocabulary, &answer->arena);
    for (size_t i = 0; i < labels.count; i++)
        fprintf(stream, "  %s=%s\n", labels.items[i].key->text, labels.items[i].value->text);
    fprintf(stream, "\nOfferings, USD per hour (%s)\n", kerf_catalog_snapshot(answer->catalog));
    for (uint32_t zone = 0; zone < zone_count; zone++) {
        fprintf(stream, "  %-16s %-10s", zones[zone].name->text, kerf_name_text(zones[zone].zone_id));
        for (uint32_t i = 0; i < type->offering_count; i++) {
            const struct kerf_offering *offering = &type->offerings[i];
            if (offering->zone_index != zone)
                continue;
            fprintf(stream, "  %s ", kerf_capacity_type_text(offering->capacity_type));
            if (offering->available)
                fprintf(stream, "%-8.4f", offering->price_usd_per_hour);
            else
                fprintf(stream, "%-8s", "-");
        }
        fprintf(stream, "\n");
    }
    if (type->facts->advisor_interruption_band >= 0)
        fprintf(stream, "  Spot instances reclaimed in a month: %s\n", band_text(type->facts->advisor_interruption_band));
}

void kerf_report_catalog_type(struct kerf_catalog_answer *answer, enum kerf_format format, FILE *stream)
{
    if (format == KERF_AS_JSON)
        type_json(answer, stream);
    else
        type_text(answer, stream);
}
