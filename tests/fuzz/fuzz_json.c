/** Any bytes as JSON, beside cJSON: what both accept must be the same tree. */
#include "fuzz_documents.h"
#include "fuzz_target.h"

#include <cjson/cJSON.h>

static void compare(const struct kerf_value *ours, const cJSON *theirs)
{
    double number = 0;
    if (cJSON_IsNull(theirs)) {
        KERF_ASSERT(ours->kind == KERF_VALUE_NULL);
    } else if (cJSON_IsBool(theirs)) {
        KERF_ASSERT(strcmp(ours->text, cJSON_IsTrue(theirs) ? "true" : "false") == 0);
    } else if (cJSON_IsString(theirs)) {
        KERF_ASSERT(ours->quoted);
        KERF_ASSERT(strcmp(ours->text, theirs->valuestring) == 0);
    } else if (cJSON_IsNumber(theirs)) {
        KERF_ASSERT(!ours->quoted);
        if (ours->count < 60 && kerf_parse_double(ours->text, &number)) /* it reads the first 63 characters only */
            KERF_ASSERT(number == theirs->valuedouble);
    } else {
        KERF_ASSERT(ours->kind == (cJSON_IsObject(theirs) ? KERF_VALUE_MAP : KERF_VALUE_LIST));
        KERF_ASSERT(ours->count == (uint32_t)cJSON_GetArraySize(theirs));
        uint32_t i = 0;
        for (const cJSON *child = theirs->child; child; child = child->next, i++) {
            KERF_ASSERT(!ours->items[i].key || strcmp(ours->items[i].key, child->string) == 0);
            compare(&ours->items[i], child);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t start = size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0; /* a byte order mark says nothing about JSON */
    while (start < size && data[start] <= ' ')
        start++;
    if (start == size || (data[start] != '{' && data[start] != '['))
        return 0;
    struct kerf_documents *documents = kerf_documents_new();
    struct kerf_errors *errs = kerf_errors_new();
    enum kerf_status status = kerf_documents_read_bytes(documents, "fuzz", data, size, errs);
    char *text = kerf_allocate(size + 1);
    memcpy(text, data, size);
    cJSON *theirs = status == KERF_OK && documents->list.count == 1 ? cJSON_ParseWithOpts(text, NULL, 1) : NULL;
    if (theirs)
        compare(&documents->list.items[0]->root, theirs);
    cJSON_Delete(theirs);
    free(text);
    kerf_documents_free(documents);
    kerf_errors_free(errs);
    fuzz_round_trip(data, size);
    return 0;
}
