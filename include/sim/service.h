/* The service without the wire: a request goes in, a reply comes out. One thread only. Pure but for
 * its own state: the clocks are arguments, randomness comes from the seed. */
#ifndef ICE_SIM_SERVICE_H
#define ICE_SIM_SERVICE_H

#include "sim/clock.h"
#include "sim/fault.h"
#include "sim/reply.h"
#include "sim/request.h"
#include "sim/stats.h"
#include "sim/verify.h"
#include "sim/world.h"

#define SIM_ACTION_GET  "GetMediaProducingJob"
#define SIM_ACTION_LIST "ListMediaProducingJobs"
#define SIM_VERSION     "2020-11-09"

struct sim_service {
    struct sim_world world;
    struct sim_clock clock;
    struct sim_faults faults;
    struct sim_stats stats;
    struct sim_nonces nonces;
    struct sim_window admitted; /* calls let through by the throttle */
    struct sim_keys keys;
    uint64_t qps;                    /* throttle; 0: none */
    int64_t throttle_retry_after_ms; /* 0: the header is not sent */
    uint64_t n_requests;             /* made the request ids so far */
};

struct sim_config {
    uint64_t seed;
    uint64_t jobs;
    int64_t span_ms;
    int64_t every_ms;
    double speed;
    uint64_t qps;
    struct sim_keys keys;
};

struct sim_service *sim_service_new(const struct sim_config *config, struct sim_now now,
                                    struct err *err);
void sim_service_free(struct sim_service *s);

/* Answer a call (whatever its path) into an initialised reply. 0 or -1 without memory. */
int sim_service_call(struct sim_service *s, const struct sim_request *r, struct sim_now now,
                     struct sim_reply *reply) ICE_MUST_CHECK;

/* Append the reply body of Get, exactly as a call would have it now. 1, 0: no such job, -1. */
int sim_service_peek(struct sim_service *s, const char *id, struct sim_now now,
                     struct buf *out) ICE_MUST_CHECK;

/* An upper-case UUID, a fresh one each time. */
void sim_service_request_id(struct sim_service *s, char out[37]);

#endif
