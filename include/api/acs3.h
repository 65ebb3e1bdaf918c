/* The request signature ACS3-HMAC-SHA256 (Alibaba Cloud "signature V3").
 *
 * Pure: date, nonce and body hash are among the headers that the caller gives. Source: the
 * published algorithm and the official SDKs; tests/data/acs3.json holds what the SDKs make of the
 * same input. */
#ifndef ICE_API_ACS3_H
#define ICE_API_ACS3_H

#include "base/err.h"
#include <stddef.h>

struct buf;

/* Algorithms fetched from OpenSSL once (EVP_MD_fetch, EVP_MAC_fetch), and what works with them;
 * shared by all threads. */
struct acs3;

struct acs3 *acs3_new(struct err *err);
void acs3_free(struct acs3 *s);

struct acs3_pair {
    const char *name;
    const char *value;
};

#define ACS3_PAIRS_MAX 128 /* most query parameters, and most signed headers, of one request */

/* All borrowed for the call. */
struct acs3_request {
    const char *method;            /* "POST" */
    const char *path;              /* as in the request line, "/" for RPC */
    const struct acs3_pair *query; /* not encoded, any order */
    size_t n_query;
    const struct acs3_pair
        *headers; /* any case and order; host, content-type and x-acs-* get signed, others not */
    size_t n_headers;
    const void *body;
    size_t body_len;
    const char *key_id;
    const char *key_secret;
};

#define ACS3_HEX_LEN 65 /* 64 lower-case hex digits and the NUL */

/* Lower-case hex SHA-256, for x-acs-content-sha256 too. 0 or -1. */
int acs3_sha256_hex(struct acs3 *s, const void *bytes, size_t n, char out[ACS3_HEX_LEN],
                    struct err *err);

/* The steps, so that each can be held against the vectors. They append to `out` (whose ceiling
 * applies). 0 or -1. The canonical request holds the security token if one is sent: wipe it. */
int acs3_canonical_query(const struct acs3_request *r, struct buf *out, struct err *err);
int acs3_canonical_request(struct acs3 *s, const struct acs3_request *r, struct buf *out,
                           struct err *err);
int acs3_string_to_sign(struct acs3 *s, const struct acs3_request *r, struct buf *out,
                        struct err *err);

/* Append the value of the Authorization header. 0 or -1; `err` never contains key material. */
int acs3_authorization(struct acs3 *s, const struct acs3_request *r, struct buf *out,
                       struct err *err);

/* Append percent-encoded text: A-Z a-z 0-9 - _ . ~ stay, all else is %XX. 0 or -1 (errno of
 * buf_add). */
int acs3_percent_encode(const char *text, struct buf *out);

#endif
