/* Errors as values with a message.
 *
 * A function that can fail takes a `struct err *` last, leaves it untouched on success, and on
 * failure returns -1 or NULL and puts one line into it: what was being done, to what, and why it
 * failed. Only the edge decides to log, print or drop it. NULL is allowed where nobody wants the
 * text. Never allocates. */
#ifndef ICE_BASE_ERR_H
#define ICE_BASE_ERR_H

#include "base/attr.h"

#define ERR_TEXT_MAX 1024 /* bytes with the NUL; longer texts are cut, at a UTF-8 character */

struct err {
    char text[ERR_TEXT_MAX];
};

/* Set the text. Returns -1, so that `return err_set(...)` reads well. Control characters become
 * '?'. The arguments may point into the old text. */
int err_set(struct err *err, const char *fmt, ...) ICE_PRINTF(2, 3);

/* Put "prefix: " before the text that is there. Returns -1. */
int err_prefix(struct err *err, const char *fmt, ...) ICE_PRINTF(2, 3);

#endif
