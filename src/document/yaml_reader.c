/** YAML by libyaml: its events become trees. */
#include "document/document_internal.h"

#include <stdlib.h>
#include <yaml.h>

/** A value with an anchor. Until it has ended, `is_ended` is false and an alias to it would hold itself. */
struct anchor {
    struct kerf_value value;
    bool is_ended;
};

struct reader {
    struct kerf_tree *tree;
    const char *bytes;                   /* what the parser sees, for places of offsets */
    struct kerf_name_map anchor_of_name; /* -> index in anchors; of this document */
    KERF_VEC(struct anchor) anchors;
    uint32_t open_anchors[KERF_NESTING_MAX + 1]; /* by depth: index in anchors of the open value, KERF_NOT_FOUND for none */
    bool has_failed;                             /* an error that leaves the structure intact was reported */
};

static struct kerf_place place_of(const struct reader *reader, const yaml_event_t *event)
{
    return (struct kerf_place){
        .file = reader->tree->file,
        .line = (uint32_t)event->start_mark.line + 1,
        .column = (uint32_t)event->start_mark.column + 1,
    };
}

static enum kerf_status report_parser_error(const struct reader *reader, const yaml_parser_t *parser)
{
    struct kerf_errors *errs = reader->tree->errs;
    const char *problem = parser->problem ? parser->problem : "not YAML";
    if (parser->error == YAML_MEMORY_ERROR)
        kerf_array_bytes(SIZE_MAX, 2); /* out of memory */
    if (parser->error == YAML_READER_ERROR)
        return kerf_errors_add(errs, kerf_input_place(reader->tree->file, reader->bytes, parser->problem_offset),
                               "%s (0x%02x); expected YAML text", problem, (unsigned)parser->problem_value);
    struct kerf_place place = {
        .file = reader->tree->file,
        .line = (uint32_t)parser->problem_mark.line + 1,
        .column = (uint32_t)parser->problem_mark.column + 1,
    };
    if (parser->context && parser->context_mark.line != parser->problem_mark.line)
        return kerf_errors_add(errs, place, "not YAML: %s (%s that began in line %zu)", problem, parser->context,
                               parser->context_mark.line + 1);
    return kerf_errors_add(errs, place, "not YAML: %s%s%s", problem, parser->context ? " " : "",
                           parser->context ? parser->context : "");
}

/* ---- anchors ---- */

/** Remembers an anchor under its name; the latest of a name counts. Returns its index, KERF_NOT_FOUND without a name. */
static uint32_t open_anchor(struct reader *reader, const yaml_char_t *name)
{
    if (!name)
        return KERF_NOT_FOUND;
    uint32_t index = (uint32_t)reader->anchors.count;
    KERF_VEC_PUSH(&reader->anchors, (struct anchor){.is_ended = false});
    kerf_name_map_put(&reader->anchor_of_name, kerf_name_of(reader->tree->documents->keys, (const char *)name), index);
    return index;
}

static void end_anchor(struct reader *reader, uint32_t index, const struct kerf_value *value)
{
    if (index != KERF_NOT_FOUND)
        reader->anchors.items[index] = (struct anchor){.value = *value, .is_ended = true};
}

static void forget_anchors(struct reader *reader)
{
    kerf_name_map_clear(&reader->anchor_of_name);
    reader->anchors.count = 0;
}

static enum kerf_status find_anchor(const struct reader *reader, const yaml_event_t *event, const struct kerf_value **out_value)
{
    const char *name = (const char *)event->data.alias.anchor;
    uint32_t index = kerf_name_map_get(&reader->anchor_of_name, kerf_name_find(reader->tree->documents->keys, name));
    if (index == KERF_NOT_FOUND)
        return kerf_errors_add(reader->tree->errs, place_of(reader, event), "alias *%s has no anchor &%s before it", name, name);
    if (!reader->anchors.items[index].is_ended)
        return kerf_errors_add(reader->tree->errs, place_of(reader, event), "alias *%s lies inside of its own anchor", name);
    *out_value = &reader->anchors.items[index].value;
    return KERF_OK;
}

/* ---- values ---- */

/** Tags of YAML itself say what we see anyway, except that `!!str` and `!` make a text; others change a meaning we don't know. */
static enum kerf_status check_tag(const struct reader *reader, const yaml_event_t *event, const yaml_char_t *tag,
                                  bool *out_is_text)
{
    static const char prefix[] = "tag:yaml.org,2002:";
    static const char *const ignored[] = {"map", "seq", "int", "float", "bool", "null", "timestamp"};
    if (!tag)
        return KERF_OK;
    const char *text = (const char *)tag;
    if (strcmp(text, "!") == 0) {
        *out_is_text = true;
        return KERF_OK;
    }
    if (strncmp(text, prefix, sizeof prefix - 1) == 0) {
        const char *kind = text + sizeof prefix - 1;
        if (strcmp(kind, "str") == 0) {
            *out_is_text = true;
            return KERF_OK;
        }
        for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
            if (strcmp(kind, ignored[i]) == 0)
                return KERF_OK;
    }
    return kerf_errors_add(reader->tree->errs, place_of(reader, event), "tag %s was found; expected a plain value", text);
}

static bool means_null(const char *text)
{
    return !*text || strcmp(text, "~") == 0 || strcmp(text, "null") == 0 || strcmp(text, "Null") == 0 ||
           strcmp(text, "NULL") == 0;
}

/** Is a key due? It is when a map is open whose last key has its value. */
static bool is_key_due(const struct kerf_tree *tree)
{
    return kerf_tree_is_map_open(tree) && !tree->levels[tree->depth].key;
}

static enum kerf_status read_scalar(struct reader *reader, const yaml_event_t *event)
{
    struct kerf_tree *tree = reader->tree;
    struct kerf_place place = place_of(reader, event);
    const char *text = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;
    if (memchr(text, '\0', length)) /* "\0" in double quotes */
        return kerf_errors_add(tree->errs, place, "\\0 was found; expected a text without NUL");
    bool is_text = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    KERF_TRY(check_tag(reader, event, event->data.scalar.tag, &is_text));
    uint32_t anchor = open_anchor(reader, event->data.scalar.anchor);
    bool is_key = is_key_due(tree);
    struct kerf_value value = {.line = place.line, .column = place.column, .text = ""};
    if (is_text || !means_null(text)) {
        value.kind = KERF_VALUE_SCALAR;
        value.quoted = is_text;
        value.count = (uint32_t)length;
        if (!is_key || anchor != KERF_NOT_FOUND)
            value.text = kerf_arena_copy(&tree->documents->arena, text, length + 1);
    }
    end_anchor(reader, anchor, &value);
    if (is_key)
        kerf_tree_key(tree, text, length, place.line, place.column);
    else
        kerf_tree_scalar(tree, &value);
    return KERF_OK;
}

static enum kerf_status begin_children(struct reader *reader, const yaml_event_t *event, enum kerf_value_kind kind)
{
    bool is_map = kind == KERF_VALUE_MAP;
    struct kerf_place place = place_of(reader, event);
    bool is_text = false;
    if (is_key_due(reader->tree))
        return kerf_errors_add(reader->tree->errs, place, "a %s was found; expected a key (is this a template? Render it first)",
                               is_map ? "map" : "list");
    KERF_TRY(check_tag(reader, event, is_map ? event->data.mapping_start.tag : event->data.sequence_start.tag, &is_text));
    KERF_TRY(kerf_tree_begin(reader->tree, kind, place.line, place.column));
    reader->open_anchors[reader->tree->depth] =
        open_anchor(reader, is_map ? event->data.mapping_start.anchor : event->data.sequence_start.anchor);
    return KERF_OK;
}

static void end_children(struct reader *reader)
{
    struct kerf_value value;
    uint32_t anchor = reader->open_anchors[reader->tree->depth];
    if (kerf_tree_end(reader->tree, &value) != KERF_OK)
        reader->has_failed = true;
    end_anchor(reader, anchor, &value);
}

static enum kerf_status read_alias(struct reader *reader, const yaml_event_t *event)
{
    const struct kerf_value *value = NULL;
    struct kerf_place place = place_of(reader, event);
    KERF_TRY(find_anchor(reader, event, &value));
    if (!is_key_due(reader->tree))
        return kerf_tree_alias(reader->tree, value, place);
    if (value->kind != KERF_VALUE_SCALAR)
        return kerf_errors_add(reader->tree->errs, place, "this alias stands for no text; expected a key");
    kerf_tree_key(reader->tree, value->text, value->count, place.line, place.column);
    return KERF_OK;
}

static enum kerf_status take_event(struct reader *reader, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return read_scalar(reader, event);
    case YAML_ALIAS_EVENT:
        return read_alias(reader, event);
    case YAML_MAPPING_START_EVENT:
        return begin_children(reader, event, KERF_VALUE_MAP);
    case YAML_SEQUENCE_START_EVENT:
        return begin_children(reader, event, KERF_VALUE_LIST);
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        end_children(reader);
        return KERF_OK;
    case YAML_DOCUMENT_END_EVENT:
        kerf_tree_end_document(reader->tree);
        forget_anchors(reader);
        return KERF_OK;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_START_EVENT:
        return KERF_OK;
    }
    return KERF_OK;
}

enum kerf_status kerf_yaml_read(struct kerf_tree *tree, const char *bytes, size_t start, size_t length)
{
    struct reader reader = {.tree = tree, .bytes = bytes + start};
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        kerf_array_bytes(SIZE_MAX, 2); /* out of memory */
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)bytes + start, length - start);
    enum kerf_status status = KERF_OK;
    for (bool at_end = false; status == KERF_OK && !at_end;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            status = report_parser_error(&reader, &parser);
            break;
        }
        at_end = event.type == YAML_STREAM_END_EVENT;
        status = take_event(&reader, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    kerf_name_map_fini(&reader.anchor_of_name);
    KERF_VEC_FREE(&reader.anchors);
    return status == KERF_OK && reader.has_failed ? KERF_E_INPUT : status;
}
