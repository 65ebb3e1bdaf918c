/* Is the request signed with ACS3-HMAC-SHA256 by the one key pair? Written against the published
 * algorithm: the request is taken apart and put together again, and nothing of what the client
 * claims to have signed is believed. */
#ifndef ICE_SIM_VERIFY_H
#define ICE_SIM_VERIFY_H

#include "base/buf.h"
#include "sim/nonce.h"
#include "sim/param.h"
#include "sim/request.h"

struct sim_keys {
    char id[128];
    char secret[128];
    char token[4096]; /* "": temporary keys are not asked for */
};

#define SIM_SKEW_MAX_S INT64_C(900)

/* Why a request is refused. */
struct sim_refusal {
    const char *code; /* NULL: not refused */
    struct buf message;
};

/* Check headers, date, nonce, key and signature. `query` holds the parameters of the target. The
 * nonce is remembered whatever the outcome. 0 (see `refusal`) or -1 without memory. */
int sim_verify(const struct sim_request *r, const struct sim_params *query,
               const struct sim_keys *keys, int64_t now_s, struct sim_nonces *nonces,
               struct sim_refusal *refusal) ICE_MUST_CHECK;

/* The steps of the algorithm, to hold them against the vectors. They append. 0 or -1. */
int sim_verify_canonical(const struct sim_request *r, const struct sim_params *query,
                         struct buf *out) ICE_MUST_CHECK;
int sim_verify_string_to_sign(const char *canonical, size_t n, struct buf *out) ICE_MUST_CHECK;

#define SIM_HEX_LEN 65

/* The signature that the request ought to have. 0 or -1. */
int sim_verify_signature(const struct sim_request *r, const struct sim_params *query,
                         const char *secret, char out[SIM_HEX_LEN]) ICE_MUST_CHECK;

#endif
