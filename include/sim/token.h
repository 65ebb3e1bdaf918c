/* NextToken: the sort key of the last job shown, made opaque. Base64 with `+` and `=` in it, so
 * that a client that does not encode its parameters is found out. */
#ifndef ICE_SIM_TOKEN_H
#define ICE_SIM_TOKEN_H

#include "base/attr.h"
#include <stdint.h>

struct sim_token {
    int64_t create_s;
    uint64_t order;
    uint32_t query; /* digest of the filters: a token serves its own query only */
};

#define SIM_TOKEN_LEN 33 /* with the NUL */

void sim_token_write(const struct sim_token *t, char out[SIM_TOKEN_LEN]);

/* 0, or -1 when it is not such a token. */
int sim_token_read(const char *text, struct sim_token *t) ICE_MUST_CHECK;

#endif
