/* The control path `/_sim/`: what tests and benchmarks do to the service. docs/simulator.md is its
 * manual. */
#ifndef ICE_SIM_CONTROL_H
#define ICE_SIM_CONTROL_H

#include "sim/service.h"

bool sim_control_owns(const char *target);

/* Answer into an initialised reply. 0 or -1 without memory. */
int sim_control_call(struct sim_service *s, const struct sim_request *r, struct sim_now now,
                     struct sim_reply *reply) ICE_MUST_CHECK;

#endif
