/* A request as it came over the wire, and the times at which it came. */
#ifndef ICE_SIM_REQUEST_H
#define ICE_SIM_REQUEST_H

#include <stddef.h>
#include <stdint.h>

struct sim_header {
    const char *name, *value;
};

#define SIM_HEADERS_MAX 64

/* All borrowed. */
struct sim_request {
    const char *method;
    const char *target; /* path and query as sent, not decoded */
    struct sim_header headers[SIM_HEADERS_MAX];
    size_t n_headers;
    const char *body;
    size_t body_len;
};

struct sim_now {
    int64_t mono_ns; /* CLOCK_MONOTONIC */
    int64_t real_ns; /* CLOCK_REALTIME */
};

/* The first value of that name (any case), or NULL. */
const char *sim_request_header(const struct sim_request *r, const char *name);

#endif
