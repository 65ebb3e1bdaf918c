/* One parser for each kind of number from outside. All reject empty text, signs, blanks, trailing
 * junk and what is out of range; 0 or -1. */
#ifndef ICE_BASE_NUM_H
#define ICE_BASE_NUM_H

#include "base/attr.h"
#include <stdint.h>

int num_parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *out) ICE_MUST_CHECK;

/* Durations: `5`, `5s`, `500ms`, `10m`, `24h`, `7d`; a bare number is seconds. Decimals allowed
 * (`0.5`, `1.5h`). The result is in milliseconds; at most 100 years. */
int num_parse_duration(const char *text, int64_t *ms) ICE_MUST_CHECK;

/* Sizes: bytes, or with K, M, G, T (powers of 1024). */
int num_parse_size(const char *text, uint64_t *bytes) ICE_MUST_CHECK;

/* Octal file modes, `0` to `0777`. */
int num_parse_mode(const char *text, uint32_t *mode) ICE_MUST_CHECK;

#define NUM_DOUBLE_LEN 32

/* The shortest decimal text that reads back as the same double: 30.5, 100, 1e+300. */
void num_format_double(double value, char out[NUM_DOUBLE_LEN]);

#endif
