/**
 * status: how a function of kerf says that it could not do its work, and where in the user's input the reason lies.
 *
 * A status is for the machine and for the user's input. What the simulated world refuses (a pod without a place, a full
 * subnet) is an ordinary outcome, never a status. Bugs of ours are asserted (base/base.h).
 */
#ifndef KERF_STATUS_H
#define KERF_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define KERF_MUST_CHECK __attribute__((warn_unused_result))
#define KERF_PRINTF(format_index, first_index) __attribute__((format(printf, format_index, first_index)))

enum kerf_status {
    KERF_OK = 0,
    KERF_E_INPUT, /* someone's file or flag is wrong: the places are in kerf_errors */
    KERF_E_IO,    /* the machine failed us: a file could not be read or written */
};

/** Pass a failure up unchanged; the origin knows best. */
#define KERF_TRY(expression)                                                                                                      \
    do {                                                                                                                          \
        enum kerf_status kerf_try_status_ = (expression);                                                                         \
        if (kerf_try_status_ != KERF_OK)                                                                                          \
            return kerf_try_status_;                                                                                              \
    } while (0)

/**
 * A place in the user's input: file (borrowed, lives as long as the errors), line and column counted from 1 (0: unknown),
 * and the path of the value inside its document, such as `spec.limits.cpu` (NULL: none).
 */
struct kerf_place {
    const char *file;
    uint32_t line;
    uint32_t column;
    const char *path;
};

/** A bounded list of errors and warnings. Readers go on after an error and report several. */
struct kerf_errors;

struct kerf_errors *kerf_errors_new(void);
void kerf_errors_free(struct kerf_errors *errs);

/** Adds an error "file:line:column: path: message" and returns KERF_E_INPUT. The text is copied. Beyond 50 only
 *  the count grows. Equal errors at the same place are kept once. */
enum kerf_status kerf_errors_add(struct kerf_errors *errs, struct kerf_place place, const char *format, ...) KERF_PRINTF(3, 4);

/** The same for a failure of the machine; returns KERF_E_IO. */
enum kerf_status kerf_errors_add_io(struct kerf_errors *errs, struct kerf_place place, const char *format, ...) KERF_PRINTF(3, 4);

/** Adds a warning: printed, but nothing fails. Equal warnings at the same place are kept once. */
void kerf_errors_warn(struct kerf_errors *errs, struct kerf_place place, const char *format, ...) KERF_PRINTF(3, 4);

size_t kerf_errors_count(const struct kerf_errors *errs);   /* errors, those beyond the bound included */
size_t kerf_warnings_count(const struct kerf_errors *errs);

/** Writes errors and warnings in the order in which they were found, one line each; then forgets the warnings that it printed. */
void kerf_errors_print(struct kerf_errors *errs, FILE *stream);

/** The status that a command should end with: KERF_E_IO if one was added, else KERF_E_INPUT if any error, else KERF_OK. */
enum kerf_status kerf_errors_status(const struct kerf_errors *errs);

#endif
