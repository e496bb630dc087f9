/** selector: requirements as a person types them, after the grammar of Kubernetes' label selectors. */
#include "catalog/catalog_internal.h"

struct scanner {
    const char *text;
    const char *at;
    struct kerf_place place;
    struct kerf_errors *errs;
};

static enum kerf_status expected(const struct scanner *scanner, const char *what)
{
    if (*scanner->at == '\0')
        return kerf_errors_add(scanner->errs, scanner->place, "\"%s\": ends where %s was expected", scanner->text, what);
    return kerf_errors_add(scanner->errs, scanner->place, "\"%s\": found \"%s\" where %s was expected", scanner->text,
                           scanner->at, what);
}

static void skip_blanks(struct scanner *scanner)
{
    while (*scanner->at == ' ' || *scanner->at == '\t')
        scanner->at++;
}

static bool take(struct scanner *scanner, const char *piece)
{
    skip_blanks(scanner);
    if (strncmp(scanner->at, piece, strlen(piece)) != 0)
        return false;
    scanner->at += strlen(piece);
    return true;
}

/* Characters of keys and values: all but the grammar's own. May be empty, as the value of `key=`. */
static kerf_name take_word(struct scanner *scanner, struct kerf_names *names)
{
    skip_blanks(scanner);
    size_t length = strcspn(scanner->at, " \t,()=!<>");
    kerf_name word = kerf_name_of_bytes(names, scanner->at, length);
    scanner->at += length;
    return word;
}

/* `in` and `notin` are words of their own: `instance` is none. */
static bool take_keyword(struct scanner *scanner, const char *keyword)
{
    skip_blanks(scanner);
    size_t length = strcspn(scanner->at, " \t,()=!<>");
    if (length != strlen(keyword) || memcmp(scanner->at, keyword, length) != 0)
        return false;
    scanner->at += length;
    return true;
}

static enum kerf_status take_value_set(struct scanner *scanner, struct kerf_vocabulary *vocabulary, struct kerf_arena *arena,
                                       struct kerf_expression *expression)
{
    KERF_VEC(kerf_name) values = {0};
    if (!take(scanner, "("))
        return expected(scanner, "( and a list of values");
    do {
        KERF_VEC_PUSH_IN(arena, &values, take_word(scanner, vocabulary->names));
    } while (take(scanner, ","));
    if (!take(scanner, ")"))
        return expected(scanner, ", or )");
    expression->values = values.items;
    expression->value_count = (uint32_t)values.count;
    return KERF_OK;
}

static enum kerf_status take_one_value(struct scanner *scanner, struct kerf_vocabulary *vocabulary, struct kerf_arena *arena,
                                       struct kerf_expression *expression)
{
    skip_blanks(scanner);
    const char *before = scanner->at;
    kerf_name value = take_word(scanner, vocabulary->names);
    int64_t number = 0;
    if (expression->op != KERF_OP_IN && expression->op != KERF_OP_NOT_IN && !kerf_parse_i64(value->text, &number)) {
        scanner->at = before;
        return expected(scanner, "a whole number");
    }
    expression->values = kerf_arena_copy(arena, &value, sizeof value);
    expression->value_count = 1;
    return KERF_OK;
}

static enum kerf_status take_operator(struct scanner *scanner, struct kerf_vocabulary *vocabulary, struct kerf_arena *arena,
                                      struct kerf_expression *expression)
{
    /* Longer spellings first. */
    static const struct {
        const char *text;
        enum kerf_operator op;
    } operators[] = {{"==", KERF_OP_IN}, {"!=", KERF_OP_NOT_IN}, {">=", KERF_OP_GTE}, {"<=", KERF_OP_LTE},
                     {"=", KERF_OP_IN},  {">", KERF_OP_GT},      {"<", KERF_OP_LT}};
    skip_blanks(scanner);
    if (*scanner->at == '\0' || *scanner->at == ',') {
        expression->op = KERF_OP_EXISTS;
        return KERF_OK;
    }
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        if (take(scanner, operators[i].text)) {
            expression->op = operators[i].op;
            return take_one_value(scanner, vocabulary, arena, expression);
        }
    }
    if (take_keyword(scanner, "in"))
        expression->op = KERF_OP_IN;
    else if (take_keyword(scanner, "notin"))
        expression->op = KERF_OP_NOT_IN;
    else
        return expected(scanner, "in, notin, =, !=, <, >, <= or >=");
    return take_value_set(scanner, vocabulary, arena, expression);
}

/* A key that no type has would only ever give an empty answer. */
static enum kerf_status check_key(const struct scanner *scanner, struct kerf_vocabulary *vocabulary, kerf_name key)
{
    static const char *const keys[] = {
#define KERF_KEY_TEXT(member, text, well_known) (well_known) ? (text) : NULL,
        KERF_WELL_KNOWN_KEYS(KERF_KEY_TEXT)
#undef KERF_KEY_TEXT
    };
    if (kerf_vocabulary_is_well_known(vocabulary, key))
        return KERF_OK;
    const char *candidates[sizeof keys / sizeof keys[0]];
    size_t candidate_count = 0;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (keys[i] != NULL)
            candidates[candidate_count++] = keys[i];
    const char *nearest = kerf_nearest(key->text, candidates, candidate_count);
    return kerf_errors_add(scanner->errs, scanner->place, "no instance type has the label \"%s\"%s%s%s", key->text,
                           nearest != NULL ? "; did you mean " : "", nearest != NULL ? nearest : "", nearest != NULL ? "?" : "");
}

enum kerf_status kerf_catalog_read_selector(struct kerf_vocabulary *vocabulary, const char *text, struct kerf_arena *arena,
                                            struct kerf_requirements *into, struct kerf_place place, struct kerf_errors *errs)
{
    struct scanner scanner = {text, text, place, errs};
    do {
        struct kerf_expression expression = {.min_values = -1};
        bool absent = take(&scanner, "!");
        expression.key = kerf_vocabulary_normalize_key(vocabulary, take_word(&scanner, vocabulary->names));
        if (expression.key->length == 0)
            return expected(&scanner, "the key of a label");
        if (absent)
            expression.op = KERF_OP_DOES_NOT_EXIST;
        else
            KERF_TRY(take_operator(&scanner, vocabulary, arena, &expression));
        KERF_TRY(check_key(&scanner, vocabulary, expression.key));
        struct kerf_requirement requirement = kerf_requirement_of(arena, vocabulary, &expression);
        kerf_requirements_add(arena, into, &requirement);
    } while (take(&scanner, ","));
    skip_blanks(&scanner);
    return *scanner.at == '\0' ? KERF_OK : expected(&scanner, "a comma or the end");
}
