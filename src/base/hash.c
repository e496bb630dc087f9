/** A hash of bytes that is the same on every machine. Eight bytes at a time; not meant to withstand an adversary. */
#include "base/base.h"

static uint64_t load_little_endian(const unsigned char *bytes, size_t length)
{
    uint64_t word = 0;
    memcpy(&word, bytes, length);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

uint64_t kerf_hash_bytes(const void *bytes, size_t length)
{
    const unsigned char *rest = bytes;
    uint64_t hash = 0x243f6a8885a308d3u ^ length;
    size_t left = length;
    for (; left >= 8; left -= 8, rest += 8)
        hash = kerf_hash_mix(hash, load_little_endian(rest, 8));
    if (left)
        hash = kerf_hash_mix(hash, load_little_endian(rest, left));
    return kerf_hash_mix(hash, length);
}

uint64_t kerf_hash_text(const char *text)
{
    return kerf_hash_bytes(text, strlen(text));
}
