/* A call on its way through the service, private to service.c and strike.c. */
#ifndef ICE_SIM_SERVICE_CALL_H
#define ICE_SIM_SERVICE_CALL_H

#include "sim/param.h"
#include "sim/service.h"

/* One call, taken apart. */
struct sim_call {
    struct sim_service *s;
    const struct sim_request *r;
    struct sim_now now;
    int64_t now_ms; /* simulated */
    struct sim_params query;
    struct sim_params params; /* of query and form */
    const char *action, *job; /* job: NULL when not named */
    bool xml;
    struct sim_strike strike;
    struct sim_reply *reply;
};

/* Make the reply an official error, in the format that the client or the fault wants. 0 or -1. */
int sim_call_fail(struct sim_call *c, const struct sim_error *e) ICE_MUST_CHECK;

/* Add the header that tells how long to wait; ms below 0: none. 0 or -1. */
int sim_call_retry_after(struct sim_call *c, int64_t ms) ICE_MUST_CHECK;

/* Do what the action says, faults aside. 0 or -1. */
int sim_call_operate(struct sim_call *c) ICE_MUST_CHECK;

/* Faults of network and gateway: the request does not matter. 1: it was one; 0: not; -1. */
int sim_strike_blindly(struct sim_call *c) ICE_MUST_CHECK;

/* Faults in place of a good answer, or of a part of it. The call has one. 0 or -1. */
int sim_strike_answer(struct sim_call *c) ICE_MUST_CHECK;

#endif
