/** Any bytes as the texts that options and keys hold: numbers, quantities, durations, moments, schedules, ranges, settings, patterns. */
#include "autoscaling/autoscaling_internal.h"
#include "document/document.h"
#include "fuzz_target.h"
#include "kerf/vpc.h"
#include "model/model.h"

#include <stdlib.h>

static const kerf_time_us YEAR_9000_US = INT64_C(221845392000000000);

static void try_numbers(const char *text)
{
    int64_t whole, amount;
    uint64_t natural;
    double number;
    if (kerf_parse_i64(text, &whole))
        KERF_ASSERT(whole < 0 || (kerf_parse_u64(text[0] == '+' ? text + 1 : text, &natural) && natural == (uint64_t)whole) || text[0] == '-');
    if (kerf_parse_double(text, &number))
        KERF_ASSERT(number == number && number - number == 0);
    static const enum kerf_resource resources[] = {KERF_RESOURCE_CPU, KERF_RESOURCE_MEMORY, KERF_RESOURCE_PODS};
    for (size_t i = 0; i < 3; i++) {
        int scale = kerf_resource_scale(resources[i]);
        if (!kerf_quantity_parse(text, scale, KERF_ROUND_UP, &amount))
            continue;
        KERF_ASSERT(kerf_quantity_parse_saturating(text, scale, KERF_ROUND_UP, &whole) && whole == amount);
        char written[64];
        kerf_quantity_format(resources[i], amount, written, sizeof written);
        KERF_ASSERT(kerf_quantity_parse(written, scale, KERF_ROUND_UP, &whole) && whole == amount);
    }
}

static void try_times(const char *text)
{
    kerf_time_us us;
    struct kerf_cron cron;
    (void)kerf_parse_time(text, &us);
    (void)kerf_parse_duration(text, &us);
    if (!kerf_cron_parse(text, &cron))
        return;
    kerf_time_us after = 0;
    for (int i = 0; i < 3; i++) {
        kerf_time_us next = kerf_cron_next(&cron, after);
        KERF_ASSERT(next > after);
        if (next > YEAR_9000_US) /* never */
            break;
        after = next;
    }
}

static void try_network(const char *text)
{
    struct kerf_cidr cidr, again;
    if (!kerf_cidr_parse(text, &cidr)) {
        char written[19];
        kerf_cidr_print(cidr, written);
        KERF_ASSERT(!kerf_cidr_parse(written, &again) && kerf_cidr_contains(cidr, again) && kerf_cidr_contains(again, cidr));
        KERF_ASSERT(kerf_cidr_size(cidr) >= 1);
    }
    const char *equals = strchr(text, '=');
    if (!equals)
        return;
    char *name = kerf_allocate((size_t)(equals - text) + 1);
    memcpy(name, text, (size_t)(equals - text));
    struct kerf_cni_settings settings = kerf_cni_settings_default();
    (void)kerf_cni_settings_read(&settings, name, equals + 1);
    (void)kerf_cni_settings_refusal(&settings);
    free(name);
}

/** The pattern is the first line, what it is looked for in the rest. */
static void try_pattern(char *text)
{
    struct kerf_arena arena;
    kerf_arena_init(&arena);
    char *end = strchr(text, '\n');
    if (end)
        *end = '\0';
    const struct name_pattern *pattern = kerf_name_pattern_new(&arena, text);
    if (pattern)
        (void)kerf_name_pattern_finds(pattern, end ? end + 1 : "");
    kerf_arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = kerf_allocate(size + 1);
    memcpy(text, data, size);
    try_numbers(text);
    try_times(text);
    try_network(text);
    try_pattern(text);
    free(text);
    return 0;
}
