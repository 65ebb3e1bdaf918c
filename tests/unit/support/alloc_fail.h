/* Make the n-th allocation fail: run a case with n = 1, 2, ... until it passes untouched; nothing
 * may leak or crash.
 *
 *   for (unsigned n = 1;; n++) {
 *       alloc_fail_at(n);
 *       ... the case; failure is fine, a crash or a leak is not ...
 *       if (!alloc_fail_fired())
 *           break;
 *   }
 *
 * Works on malloc, calloc, realloc, strdup and strndup called from our own objects (linker --wrap).
 * Per thread. */
#ifndef TEST_ALLOC_FAIL_H
#define TEST_ALLOC_FAIL_H

#include <stdbool.h>

void alloc_fail_at(unsigned n); /* 0: never */
bool alloc_fail_fired(void);    /* since alloc_fail_at; also switches it off */

#endif
