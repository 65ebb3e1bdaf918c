/* A signed call of the ICE API as bytes to send. Pure: date and nonce are arguments. Private to the
 * two operations. */
#ifndef ICE_API_ICE_REQUEST_H
#define ICE_API_ICE_REQUEST_H

#include "api/acs3.h"
#include "api/http.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

#define ICE_VERSION     "2020-11-09"
#define ICE_REQUEST_MAX ((size_t)64 << 10) /* the most bytes of a URL */
#define ICE_HEADERS_MAX 11

/* Where to: an endpoint taken apart once. */
struct ice_host {
    char *url;  /* http(s)://host[:port] */
    char *host; /* what the Host header says, and what is signed: no port that is the default */
};

/* 0, or -1 with `err`: not such a URL, or no memory. ice_host_free in either case. */
int ice_host_parse(const char *endpoint, struct ice_host *out, struct err *err);
void ice_host_free(struct ice_host *h);

/* All borrowed for the life of the request made of it. */
struct ice_request_input {
    const struct ice_host *host;
    const char *action;
    const struct acs3_pair *query; /* not encoded */
    size_t n_query;
    const char *key_id;
    const char *key_secret;
    const char *token; /* NULL: a permanent pair */
    int64_t unix_s;    /* for x-acs-date */
    const char *nonce; /* never the same twice */
};

struct ice_request {
    struct buf url;
    struct buf authorization;
    char date[CLOCK_ISO_LEN];
    struct http_header headers[ICE_HEADERS_MAX];
    size_t n_headers;
};

/* `out` is filled from zero. 0, or -1 with `err`; ice_request_free in either case. Method POST, no
 * body. */
int ice_request_build(struct acs3 *signer, const struct ice_request_input *in,
                      struct ice_request *out, struct err *err);
void ice_request_free(struct ice_request *r);

#endif
