/** Files, directories and standard input as lists of documents. */
#include "document/document_internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

struct kerf_documents *kerf_documents_new(void)
{
    struct kerf_documents *documents = kerf_allocate(sizeof *documents);
    kerf_arena_init(&documents->arena);
    documents->keys = kerf_names_new(NULL);
    return documents;
}

void kerf_documents_free(struct kerf_documents *documents)
{
    if (!documents)
        return;
    KERF_VEC_FREE(&documents->list);
    kerf_id_map_fini(&documents->near_misses);
    kerf_names_free(documents->keys);
    kerf_arena_fini(&documents->arena);
    free(documents);
}

/** As kubectl tells them apart: by the first character that is not blank. */
static bool looks_like_json(const char *bytes, size_t start, size_t length)
{
    size_t i = start;
    while (i < length && (bytes[i] == ' ' || bytes[i] == '\t' || bytes[i] == '\r' || bytes[i] == '\n'))
        i++;
    return i < length && (bytes[i] == '{' || bytes[i] == '[');
}

/** Takes the bytes and frees them as early as it can, since a large file and its tree need not lie in memory together twice. */
static enum kerf_status read_taken_bytes(struct kerf_documents *documents, const char *file, struct kerf_text *bytes,
                                         struct kerf_errors *errs)
{
    struct kerf_tree tree = {.documents = documents, .errs = errs, .file = kerf_arena_text(&documents->arena, file)};
    const char *text = bytes->bytes ? bytes->bytes : "";
    size_t length = bytes->length;
    size_t start = 0;
    enum kerf_status status = kerf_input_check(tree.file, text, length, &start, errs);
    if (status == KERF_OK && looks_like_json(text, start, length)) {
        char *copy = kerf_arena_copy(&documents->arena, text, length + 1);
        kerf_text_fini(bytes);
        tree.format = KERF_FORMAT_JSON;
        status = kerf_json_read(&tree, copy, start, length);
    } else if (status == KERF_OK) {
        tree.format = KERF_FORMAT_YAML;
        status = kerf_yaml_read(&tree, text, start, length);
    }
    kerf_text_fini(bytes);
    kerf_tree_fini(&tree);
    return status;
}

enum kerf_status kerf_documents_read_bytes(struct kerf_documents *documents, const char *file, const void *bytes, size_t length,
                                           struct kerf_errors *errs)
{
    struct kerf_text copy = {0};
    if (length > (size_t)1 << 30)
        return kerf_errors_add(errs, (struct kerf_place){.file = file}, "more than 1 GiB was found; expected a text of less");
    kerf_text_append_bytes(&copy, bytes, length);
    return read_taken_bytes(documents, file, &copy, errs);
}

static enum kerf_status read_file(struct kerf_documents *documents, const char *path, bool may_be_empty, struct kerf_errors *errs)
{
    struct kerf_text bytes = {0};
    const char *name = kerf_input_name(path);
    size_t count_before = documents->list.count;
    enum kerf_status status = kerf_input_read(path, &bytes, errs);
    if (status != KERF_OK) {
        kerf_text_fini(&bytes);
        return status;
    }
    bool is_empty = bytes.length == 0;
    KERF_TRY(read_taken_bytes(documents, name, &bytes, errs));
    if (documents->list.count == count_before && !may_be_empty)
        return kerf_errors_add(errs, (struct kerf_place){.file = name},
                               is_empty ? "is empty; expected a YAML or JSON document"
                                        : "holds no document, only blanks or comments; expected a YAML or JSON document");
    return KERF_OK;
}

/* ---- directories ---- */

static bool is_document_name(const char *name)
{
    static const char *const endings[] = {".yaml", ".yml", ".json"};
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t ending_length = strlen(endings[i]);
        if (name[0] != '.' && length > ending_length && strcmp(name + length - ending_length, endings[i]) == 0)
            return true;
    }
    return false;
}

static int compare_texts(const void *a, const void *b, void *context)
{
    (void)context;
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum kerf_status read_directory(struct kerf_documents *documents, const char *path, struct kerf_errors *errs)
{
    struct kerf_place place = {.file = path};
    DIR *directory = opendir(path);
    if (!directory)
        return kerf_errors_add(errs, place, "cannot be opened: %s", strerror(errno));
    KERF_VEC(char *) files = {0};
    const char *slash = path[strlen(path) - 1] == '/' ? "" : "/"; /* "" is no directory, so there is a last character */
    for (const struct dirent *entry = readdir(directory); entry; entry = readdir(directory))
        if (is_document_name(entry->d_name))
            KERF_VEC_PUSH(&files, kerf_arena_format(&documents->arena, "%s%s%s", path, slash, entry->d_name));
    closedir(directory);
    kerf_sort(files.items, files.count, sizeof *files.items, compare_texts, NULL);
    enum kerf_status status = KERF_OK;
    if (files.count == 0)
        status = kerf_errors_add(errs, place, "this directory holds no *.yaml, *.yml or *.json");
    for (size_t i = 0; i < files.count; i++) {
        enum kerf_status read = read_file(documents, files.items[i], true, errs);
        status = status == KERF_OK || read == KERF_E_IO ? read : status;
    }
    KERF_VEC_FREE(&files);
    return status;
}

enum kerf_status kerf_documents_read_files(struct kerf_documents *documents, const char *const *paths, size_t path_count,
                                           struct kerf_errors *errs)
{
    enum kerf_status status = KERF_OK;
    for (size_t i = 0; i < path_count; i++) {
        struct stat about;
        bool is_directory = strcmp(paths[i], "-") != 0 && stat(paths[i], &about) == 0 && S_ISDIR(about.st_mode);
        enum kerf_status read =
            is_directory ? read_directory(documents, paths[i], errs) : read_file(documents, paths[i], false, errs);
        status = status == KERF_OK || read == KERF_E_IO ? read : status;
    }
    return status;
}

char *kerf_path_beside(struct kerf_arena *arena, const char *file, const char *path)
{
    const char *slash = strrchr(file, '/');
    if (path[0] == '/' || !slash)
        return kerf_arena_text(arena, path);
    return kerf_arena_format(arena, "%.*s/%s", (int)(slash - file), file, path);
}
