#include "kerf/output.h"

#include "base/base.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/kerf_output_XXXXXX";
static char path[200];

static void enter(void)
{
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
    snprintf(path, sizeof path, "%s/file", folder);
}

static void leave(void)
{
    cr_assert_eq(chdir("/"), 0);
    unlink(path);
    cr_expect_eq(rmdir(folder), 0, "something is left in %s", folder);
}

TestSuite(output, .init = enter, .fini = leave);

static void expect_content(const char *want)
{
    char content[100] = "";
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file);
    content[fread(content, 1, sizeof content - 1, file)] = '\0';
    fclose(file);
    cr_expect_str_eq(content, want);
}

static void write_file(const char *name, const char *text)
{
    struct kerf_output output;
    cr_assert(kerf_output_open(&output, name));
    fputs(text, output.stream);
    cr_assert(kerf_output_close(&output));
}

Test(output, is_there_when_it_is_whole)
{
    struct kerf_output output;
    cr_assert(kerf_output_open(&output, "file"));
    fputs("new", output.stream);
    fflush(output.stream);
    cr_expect_neq(access("file", F_OK), 0);
    cr_assert(kerf_output_close(&output));
    expect_content("new");
    cr_expect(kerf_output_close(&output), "a closed one is closed");
}

Test(output, leaves_the_old_one_until_then)
{
    write_file(path, "old and longer");
    struct kerf_output output;
    cr_assert(kerf_output_open(&output, path));
    fputs("new", output.stream);
    fflush(output.stream);
    expect_content("old and longer");
    cr_assert(kerf_output_close(&output));
    expect_content("new");
}

Test(output, follows_links_and_takes_devices)
{
    write_file(path, "old");
    cr_assert_eq(symlink("file", "link"), 0);
    write_file("link", "new");
    expect_content("new");
    struct stat about;
    cr_expect_eq(lstat("link", &about), 0);
    cr_expect(S_ISLNK(about.st_mode));
    unlink("link");
    write_file("/dev/null", "new");
    cr_expect_eq(lstat("/dev/null", &about), 0);
    cr_expect(S_ISCHR(about.st_mode));
}

Test(output, says_why_not)
{
    struct kerf_output output;
    cr_expect_not(kerf_output_open(&output, ""));
    cr_expect_eq(errno, ENOENT);
    cr_expect_not(kerf_output_open(&output, "no/file"));
    cr_expect_eq(errno, ENOENT);
    cr_expect_not(kerf_output_open(&output, "."));
    cr_expect_eq(errno, EISDIR);
    cr_assert(kerf_output_open(&output, "/dev/full"));
    for (int i = 0; i < 100000; i++)
        fputs("text", output.stream);
    cr_expect_not(kerf_output_close(&output));
    cr_expect_eq(errno, ENOSPC);
}

Test(output, makes_folders)
{
    cr_expect(kerf_output_make_folder("a/b//c"));
    cr_expect(kerf_output_make_folder("a/b/c/"));
    cr_expect_eq(rmdir("a/b/c"), 0);
    cr_expect_eq(rmdir("a/b"), 0);
    cr_expect_eq(rmdir("a"), 0);
    write_file(path, "");
    cr_expect_not(kerf_output_make_folder("file"));
    cr_expect_eq(errno, ENOTDIR);
    cr_expect_not(kerf_output_make_folder("file/below"));
    cr_expect_eq(errno, ENOTDIR);
    cr_expect_not(kerf_output_make_folder(""));
    cr_expect_eq(errno, ENOENT);
}
