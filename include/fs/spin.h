/* When to wait awake for the next request. Most of a round trip is the waking of a sleeping server:
 * a reader who asks again at once is answered several times faster by one that has not gone to
 * sleep.
 *
 * At most SPIN_NS after a request; and where waiting awake has not paid, ever more of the chances
 * are let pass (up to SPIN_SKIP_MAX in a row), so that a trickle of requests costs nothing. One
 * that paid ends the caution. Pure: the time is an argument. */
#ifndef ICE_FS_SPIN_H
#define ICE_FS_SPIN_H

#include <stdbool.h>
#include <stdint.h>

#define SPIN_NS       INT64_C(50000)
#define SPIN_SKIP_MAX 256U

/* Zeroed at the start. */
struct spin {
    int64_t since_ns; /* waiting awake since then, 0: not */
    unsigned caution; /* chances to let pass after the next one that does not pay */
    unsigned skip;    /* chances still to be let pass */
};

enum spin_advice {
    SPIN_TRY,    /* look again at once */
    SPIN_SLEEP,  /* sleep until there is a request: a chance let pass */
    SPIN_MISSED, /* sleep: waiting awake has not paid */
};

/* There is no request. */
enum spin_advice spin_nothing(struct spin *s, int64_t now_ns);

/* There is one. true: waiting awake has paid. (It has not where it took longer than it may: the
 * processor was taken away meanwhile, perhaps by the asker, who was kept from asking.) */
bool spin_request(struct spin *s, int64_t now_ns);

#endif
