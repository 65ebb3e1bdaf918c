/* Parameters of a query or form body, decoded; and the encoding that the signature needs. */
#ifndef ICE_SIM_PARAM_H
#define ICE_SIM_PARAM_H

#include "base/attr.h"
#include "base/buf.h"
#include <stddef.h>

#define SIM_PARAMS_MAX 256

struct sim_param {
    const char *name, *value; /* NUL-terminated; may hold NULs themselves */
    size_t name_len, value_len;
};

/* Zeroed memory is empty. */
struct sim_params {
    struct sim_param items[SIM_PARAMS_MAX];
    size_t n;
    char *storage[2];
    size_t n_storage;
};

/* Decode n bytes of `in` to `out`, which has room for n + 1, and end them with a NUL; `in` and
 * `out` may be the same. Their number. */
size_t sim_param_decode(char *out, const char *in, size_t n);

/* Decode `name=value&...` and append the pairs; at most twice for one struct. `%XX` is a byte, `+`
 * a blank, a broken escape stays as it is. 0, or -1 with errno ENOMEM, or E2BIG for too many. */
int sim_params_add(struct sim_params *p, const char *text, size_t n) ICE_MUST_CHECK;

void sim_params_free(struct sim_params *p);

/* The first value of that name, or NULL. */
const char *sim_params_get(const struct sim_params *p, const char *name);

/* Append all pairs in the canonical form: sorted by name, strictly encoded. 0 or -1. */
int sim_params_canonical(const struct sim_params *p, struct buf *out) ICE_MUST_CHECK;

#endif
