/* One value of one option: text -> number, word or file name, and the words that say what is
 * allowed. Pure but for the user database (names of users and groups). */
#ifndef ICE_CLI_OPTION_VALUE_H
#define ICE_CLI_OPTION_VALUE_H

#include "base/err.h"
#include <stddef.h>

struct option_row;

/* Read `value` (NULL: the bare name) and store it at `slot`, of the type that the row's kind has; a
 * text there is freed. 0, or -1 with `slot` unchanged. */
int option_value_read(const struct option_row *row, const char *value, const char *cwd, void *slot,
                      struct err *err);

#define OPTION_RANGE_MAX 64

/* "0s to 7d", "1 to 100000", "0000 to 0777"; "" for kinds without a range. */
void option_value_range(const struct option_row *row, char out[OPTION_RANGE_MAX]);

#endif
