/* Nonces seen of late: two generations of hashes, so that each is remembered for at least
 * SIM_NONCE_KEEP_S, in bounded memory. Zeroed memory is empty. */
#ifndef ICE_SIM_NONCE_H
#define ICE_SIM_NONCE_H

#include "base/attr.h"
#include <stddef.h>
#include <stdint.h>

#define SIM_NONCE_KEEP_S INT64_C(1200)
#define SIM_NONCE_MAX    (UINT64_C(1) << 20) /* of one generation; more of them live shorter */

struct sim_nonce_set {
    uint64_t *slots; /* 0: free */
    size_t cap, used;
};

struct sim_nonces {
    struct sim_nonce_set young, old;
    int64_t turned_s; /* when the younger generation began */
};

/* 1: seen before; 0: new, and remembered; -1: no memory. */
int sim_nonce_seen(struct sim_nonces *n, const char *nonce, int64_t now_s) ICE_MUST_CHECK;

void sim_nonces_free(struct sim_nonces *n);

#endif
