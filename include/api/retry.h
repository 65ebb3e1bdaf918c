/* The retry policy: a pure function of what happened, how often, and a random number. */
#ifndef ICE_API_RETRY_H
#define ICE_API_RETRY_H

#include "api/errors.h"
#include <stdbool.h>
#include <stdint.h>

enum retry_action {
    RETRY_NO,         /* final: tell the readers */
    RETRY_AFTER,      /* ask again after delay_ms */
    RETRY_RENEW_KEYS, /* renew the credentials, then ask again, once */
    RETRY_CLOCK, /* the clock offset has been learnt from the answer: ask again at once, once */
};

struct retry_step {
    enum retry_action action;
    int64_t delay_ms; /* RETRY_AFTER: until the next call. RETRY_NO: for so long the refresh should
                         not ask anew of itself, 0 for no such wish. Else 0. */
};

#define RETRY_BASE_MS      200
#define RETRY_CEILING_MS   20000
#define RETRY_AFTER_MAX_MS 120000 /* the SDKs wait no longer either */
#define RETRY_DENIED_MS    60000  /* permissions, keys and clocks are mended by people */

/* `attempt`: failures so far in this look-up, this one included (1, 2, ...). `renewed`,
 * `clock_corrected`: that remedy was tried in this look-up already. `retry_after_ms`: the service's
 * own wish, 0 for none. `random`: any 64 random bits; the delay is drawn from [half, whole] of the
 * exponential step, and is never shorter than the service's wish. */
struct retry_step retry_decide(enum api_class c, unsigned attempt, bool renewed,
                               bool clock_corrected, int64_t retry_after_ms, uint64_t random);

#endif
