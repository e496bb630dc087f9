/** `kind: Autoscale`: the moment that `kerf autoscale` is asked about; and what expander priority reads from its ConfigMap. */
#include "manifest/manifest_internal.h"

static void read_template(struct kerf_reader *reader, const struct kerf_value *group, struct kerf_autoscale_group *out)
{
    const struct kerf_value *template = kerf_field_required_map(reader, group, "template");
    if (!template)
        return;
    KERF_CHECK_KEYS(reader, template, KERF_KEYS_REFUSE, "labels", "taints", "capacity", "allocatable");
    out->node = (struct kerf_node){
        .meta = {.name = out->name, .created_epoch_us = KERF_TIME_UNSET, .deletion_epoch_us = KERF_TIME_UNSET}};
    out->node.meta.labels = kerf_field_labels(reader, template, "labels");
    out->node.taints = kerf_field_taints(reader, template, "taints");
    out->node.capacity = kerf_field_resources(reader, template, "capacity", KERF_ROUND_DOWN);
    out->node.allocatable = kerf_value_get(template, "allocatable")
                                ? kerf_field_resources(reader, template, "allocatable", KERF_ROUND_DOWN)
                                : out->node.capacity;
}

static void read_group(struct kerf_reader *reader, const struct kerf_value *group, struct kerf_autoscale_group *out)
{
    KERF_CHECK_KEYS(reader, group, KERF_KEYS_REFUSE, "name", "min", "max", "size", "template", "priceUsdPerHour");
    out->name = kerf_field_required_name(reader, group, "name");
    out->place = kerf_reader_place(reader, group);
    out->min_size = kerf_field_i32(reader, group, "min", 0, INT32_MAX, 0);
    out->max_size = kerf_field_i32(reader, group, "max", 0, INT32_MAX, 0);
    out->size = kerf_field_i32(reader, group, "size", 0, INT32_MAX, 0);
    if (out->max_size < out->min_size)
        KERF_NOTE(reader, kerf_value_error(kerf_value_get(group, "max") ? kerf_value_get(group, "max") : group, reader->errs,
                                           "the maximum %d is below the minimum %d", out->max_size, out->min_size));
    KERF_NOTE(reader,
              kerf_value_read_double(kerf_value_get(group, "priceUsdPerHour"), 0, 1e9, &out->price_usd_per_hour, reader->errs));
    read_template(reader, group, out);
}

static void read_groups(struct kerf_reader *reader, const struct kerf_value *object, struct kerf_autoscale *autoscale)
{
    const struct kerf_value *list = kerf_field_list(reader, object, "nodeGroups");
    uint32_t count = kerf_value_count(list), kept = 0;
    struct kerf_autoscale_group *groups = KERF_NEW_ARRAY(reader->arena, struct kerf_autoscale_group, count);
    for (uint32_t i = 0; i < count; i++) {
        if (!kerf_value_is_map(&list->items[i])) {
            KERF_NOTE(reader, kerf_value_expect(&list->items[i], KERF_VALUE_MAP, reader->errs));
            continue;
        }
        read_group(reader, &list->items[i], &groups[kept]);
        for (uint32_t other = 0; other < kept; other++)
            if (groups[other].name == groups[kept].name)
                KERF_NOTE(reader, kerf_value_error(&list->items[i], reader->errs, "there are two groups named \"%s\"",
                                                   kerf_name_text(groups[kept].name)));
        kept += groups[kept].name != NULL;
    }
    autoscale->groups = groups;
    autoscale->group_count = kept;
}

void kerf_read_autoscale(struct kerf_reader *reader, const struct kerf_value *object)
{
    static const char *const actions[] = {"scale-up", "scale-down"};
    struct kerf_autoscale *autoscale = &reader->objects->autoscale;
    KERF_CHECK_KEYS(reader, object, KERF_KEYS_REFUSE, "apiVersion", "kind", "metadata", "action", "at", "flags", "nodeGroups",
                    "pricing");
    if (autoscale->present) {
        KERF_NOTE(reader, kerf_value_error(object, reader->errs, "a second Autoscale: one moment can be asked about at a time"));
        return;
    }
    *autoscale = (struct kerf_autoscale){.present = true, .options = kerf_autoscaler_options_default()};
    autoscale->scale_down = kerf_field_enum(reader, object, "action", actions, KERF_COUNT_OF(actions), 0) == 1;
    autoscale->at_epoch_us = kerf_field_time(reader, object, "at");
    KERF_NOTE(reader, kerf_manifest_read_autoscaler_flags(kerf_value_get(object, "flags"), reader->arena, reader->vocabulary,
                                                          &autoscale->options, reader->errs));
    read_groups(reader, object, autoscale);
    const struct kerf_value *pricing = kerf_field_map(reader, object, "pricing");
    if (pricing)
        KERF_CHECK_KEYS(reader, pricing, KERF_KEYS_REFUSE, "podCpuUsdPerHour", "podGiBUsdPerHour");
    KERF_NOTE(reader, kerf_value_read_double(kerf_value_get(pricing, "podCpuUsdPerHour"), 0, 1e9,
                                             &autoscale->pricing.pod_cpu_usd_per_hour, reader->errs));
    KERF_NOTE(reader, kerf_value_read_double(kerf_value_get(pricing, "podGiBUsdPerHour"), 0, 1e9,
                                             &autoscale->pricing.pod_gib_usd_per_hour, reader->errs));
}

bool kerf_read_autoscaler_priorities(struct kerf_reader *reader, const struct kerf_value *config_map)
{
    const char *name = kerf_value_get_text_or(kerf_value_get(config_map, "metadata"), "name", "");
    if (strcmp(name, "cluster-autoscaler-priority-expander") != 0)
        return false;
    const struct kerf_value *data = kerf_field_map(reader, config_map, "data");
    reader->objects->autoscaler_priorities = kerf_arena_text(reader->arena, kerf_value_get_text_or(data, "priorities", ""));
    return true;
}
