/**
 * Capacity reservations: what `aws ec2 describe-capacity-reservations` prints (JSON, or the same as YAML), and which of them an
 * EC2NodeClass has (karpenter-provisioning.md 6.5, aws-instance-model.md 6.2).
 */
#include "manifest/manifest_internal.h"

#include <stdlib.h>

static struct kerf_labels read_tags(struct kerf_reader *reader, const struct kerf_value *list)
{
    struct kerf_label *tags = KERF_NEW_ARRAY(reader->arena, struct kerf_label, kerf_value_count(list));
    size_t count = 0;
    for (uint32_t i = 0; i < kerf_value_count(list); i++) {
        kerf_name key = kerf_field_required_name(reader, &list->items[i], "Key");
        kerf_name value = kerf_field_name_or_empty(reader, &list->items[i], "Value");
        if (key && value)
            tags[count++] = (struct kerf_label){key, value};
    }
    return kerf_labels_sorted(reader->arena, tags, count);
}

/** The one with that ID: read again, it is replaced, as objects are. */
static struct kerf_capacity_reservation *entry_of(struct kerf_reader *reader, kerf_name id)
{
    struct kerf_objects *objects = reader->objects;
    for (size_t i = 0; i < objects->capacity_reservations.count; i++)
        if (objects->capacity_reservations.items[i].id == id)
            return &objects->capacity_reservations.items[i];
    KERF_VEC_PUSH_IN(reader->arena, &objects->capacity_reservations, (struct kerf_capacity_reservation){.id = id});
    return &objects->capacity_reservations.items[objects->capacity_reservations.count - 1];
}

static void read_reservation(struct kerf_reader *reader, const struct kerf_value *item)
{
    static const char *const criteria[] = {"open", "targeted"};
    static const char *const types[] = {"default", "capacity-block"};
    KERF_NOTE(reader, kerf_value_expect(item, KERF_VALUE_MAP, reader->errs));
    if (!kerf_value_is_map(item))
        return;
    kerf_name id = kerf_field_required_name(reader, item, "CapacityReservationId");
    struct kerf_capacity_reservation reservation = {
        .id = id,
        .instance_type = kerf_field_required_name(reader, item, "InstanceType"),
        .zone = kerf_field_required_name(reader, item, "AvailabilityZone"),
        .owner_id = kerf_field_name(reader, item, "OwnerId"),
        .tags = read_tags(reader, kerf_field_list(reader, item, "Tags")),
        .targeted = kerf_field_enum(reader, item, "InstanceMatchCriteria", criteria, KERF_COUNT_OF(criteria), 0) == 1,
        .capacity_block = kerf_field_enum(reader, item, "ReservationType", types, KERF_COUNT_OF(types), 0) == 1,
        .interruptible = kerf_field_bool(reader, item, "Interruptible", false),
        .end_epoch_us = KERF_TIME_NEVER,
    };
    const struct kerf_value *available = NULL;
    KERF_NOTE(reader, kerf_value_require(item, "AvailableInstanceCount", &available, reader->errs));
    KERF_NOTE(reader, kerf_value_read_i64(available, 0, INT32_MAX, &reservation.available_count, reader->errs));
    if (kerf_value_get_or_null(item, "EndDate"))
        KERF_NOTE(reader, kerf_value_read_time(kerf_value_get(item, "EndDate"), &reservation.end_epoch_us, reader->errs));
    const char *state = kerf_value_get_text_or(item, "State", "active");
    if (!id || strcmp(state, "active") != 0)
        return; /* expired, cancelled, not yet there: nothing is launched into it */
    *entry_of(reader, id) = reservation;
}

bool kerf_read_capacity_reservations(struct kerf_reader *reader, const struct kerf_value *root)
{
    if (!kerf_value_get(root, "CapacityReservations"))
        return false;
    const struct kerf_value *list = kerf_field_list(reader, root, "CapacityReservations");
    for (uint32_t i = 0; i < kerf_value_count(list); i++)
        read_reservation(reader, &list->items[i]);
    return true;
}

void kerf_read_reservation_terms(struct kerf_reader *reader, const struct kerf_value *spec, struct kerf_ec2nodeclass *nodeclass)
{
    const struct kerf_value *list = kerf_field_list(reader, spec, "capacityReservationSelectorTerms");
    uint32_t count = kerf_value_count(list);
    struct kerf_reservation_term *terms = KERF_NEW_ARRAY(reader->arena, struct kerf_reservation_term, count);
    for (uint32_t i = 0; i < count; i++)
        terms[i] = (struct kerf_reservation_term){
            .id = kerf_field_name(reader, &list->items[i], "id"),
            .owner_id = kerf_field_name(reader, &list->items[i], "ownerID"),
            .match_criteria = kerf_field_name(reader, &list->items[i], "instanceMatchCriteria"),
            .tags = kerf_field_labels(reader, &list->items[i], "tags"),
        };
    nodeclass->reservation_terms = terms;
    nodeclass->reservation_term_count = count;
}

void kerf_read_reservation_status(struct kerf_reader *reader, const struct kerf_value *status, struct kerf_ec2nodeclass *nodeclass)
{
    const struct kerf_value *list = kerf_field_list(reader, status, "capacityReservations");
    uint32_t count = kerf_value_count(list);
    kerf_name *ids = KERF_NEW_ARRAY(reader->arena, kerf_name, count);
    for (uint32_t i = 0; i < count; i++)
        ids[i] = kerf_field_required_name(reader, &list->items[i], "id");
    nodeclass->reservation_ids = ids;
    nodeclass->reservation_id_count = count;
    if (count > 0)
        KERF_VEC_PUSH(&reader->reservation_lists, list);
}

/* ---- which are whose ------------------------------------------------------------------------------------------------------ */

static bool term_selects(const struct kerf_reservation_term *term, const struct kerf_capacity_reservation *reservation)
{
    if ((term->id && term->id != reservation->id) || (term->owner_id && term->owner_id != reservation->owner_id) ||
        (term->match_criteria && !kerf_name_is(term->match_criteria, reservation->targeted ? "targeted" : "open")))
        return false;
    for (size_t i = 0; i < term->tags.count; i++) {
        kerf_name value = kerf_labels_get(&reservation->tags, term->tags.items[i].key);
        if (!value || (value != term->tags.items[i].value && !kerf_name_is(term->tags.items[i].value, "*")))
            return false;
    }
    return true;
}

/** Its status says what Karpenter found; without one, what its terms would find. */
static bool has_reservation(const struct kerf_ec2nodeclass *nodeclass, const struct kerf_capacity_reservation *reservation)
{
    for (uint32_t i = 0; i < nodeclass->reservation_id_count; i++)
        if (nodeclass->reservation_ids[i] == reservation->id)
            return true;
    for (uint32_t i = 0; !nodeclass->has_status && i < nodeclass->reservation_term_count; i++)
        if (term_selects(&nodeclass->reservation_terms[i], reservation))
            return true;
    return false;
}

static int compare_ids(const void *a, const void *b, void *context)
{
    (void)context;
    return kerf_name_compare(((const struct kerf_capacity_reservation *)a)->id, ((const struct kerf_capacity_reservation *)b)->id);
}

void kerf_settle_capacity_reservations(struct kerf_objects *objects)
{
    size_t all = objects->capacity_reservations.count;
    for (size_t i = 0; i < all; i++)
        objects->capacity_reservations.items[i].index = (uint32_t)i;
    for (size_t c = 0; all > 0 && c < objects->nodeclasses.count; c++) {
        struct kerf_ec2nodeclass *nodeclass = &objects->nodeclasses.items[c];
        struct kerf_capacity_reservation *own = KERF_NEW_ARRAY(&objects->arena, struct kerf_capacity_reservation, all);
        nodeclass->reservation_count = 0;
        for (size_t i = 0; i < all; i++)
            if (has_reservation(nodeclass, &objects->capacity_reservations.items[i]))
                own[nodeclass->reservation_count++] = objects->capacity_reservations.items[i];
        kerf_sort(own, nodeclass->reservation_count, sizeof *own, compare_ids, NULL);
        nodeclass->reservations = own;
    }
}

static bool is_known(const struct kerf_objects *objects, const char *id)
{
    for (size_t i = 0; i < objects->capacity_reservations.count; i++)
        if (kerf_name_is(objects->capacity_reservations.items[i].id, id))
            return true;
    return false;
}

void kerf_warn_of_unknown_reservations(struct kerf_reader *reader)
{
    for (size_t i = 0; i < reader->reservation_lists.count; i++) {
        const struct kerf_value *list = reader->reservation_lists.items[i];
        for (uint32_t k = 0; k < kerf_value_count(list); k++) {
            const char *id = kerf_value_get_text_or(&list->items[k], "id", "");
            if (!is_known(reader->objects, id))
                kerf_value_warn(&list->items[k], reader->errs,
                                "nothing says how many instances %s has room for, so nothing is launched into it: add what `aws ec2 "
                                "describe-capacity-reservations` prints",
                                id);
        }
    }
    KERF_VEC_FREE(&reader->reservation_lists);
}
