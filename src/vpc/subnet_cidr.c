#include "base/base.h"
#include "kerf/vpc.h"

static uint32_t mask_of(uint8_t prefix_length) { return prefix_length == 0 ? 0 : UINT32_MAX << (32 - prefix_length); }

/* Digits without sign, blanks or leading zero (which some readers take for octal), up to limit. */
static bool read_number(const char **text, uint32_t limit, uint32_t *out_number)
{
    const char *digits = *text;
    uint32_t number = 0;
    while (**text >= '0' && **text <= '9' && *text - digits < 4)
        number = number * 10 + (uint32_t)(*(*text)++ - '0');
    if (*text == digits || (digits[0] == '0' && *text - digits > 1) || number > limit)
        return false;
    *out_number = number;
    return true;
}

const char *kerf_cidr_parse(const char *text, struct kerf_cidr *out_cidr)
{
    static const char shape[] = "not an IPv4 range (expected four numbers 0 to 255 and a prefix length, such as 10.0.0.0/22)";
    uint32_t first = 0;
    for (int i = 0; i < 4; i++) {
        uint32_t part = 0;
        if (i > 0 && *text++ != '.')
            return shape;
        if (!read_number(&text, 255, &part))
            return shape;
        first = first << 8 | part;
    }
    uint32_t prefix_length = 0;
    if (*text++ != '/' || !read_number(&text, 32, &prefix_length) || *text != '\0')
        return shape;
    if (first & ~mask_of((uint8_t)prefix_length))
        return "the address has bits set below the prefix length (expected the first address of the range)";
    *out_cidr = (struct kerf_cidr){.first = first, .prefix_length = (uint8_t)prefix_length};
    return NULL;
}

void kerf_cidr_print(struct kerf_cidr cidr, char out_text[19])
{
    snprintf(out_text, 19, "%u.%u.%u.%u/%u", cidr.first >> 24, cidr.first >> 16 & 255, cidr.first >> 8 & 255, cidr.first & 255,
             (unsigned)(cidr.prefix_length <= 32 ? cidr.prefix_length : 32));
}

uint64_t kerf_cidr_size(struct kerf_cidr cidr) { return (uint64_t)1 << (32 - cidr.prefix_length); }

bool kerf_cidr_contains(struct kerf_cidr outer, struct kerf_cidr inner)
{
    return inner.prefix_length >= outer.prefix_length && (inner.first & mask_of(outer.prefix_length)) == outer.first;
}

bool kerf_cidr_overlaps(struct kerf_cidr a, struct kerf_cidr b) { return kerf_cidr_contains(a, b) || kerf_cidr_contains(b, a); }

int64_t kerf_vpc_subnet_prefixes_max(uint8_t prefix_length)
{
    KERF_ASSERT(prefix_length >= 16);
    KERF_ASSERT(prefix_length <= 28);
    return prefix_length == 28 ? 0 : ((int64_t)1 << (28 - prefix_length)) - 2; /* the first four and the last address lie in the edge blocks */
}
