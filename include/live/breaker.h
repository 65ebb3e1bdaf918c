/* The circuit breaker: known down after 5 temporary failures in a row over at least one second; up
 * with the first answer of any other kind. Pure. */
#ifndef ICE_LIVE_BREAKER_H
#define ICE_LIVE_BREAKER_H

#include "api/errors.h"
#include <stdbool.h>
#include <stdint.h>

struct breaker { /* zeroed: closed */
    unsigned failures;
    int64_t first_ms;
    bool open;
};

/* Tell it what an attempt came to. Returns whether the state changed. */
bool breaker_note(struct breaker *b, enum api_class class, int64_t now_ms);

#endif
