/** Any bytes as YAML; a first line of `---` keeps flow style from being taken for JSON. */
#include "fuzz_documents.h"
#include "fuzz_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kerf_text text = {0};
    kerf_text_append(&text, "---\n");
    kerf_text_append_bytes(&text, data, size);
    fuzz_round_trip((const uint8_t *)text.bytes, text.length);
    kerf_text_fini(&text);
    return 0;
}
