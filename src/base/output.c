/** Files without a name until they are complete: the kernel removes them whatever ends the process. */
#include "kerf/output.h"

#include "base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DESCRIPTOR_PATH_BYTES = 40 };

static char *copy_text(const char *text, const char *ending)
{
    struct kerf_text copy = {0};
    kerf_text_append(&copy, text);
    kerf_text_append(&copy, ending);
    return copy.bytes;
}

static void forget(struct kerf_output *output)
{
    free(output->path);
    free(output->part);
    *output = (struct kerf_output){0};
}

/** The folder that a file lies in. */
static char *folder_of(const char *path)
{
    char *folder = copy_text(path, "");
    char *slash = strrchr(folder, '/');
    if (!slash) {
        free(folder);
        return copy_text(".", "");
    }
    slash[slash == folder] = 0;
    return folder;
}

/** -1 where the file system has none, or its name could not be given later (no /proc). */
static int open_unnamed(const char *path)
{
    if (access("/proc/self/fd", X_OK) != 0)
        return -1;
    char *folder = folder_of(path);
    int descriptor = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
    free(folder);
    return descriptor;
}

bool kerf_output_open(struct kerf_output *output, const char *path)
{
    *output = (struct kerf_output){.path = copy_text(path, ""), .part = copy_text(path, ".part")};
    struct stat about;
    bool is_there = lstat(path, &about) == 0;
    int descriptor = -1;
    if (!*path)
        errno = ENOENT;
    else if (is_there && !S_ISREG(about.st_mode))
        descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666); /* a folder refuses that */
    else if (!is_there || access(path, W_OK) == 0) {
        descriptor = open_unnamed(path);
        output->is_unnamed = descriptor >= 0;
        if (descriptor < 0)
            descriptor = open(output->part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    }
    if (is_there && !S_ISREG(about.st_mode)) {
        free(output->part);
        output->part = NULL;
    }
    output->stream = descriptor >= 0 ? fdopen(descriptor, "w") : NULL;
    if (output->stream)
        return true;
    int reason = errno;
    if (descriptor >= 0)
        close(descriptor);
    forget(output);
    errno = reason;
    return false;
}

static bool give_name(const struct kerf_output *output)
{
    char descriptor_path[DESCRIPTOR_PATH_BYTES];
    snprintf(descriptor_path, sizeof descriptor_path, "/proc/self/fd/%d", fileno(output->stream));
    unlink(output->part); /* of a run that was ended just here */
    return linkat(AT_FDCWD, descriptor_path, AT_FDCWD, output->part, AT_SYMLINK_FOLLOW) == 0;
}

bool kerf_output_close(struct kerf_output *output)
{
    if (!output->stream)
        return true;
    errno = 0;
    bool is_whole = fflush(output->stream) == 0 && !ferror(output->stream);
    int reason = is_whole ? 0 : errno ? errno : EIO; /* what failed earlier left no number */
    if (is_whole && output->is_unnamed && !give_name(output)) {
        is_whole = false;
        reason = errno;
    }
    if (fclose(output->stream) != 0 && is_whole) {
        is_whole = false;
        reason = errno;
    }
    if (output->part && is_whole && rename(output->part, output->path) != 0) {
        is_whole = false;
        reason = errno;
    }
    if (output->part && !is_whole)
        unlink(output->part);
    forget(output);
    errno = reason;
    return is_whole;
}

bool kerf_output_make_folder(const char *path)
{
    if (!*path) {
        errno = ENOENT;
        return false;
    }
    char *folder = copy_text(path, "");
    for (char *slash = folder + 1; *slash; slash++)
        if (*slash == '/') {
            *slash = 0;
            mkdir(folder, 0777); /* what can't be made shows below */
            *slash = '/';
        }
    struct stat about;
    bool is_made = mkdir(folder, 0777) == 0 || errno == EEXIST;
    if (is_made && stat(folder, &about) == 0 && !S_ISDIR(about.st_mode)) {
        errno = ENOTDIR;
        is_made = false;
    }
    is_made = is_made && access(folder, W_OK | X_OK) == 0;
    int reason = errno;
    free(folder);
    errno = reason;
    return is_made;
}
