/**
 * instance_facts: the table of instance types becomes facts and the label values that follow from them
 * (aws-instance-model.md 2 and 5). What the name tells (family, size, category, generation) is taken from the name.
 */
#include <math.h>

#include "catalog/catalog_internal.h"
#include "kerf/vpc.h"

enum column_kind { COLUMN_TEXT, COLUMN_COUNT, COLUMN_FLAG };

/* One row a column of the file. Where it goes: into the facts or into the row. Limits keep all products within 64 bits. */
static const struct column {
    const char *name;
    enum column_kind kind;
    bool required;
    bool in_row;
    size_t offset;
    int64_t min;
    int64_t max;
} columns[] = {
#define FACT(member) false, offsetof(struct kerf_instance_facts, member)
#define ROW(member) true, offsetof(struct kerf_instance_row, member)
    {"arch", COLUMN_TEXT, true, FACT(arch), 0, 0},
    {"vcpus", COLUMN_COUNT, true, FACT(vcpus), 1, 100000},
    {"memory_mib", COLUMN_COUNT, true, FACT(memory_mib), 128, (int64_t)1 << 31},
    {"max_enis_default_card", COLUMN_COUNT, true, FACT(enis), 1, KERF_ENIS_MAX},
    {"ipv4_per_eni", COLUMN_COUNT, true, FACT(ipv4_per_eni), 1, KERF_ENI_SLOTS_MAX + 1},
    {"max_enis_all_cards", COLUMN_COUNT, false, FACT(enis_all_cards), 1, 100000},
    {"branch_enis", COLUMN_COUNT, false, FACT(branch_enis), 0, 100000},
    {"network_bandwidth_mbps", COLUMN_COUNT, false, FACT(network_bandwidth_mbps), 0, 1000000000},
    {"ebs_bandwidth_mbps", COLUMN_COUNT, false, FACT(ebs_bandwidth_mbps), 0, 1000000000},
    {"ebs_attachment_limit", COLUMN_COUNT, false, FACT(ebs_attachment_limit), 1, 100000},
    {"instance_store_total_gb", COLUMN_COUNT, false, FACT(instance_store_gb), 0, 1000000},
    {"gpus", COLUMN_COUNT, false, FACT(gpu_count), 0, 100000},
    {"bare_metal", COLUMN_FLAG, false, FACT(bare_metal), 0, 0},
    {"burstable", COLUMN_FLAG, false, FACT(burstable), 0, 0},
    {"current_generation", COLUMN_FLAG, false, FACT(current_generation), 0, 0},
    {"cpu_sustained_clock_mhz", COLUMN_COUNT, false, ROW(cpu_sustained_clock_mhz), 0, 1000000},
    {"os_visible_memory_mib", COLUMN_COUNT, false, ROW(os_visible_memory_mib), 1, (int64_t)1 << 31},
    {"gpu_memory_mib", COLUMN_COUNT, false, ROW(gpu_memory_mib), 0, (int64_t)1 << 31},
    {"accelerators", COLUMN_COUNT, false, ROW(accelerators), 0, 100000},
    {"neuron_devices", COLUMN_COUNT, false, ROW(neuron_devices), 0, 100000},
    {"neuron_cores", COLUMN_COUNT, false, ROW(neuron_cores), 0, 1000000},
    {"local_nvme_gb", COLUMN_COUNT, false, ROW(local_nvme_gb), 0, 1000000},
    {"efa_interfaces", COLUMN_COUNT, false, ROW(efa_interfaces), 0, 100000},
    {"cpu_manufacturer", COLUMN_TEXT, false, ROW(cpu_manufacturer), 0, 0},
    {"hypervisor", COLUMN_TEXT, false, ROW(hypervisor), 0, 0},
    {"gpu_name", COLUMN_TEXT, false, ROW(gpu_name), 0, 0},
    {"gpu_manufacturer", COLUMN_TEXT, false, ROW(gpu_manufacturer), 0, 0},
    {"accelerator_name", COLUMN_TEXT, false, ROW(accelerator_name), 0, 0},
    {"accelerator_manufacturer", COLUMN_TEXT, false, ROW(accelerator_manufacturer), 0, 0},
    {"trunking_compatible", COLUMN_FLAG, false, ROW(trunking_compatible), 0, 0},
    {"encryption_in_transit", COLUMN_FLAG, false, ROW(encryption_in_transit), 0, 0},
    {"nitro_enclaves", COLUMN_FLAG, false, ROW(nitro_enclaves), 0, 0},
#undef FACT
#undef ROW
};
enum { COLUMN_COUNT_ALL = sizeof columns / sizeof columns[0] };

struct reader {
    struct kerf_catalog *catalog;
    const struct kerf_csv *csv;
    struct kerf_errors *errs;
    uint32_t name_column;
    uint32_t usage_column;
    uint32_t attachment_type_column;
    uint32_t csv_columns[COLUMN_COUNT_ALL];
};

static kerf_name intern(struct reader *reader, const char *text)
{
    return kerf_name_of(reader->catalog->vocabulary->names, text);
}

/* ---- the name ------------------------------------------------------------------------------------------------------------ */

static size_t span_lower(const char *text)
{
    size_t length = 0;
    while (text[length] >= 'a' && text[length] <= 'z')
        length++;
    return length;
}

static size_t span_digits(const char *text)
{
    size_t length = 0;
    while (text[length] >= '0' && text[length] <= '9')
        length++;
    return length;
}

/* Category: the leading letters. Generation: the digits after them, or after a size such as -24tb in between. */
static void set_name_labels(struct reader *reader, struct kerf_instance_facts *facts, struct kerf_instance_row *row)
{
    struct kerf_names *names = reader->catalog->vocabulary->names;
    const char *name = facts->name->text;
    const char *dot = strchr(name, '.');
    row->labels[KERF_LABEL_FAMILY] = facts->family = kerf_name_of_bytes(names, name, (size_t)(dot - name));
    row->labels[KERF_LABEL_SIZE] = facts->size = kerf_name_of(names, dot + 1);
    row->labels[KERF_LABEL_CAPABILITY_FLEX] = intern(reader, strstr(facts->family->text, "-flex") != NULL ? "true" : "false");
    size_t letters = span_lower(name);
    const char *rest = name + letters;
    if (rest[0] == '-') {
        size_t digits = span_digits(rest + 1);
        if (digits > 0 && strncmp(rest + 1 + digits, "tb", 2) == 0 && span_digits(rest + 1 + digits + 2) > 0)
            rest += 1 + digits + 2;
    }
    size_t digits = span_digits(rest);
    if (letters == 0 || digits == 0)
        return;
    row->labels[KERF_LABEL_CATEGORY] = kerf_name_of_bytes(names, name, letters);
    row->labels[KERF_LABEL_GENERATION] = kerf_name_of_bytes(names, rest, digits);
}

/* ---- labels that follow from the columns --------------------------------------------------------------------------------- */

static kerf_name count_label(struct reader *reader, int64_t value)
{
    return value < 0 ? NULL : kerf_name_format(reader->catalog->vocabulary->names, "%" PRId64, value);
}

static void set_labels(struct reader *reader, struct kerf_instance_facts *facts, struct kerf_instance_row *row)
{
    const struct kerf_vocabulary *words = reader->catalog->vocabulary;
    row->labels[KERF_LABEL_INSTANCE_TYPE] = facts->name;
    row->labels[KERF_LABEL_ARCH] = facts->arch;
    row->labels[KERF_LABEL_CPU] = count_label(reader, facts->vcpus);
    row->labels[KERF_LABEL_MEMORY] = count_label(reader, facts->memory_mib);
    row->labels[KERF_LABEL_CPU_MANUFACTURER] = row->cpu_manufacturer;
    row->labels[KERF_LABEL_CPU_SUSTAINED_CLOCK] = count_label(reader, row->cpu_sustained_clock_mhz);
    row->labels[KERF_LABEL_EBS_BANDWIDTH] = count_label(reader, facts->ebs_bandwidth_mbps);
    row->labels[KERF_LABEL_NETWORK_BANDWIDTH] = count_label(reader, facts->network_bandwidth_mbps);
    row->labels[KERF_LABEL_LOCAL_NVME] = count_label(reader, row->local_nvme_gb);
    row->labels[KERF_LABEL_HYPERVISOR] = row->hypervisor != NULL ? row->hypervisor : intern(reader, "");
    row->labels[KERF_LABEL_ENCRYPTION_IN_TRANSIT] = row->encryption_in_transit ? words->word_true : words->word_false;
    row->labels[KERF_LABEL_NITRO_SANDBOX] = row->nitro_enclaves ? words->word_true : words->word_false;
    if (row->gpu_name != NULL) {
        row->labels[KERF_LABEL_GPU_NAME] = row->gpu_name;
        row->labels[KERF_LABEL_GPU_MANUFACTURER] = row->gpu_manufacturer;
        row->labels[KERF_LABEL_GPU_COUNT] = count_label(reader, facts->gpu_count);
        row->labels[KERF_LABEL_GPU_MEMORY] = count_label(reader, row->gpu_memory_mib);
    }
    if (row->accelerator_name != NULL) {
        row->labels[KERF_LABEL_ACCELERATOR_NAME] = row->accelerator_name;
        row->labels[KERF_LABEL_ACCELERATOR_MANUFACTURER] = row->accelerator_manufacturer;
        row->labels[KERF_LABEL_ACCELERATOR_COUNT] =
            count_label(reader, row->neuron_devices > 0 ? row->neuron_devices : row->accelerators);
    }
}

/* Types of the time before NVMe stores boot about twice as long; measured on i3 (timings.md 9). */
static bool has_old_storage(const struct kerf_instance_row *row)
{
    kerf_name category = row->labels[KERF_LABEL_CATEGORY];
    bool storage_optimised = kerf_name_is(category, "i") || kerf_name_is(category, "d") || kerf_name_is(category, "h");
    return storage_optimised && kerf_name_is(row->hypervisor, "xen");
}

/* ---- reading ------------------------------------------------------------------------------------------------------------- */

/* `on-demand+spot`; other classes (capacity-block) aren't used. Empty: what nearly every type has. */
static enum kerf_status read_usage_classes(struct reader *reader, uint32_t row_index, struct kerf_instance_facts *facts)
{
    const char *text = kerf_csv_text(reader->csv, row_index, reader->usage_column);
    if (text[0] == '\0')
        text = "on-demand+spot";
    while (true) {
        size_t length = strcspn(text, "+");
        if (length == strlen("on-demand") && memcmp(text, "on-demand", length) == 0)
            facts->supports[KERF_ON_DEMAND] = true;
        else if (length == strlen("spot") && memcmp(text, "spot", length) == 0)
            facts->supports[KERF_SPOT] = true;
        else if (length != strlen("capacity-block") || memcmp(text, "capacity-block", length) != 0)
            return kerf_errors_add(reader->errs, kerf_csv_place(reader->csv, row_index, reader->usage_column),
                                   "\"%.*s\" is not a usage class (on-demand, spot, capacity-block, joined by +)", (int)length,
                                   text);
        if (text[length] == '\0')
            return KERF_OK;
        text += length + 1;
    }
}

static enum kerf_status read_cell(struct reader *reader, uint32_t row_index, size_t column_index, char *base)
{
    const struct column *column = &columns[column_index];
    uint32_t csv_column = reader->csv_columns[column_index];
    const char *text = kerf_csv_text(reader->csv, row_index, csv_column);
    if (column->kind == COLUMN_COUNT)
        *(int64_t *)(void *)(base + column->offset) = -1;
    if (text[0] == '\0') {
        if (column->required)
            return kerf_errors_add(reader->errs, kerf_csv_place(reader->csv, row_index, csv_column),
                                   "is empty; every type needs it");
        return KERF_OK;
    }
    switch (column->kind) {
    case COLUMN_TEXT:
        *(kerf_name *)(void *)(base + column->offset) = intern(reader, text);
        return KERF_OK;
    case COLUMN_COUNT:
        return kerf_csv_read_i64(reader->csv, row_index, csv_column, column->min, column->max,
                                 (int64_t *)(void *)(base + column->offset), reader->errs);
    case COLUMN_FLAG:
        return kerf_csv_read_bool(reader->csv, row_index, csv_column, (bool *)(base + column->offset), reader->errs);
    }
    return KERF_OK;
}

static enum kerf_status read_row(struct reader *reader, uint32_t row_index, struct kerf_instance_facts *facts)
{
    struct kerf_instance_row *row = KERF_NEW(&reader->catalog->arena, struct kerf_instance_row);
    *facts = (struct kerf_instance_facts){.row = row, .on_demand_usd_per_hour = NAN, .billed_usd_per_hour = NAN,
                                          .index = KERF_NOT_FOUND, .advisor_interruption_band = -1};
    for (size_t i = 0; i < KERF_ZONE_MAX; i++)
        facts->spot_usd_per_hour[i] = NAN;
    struct kerf_place name_place = kerf_csv_place(reader->csv, row_index, reader->name_column);
    const char *name = kerf_csv_text(reader->csv, row_index, reader->name_column);
    const char *dot = strchr(name, '.');
    if (dot == NULL || dot == name || dot[1] == '\0')
        return kerf_errors_add(reader->errs, name_place,
                               "\"%s\" is not the name of an instance type (family.size, such as m5.large)", name);
    facts->name = intern(reader, name);
    if (kerf_name_map_get(&reader->catalog->by_name, facts->name) != KERF_NOT_FOUND)
        return kerf_errors_add(reader->errs, name_place, "%s stands there twice", name);
    kerf_name_map_put(&reader->catalog->by_name, facts->name, row_index);
    enum kerf_status status = read_usage_classes(reader, row_index, facts);
    for (size_t i = 0; i < COLUMN_COUNT_ALL; i++) {
        enum kerf_status cell_status = read_cell(reader, row_index, i, columns[i].in_row ? (char *)row : (char *)facts);
        if (cell_status != KERF_OK)
            status = cell_status;
    }
    KERF_TRY(status);
    if (!kerf_name_is(facts->arch, "amd64") && !kerf_name_is(facts->arch, "arm64"))
        return kerf_errors_add(reader->errs, kerf_csv_place(reader->csv, row_index, reader->csv_columns[0]),
                               "\"%s\" is not an architecture (amd64, arm64)", facts->arch->text);
    if (facts->instance_store_gb < 0)
        facts->instance_store_gb = kerf_max_i64(row->local_nvme_gb, 0);
    if (facts->enis_all_cards < 0)
        facts->enis_all_cards = facts->enis;
    facts->ebs_attachment_shared = strcmp(kerf_csv_text(reader->csv, row_index, reader->attachment_type_column), "shared") == 0;
    facts->max_pods = (int32_t)kerf_vpc_max_pods((struct kerf_eni_limits){(int32_t)facts->enis, (int32_t)facts->ipv4_per_eni},
                                                 KERF_IP_SECONDARY, 0);
    set_name_labels(reader, facts, row);
    set_labels(reader, facts, row);
    facts->old_storage = has_old_storage(row);
    facts->prefix_capable = facts->bare_metal || kerf_name_is(row->hypervisor, "nitro");
    return KERF_OK;
}

enum kerf_status kerf_instance_facts_read(struct kerf_catalog *catalog, const struct kerf_csv *csv, struct kerf_errors *errs)
{
    struct reader reader = {.catalog = catalog, .csv = csv, .errs = errs};
    enum kerf_status status = kerf_csv_require_column(csv, "name", &reader.name_column, errs);
    for (size_t i = 0; i < COLUMN_COUNT_ALL; i++) {
        reader.csv_columns[i] = kerf_csv_find_column(csv, columns[i].name);
        if (columns[i].required && kerf_csv_require_column(csv, columns[i].name, &reader.csv_columns[i], errs) != KERF_OK)
            status = KERF_E_INPUT;
    }
    KERF_TRY(status);
    reader.usage_column = kerf_csv_find_column(csv, "usage_classes");
    reader.attachment_type_column = kerf_csv_find_column(csv, "ebs_attachment_limit_type");
    uint32_t count = kerf_csv_row_count(csv);
    if (count == 0)
        return kerf_errors_add(errs, kerf_csv_header_place(csv, reader.name_column), "no instance types");
    catalog->facts = KERF_NEW_ARRAY(&catalog->arena, struct kerf_instance_facts, count);
    catalog->facts_count = count;
    for (uint32_t i = 0; i < count; i++) {
        enum kerf_status row_status = read_row(&reader, i, &catalog->facts[i]);
        if (row_status != KERF_OK)
            status = row_status;
    }
    return status;
}
