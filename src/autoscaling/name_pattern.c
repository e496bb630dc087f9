/**
 * Regular expressions as people write them for expander priority: those of Go (RE2), searched anywhere in a name. Literals, `.`,
 * classes, escapes (\d \w \s \b and their opposites), anchors, groups, alternatives, repetition, and the flags i and s; no back
 * references, as in Go. Names are ASCII, so bytes are characters. Matching follows all ways at once: time is pattern x text.
 */
#include "autoscaling_internal.h"

#include <stdlib.h>

enum op { OP_SET, OP_SPLIT, OP_JUMP, OP_START, OP_END, OP_WORD, OP_NO_WORD, OP_FOUND };

struct instruction {
    enum op op;
    uint32_t a, b;   /* where to go on */
    uint64_t set[4]; /* bytes that OP_SET takes */
};

struct name_pattern {
    struct instruction *code;
    uint32_t count;
};

enum { CODE_MAX = 4096, REPEAT_MAX = 1000, DEPTH_MAX = 100 };

struct parser {
    const char *at;
    struct instruction *code;
    uint32_t count;
    uint32_t depth;
    bool broken;
    bool ignore_case;
    bool dot_takes_newline;
};

static uint32_t emit(struct parser *parser, struct instruction instruction)
{
    if (parser->count == CODE_MAX) {
        parser->broken = true;
        return 0;
    }
    parser->code[parser->count] = instruction;
    return parser->count++;
}

/* ---- sets of bytes
 * ------------------------------------------------------------------------------------------------------------------ */

static void add_range(uint64_t set[4], unsigned from, unsigned to)
{
    for (unsigned byte = from; byte <= to; byte++)
        kerf_bit_set(set, byte);
}

static void complement(uint64_t set[4])
{
    for (int i = 0; i < 4; i++)
        set[i] = ~set[i];
}

/** The class that a letter after a backslash stands for; false: it stands for none. */
static bool add_class(uint64_t set[4], char letter)
{
    uint64_t class[4] = {0};
    switch (letter) {
    case 'd':
    case 'D':
        add_range(class, '0', '9');
        break;
    case 'w':
    case 'W':
        add_range(class, '0', '9');
        add_range(class, 'a', 'z');
        add_range(class, 'A', 'Z');
        add_range(class, '_', '_');
        break;
    case 's':
    case 'S':
        add_range(class, '\t', '\n');
        add_range(class, '\f', '\r');
        add_range(class, ' ', ' ');
        break;
    default:
        return false;
    }
    if (letter < 'a')
        complement(class);
    for (int i = 0; i < 4; i++)
        set[i] |= class[i];
    return true;
}

static void fold_case(uint64_t set[4])
{
    for (unsigned byte = 'a'; byte <= 'z'; byte++) {
        unsigned upper = byte - 'a' + 'A';
        if (kerf_bit_get(set, byte) || kerf_bit_get(set, upper)) {
            kerf_bit_set(set, byte);
            kerf_bit_set(set, upper);
        }
    }
}

/** The byte that an escape means; the backslash is behind us. */
static unsigned escaped_byte(struct parser *parser)
{
    static const char letters[] = "aftnrv", bytes[] = "\a\f\t\n\r\v";
    char letter = *parser->at;
    if (letter == '\0') {
        parser->broken = true;
        return 0;
    }
    parser->at++;
    const char *known = strchr(letters, letter);
    if (known)
        return (unsigned char)bytes[known - letters];
    bool is_word = (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
    parser->broken |= is_word; /* Go knows more of them; none makes sense in a name */
    return (unsigned char)letter;
}

static bool is_posix_class(const char *at, uint64_t set[4], size_t *out_length)
{
    static const struct {
        const char *text;
        const char *ranges; /* pairs */
    } classes[] = {{"[:digit:]", "09"}, {"[:alpha:]", "azAZ"},    {"[:alnum:]", "azAZ09"}, {"[:lower:]", "az"},
                   {"[:upper:]", "AZ"}, {"[:word:]", "azAZ09__"}, {"[:space:]", "\t\r  "}, {"[:punct:]", "!/:@[`{~"}};
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        if (strncmp(at, classes[i].text, strlen(classes[i].text)) != 0)
            continue;
        for (const char *pair = classes[i].ranges; *pair; pair += 2)
            add_range(set, (unsigned char)pair[0], (unsigned char)pair[1]);
        *out_length = strlen(classes[i].text);
        return true;
    }
    return false;
}

static void parse_set(struct parser *parser)
{
    struct instruction instruction = {.op = OP_SET};
    bool negated = *parser->at == '^';
    parser->at += negated;
    bool first = true;
    while (!parser->broken && (*parser->at != ']' || first)) {
        first = false;
        size_t length;
        if (*parser->at == '\0') {
            parser->broken = true;
            return;
        }
        if (is_posix_class(parser->at, instruction.set, &length)) {
            parser->at += length;
            continue;
        }
        unsigned from = (unsigned char)*parser->at++, to;
        if (from == '\\') {
            if (add_class(instruction.set, *parser->at)) {
                parser->at++;
                continue;
            }
            from = escaped_byte(parser);
        }
        to = from;
        if (parser->at[0] == '-' && parser->at[1] != ']' && parser->at[1] != '\0') {
            parser->at++;
            to = (unsigned char)*parser->at++;
            if (to == '\\')
                to = escaped_byte(parser);
            parser->broken |= to < from;
        }
        if (!parser->broken)
            add_range(instruction.set, from, to);
    }
    if (parser->broken)
        return;
    parser->at++;
    if (parser->ignore_case)
        fold_case(instruction.set);
    if (negated)
        complement(instruction.set);
    emit(parser, instruction);
}

/* ---- grammar
 * ------------------------------------------------------------------------------------------------------------------------- */

static void parse_alternatives(struct parser *parser);

static void emit_byte(struct parser *parser, unsigned byte)
{
    struct instruction instruction = {.op = OP_SET};
    add_range(instruction.set, byte, byte);
    if (parser->ignore_case)
        fold_case(instruction.set);
    emit(parser, instruction);
}

/** Flags after `(?`; true: they hold for the rest of the enclosing group, and there is nothing inside. */
static bool parse_flags(struct parser *parser)
{
    bool value = true;
    for (;; parser->at++) {
        switch (*parser->at) {
        case 'i':
            parser->ignore_case = value;
            break;
        case 's':
            parser->dot_takes_newline = value;
            break;
        case 'm':
        case 'U':
            break; /* lines and greed make no difference to whether a name matches */
        case '-':
            value = false;
            break;
        case 'P':
        case '<': /* a name for the group */
            while (*parser->at && *parser->at != '>')
                parser->at++;
            parser->broken |= *parser->at != '>';
            parser->at += *parser->at == '>';
            return false;
        case ':':
            parser->at++;
            return false;
        case ')':
            parser->at++;
            return true;
        default:
            parser->broken = true;
            return true;
        }
    }
}

static void parse_group(struct parser *parser)
{
    bool ignore_case = parser->ignore_case, dot = parser->dot_takes_newline;
    if (parser->at[0] == '?') {
        parser->at++;
        if (parse_flags(parser))
            return;
    }
    if (++parser->depth > DEPTH_MAX) {
        parser->broken = true;
        return;
    }
    parse_alternatives(parser);
    parser->depth--;
    parser->broken |= *parser->at != ')';
    parser->at += *parser->at == ')';
    parser->ignore_case = ignore_case;
    parser->dot_takes_newline = dot;
}

static void parse_escape(struct parser *parser)
{
    struct instruction instruction = {.op = OP_SET};
    switch (*parser->at) {
    case 'b':
    case 'B':
        emit(parser, (struct instruction){.op = *parser->at++ == 'b' ? OP_WORD : OP_NO_WORD});
        return;
    case 'A':
    case 'z':
        emit(parser, (struct instruction){.op = *parser->at++ == 'A' ? OP_START : OP_END});
        return;
    default:
        if (!add_class(instruction.set, *parser->at)) {
            emit_byte(parser, escaped_byte(parser));
            return;
        }
        parser->at++;
        emit(parser, instruction);
    }
}

static void parse_atom(struct parser *parser)
{
    struct instruction any = {.op = OP_SET};
    char c = *parser->at++;
    switch (c) {
    case '(':
        parse_group(parser);
        break;
    case '[':
        parse_set(parser);
        break;
    case '.':
        add_range(any.set, 0, 255);
        if (!parser->dot_takes_newline)
            kerf_bit_clear(any.set, '\n');
        emit(parser, any);
        break;
    case '^':
        emit(parser, (struct instruction){.op = OP_START});
        break;
    case '$':
        emit(parser, (struct instruction){.op = OP_END});
        break;
    case '\\':
        parse_escape(parser);
        break;
    case '*':
    case '+':
    case '?':
        parser->broken = true; /* nothing to repeat */
        break;
    default:
        emit_byte(parser, (unsigned char)c);
    }
}

/** Appends a copy of the code between two places. */
static void copy_code(struct parser *parser, uint32_t from, uint32_t to)
{
    uint32_t shift = parser->count - from;
    for (uint32_t i = from; i < to && !parser->broken; i++) {
        struct instruction copy = parser->code[i];
        if (copy.op == OP_SPLIT || copy.op == OP_JUMP) {
            copy.a += shift;
            copy.b += shift;
        }
        emit(parser, copy);
    }
}

/** Makes room for one instruction in front of an atom. */
static void insert_split(struct parser *parser, uint32_t at)
{
    uint32_t count = parser->count;
    emit(parser, (struct instruction){.op = OP_JUMP});
    if (parser->broken)
        return;
    memmove(parser->code + at + 1, parser->code + at, (count - at) * sizeof *parser->code);
    for (uint32_t i = at + 1; i <= count; i++) {
        if (parser->code[i].op == OP_SPLIT || parser->code[i].op == OP_JUMP) {
            parser->code[i].a++;
            parser->code[i].b++;
        }
    }
    parser->code[at] = (struct instruction){.op = OP_SPLIT, .a = at + 1, .b = count + 1};
}

static void make_optional(struct parser *parser, uint32_t from)
{
    insert_split(parser, from);
}

static void make_star(struct parser *parser, uint32_t from)
{
    insert_split(parser, from);
    emit(parser, (struct instruction){.op = OP_JUMP, .a = from, .b = from});
    if (!parser->broken)
        parser->code[from].b = parser->count;
}

/** `{2}`, `{2,}`, `{2,5}`; false: it is no repetition, and the brace stands for itself. */
static bool read_counts(const char **at, int64_t *out_least, int64_t *out_most)
{
    const char *c = *at + 1;
    int64_t numbers[2] = {-1, -1};
    int which = 0;
    for (; *c != '}'; c++) {
        if (*c >= '0' && *c <= '9') {
            numbers[which] = kerf_max_i64(numbers[which], 0) * 10 + (*c - '0');
            if (numbers[which] > REPEAT_MAX)
                numbers[which] = REPEAT_MAX + 1;
        } else if (*c == ',' && which == 0) {
            which = 1;
        } else {
            return false;
        }
    }
    if (numbers[0] < 0)
        return false;
    *out_least = numbers[0];
    *out_most = which ? numbers[1] : numbers[0];
    *at = c + 1;
    return true;
}

static void repeat(struct parser *parser, uint32_t from, int64_t least, int64_t most)
{
    uint32_t to = parser->count, length = to - from;
    if (least > REPEAT_MAX || most > REPEAT_MAX || (most >= 0 && most < least)) {
        parser->broken = true;
        return;
    }
    if (most < 0) { /* as often as it must be, and then the last one any number of times */
        for (int64_t i = 0; i < least; i++)
            copy_code(parser, from, to);
        if (!parser->broken)
            make_star(parser, from + (uint32_t)least * length);
        return;
    }
    if (least == 0 && most == 0) {
        parser->count = from;
        return;
    }
    for (int64_t i = 1; i < most; i++)
        copy_code(parser, from, to);
    for (int64_t i = most; i-- > least && !parser->broken;) /* from the last one, so that places of the others stay */
        make_optional(parser, from + (uint32_t)i * length);
}

static void parse_piece(struct parser *parser)
{
    uint32_t from = parser->count;
    parse_atom(parser);
    for (bool repeated = false; !parser->broken; repeated = true) {
        int64_t least, most;
        char c = *parser->at;
        if (c == '{' && read_counts(&parser->at, &least, &most)) {
            parser->broken |= repeated;
            repeat(parser, from, least, most);
        } else if (c == '*' || c == '+' || c == '?') {
            parser->at++;
            parser->broken |= repeated;
            repeat(parser, from, c == '+', c == '?' ? 1 : -1);
        } else {
            return;
        }
        parser->at += *parser->at == '?'; /* reluctant: the same names */
    }
}

static void parse_alternatives(struct parser *parser)
{
    uint32_t from = parser->count;
    while (!parser->broken && *parser->at && *parser->at != '|' && *parser->at != ')')
        parse_piece(parser);
    if (parser->broken || *parser->at != '|')
        return;
    parser->at++;
    insert_split(parser, from);
    uint32_t jump = emit(parser, (struct instruction){.op = OP_JUMP});
    if (parser->broken)
        return;
    parser->code[from].b = parser->count;
    parse_alternatives(parser);
    if (!parser->broken)
        parser->code[jump].a = parser->code[jump].b = parser->count;
}

struct name_pattern *kerf_name_pattern_new(struct kerf_arena *arena, const char *text)
{
    struct parser parser = {.at = text, .code = kerf_allocate(CODE_MAX * sizeof *parser.code)};
    parse_alternatives(&parser);
    parser.broken |= *parser.at != '\0';
    if (!parser.broken)
        emit(&parser, (struct instruction){.op = OP_FOUND});
    struct name_pattern *pattern = NULL;
    if (!parser.broken) {
        pattern = KERF_NEW(arena, struct name_pattern);
        pattern->code = kerf_arena_copy(arena, parser.code, parser.count * sizeof *parser.code);
        pattern->count = parser.count;
    }
    free(parser.code);
    return pattern;
}

/* ---- matching
 * ----------------------------------------------------------------------------------------------------------------------- */

struct threads {
    uint32_t *items;
    uint32_t count;
    uint32_t *seen; /* step + 1 at which an instruction was reached */
};

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool holds(enum op op, const char *text, size_t at, size_t length)
{
    bool edge = (at > 0 && is_word(text[at - 1])) != (at < length && is_word(text[at]));
    switch (op) {
    case OP_START:
        return at == 0;
    case OP_END:
        return at == length;
    case OP_WORD:
        return edge;
    default:
        return !edge;
    }
}

/** Follows what takes no byte; true: the end was reached. `stack` has room for every instruction twice. */
static bool reach(const struct name_pattern *pattern, struct threads *threads, uint32_t *stack, const char *text, size_t at,
                  size_t length, uint32_t from)
{
    uint32_t depth = 0;
    stack[depth++] = from;
    while (depth) {
        uint32_t pc = stack[--depth];
        if (threads->seen[pc] == at + 1)
            continue;
        threads->seen[pc] = (uint32_t)at + 1;
        const struct instruction *instruction = &pattern->code[pc];
        switch (instruction->op) {
        case OP_FOUND:
            return true;
        case OP_SET:
            threads->items[threads->count++] = pc;
            break;
        case OP_SPLIT:
            stack[depth++] = instruction->b;
            stack[depth++] = instruction->a;
            break;
        case OP_JUMP:
            stack[depth++] = instruction->a;
            break;
        default:
            if (holds(instruction->op, text, at, length))
                stack[depth++] = pc + 1;
        }
    }
    return false;
}

bool kerf_name_pattern_finds(const struct name_pattern *pattern, const char *text)
{
    size_t length = strlen(text), count = pattern->count;
    uint32_t *memory = kerf_allocate((5 * count + 2) * sizeof *memory);
    struct threads now = {.items = memory, .seen = memory + 2 * count};
    uint32_t *next = memory + count, *stack = memory + 3 * count;
    bool found = reach(pattern, &now, stack, text, 0, length, 0);
    for (size_t at = 0; at < length && !found; at++) {
        uint32_t *before = now.items, before_count = now.count;
        now.items = next;
        now.count = 0;
        for (uint32_t i = 0; i < before_count && !found; i++)
            if (kerf_bit_get(pattern->code[before[i]].set, (unsigned char)text[at]))
                found = reach(pattern, &now, stack, text, at + 1, length, before[i] + 1);
        found = found || reach(pattern, &now, stack, text, at + 1, length, 0); /* a match may begin here */
        next = before;
    }
    free(memory);
    return found;
}
