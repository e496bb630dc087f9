/**
 * output: a file that is there whole or not at all. What is written shows under its name only when it is complete, so that neither
 * a full disk nor an interrupt leaves half a file, and what was there before stays until then.
 */
#ifndef KERF_OUTPUT_H
#define KERF_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

/** All zero is closed. */
struct kerf_output {
    FILE *stream; /* to write to; NULL: closed */
    char *path;
    char *part; /* the name until then */
    bool is_unnamed;
};

/**
 * False with errno set when nothing can be written there. The file has no name until it is closed, or `path`.part where the file
 * system knows no files without one. What is no ordinary file (a terminal, a pipe, a link) is opened as it is.
 */
bool kerf_output_open(struct kerf_output *output, const char *path);

/** Puts the file in its place. False with errno set when it could not be written; then nothing is left of it. A closed one is true. */
bool kerf_output_close(struct kerf_output *output);

/** Makes a folder and those above it. False with errno set when it isn't there afterwards, or takes no files. */
bool kerf_output_make_folder(const char *path);

#endif
