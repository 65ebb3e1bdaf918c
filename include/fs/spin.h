/* When to wait awake for the next request. Most of a round trip is the waking of a sleeping server:
 * a reader who asks again at once is answered several times faster by one that has not gone to
 * sleep.
 *
 * At most SPIN_NS after a request; and where waiting awake has not paid, ever more of the chances
 * are let pass (up to SPIN_SKIP_MAX in a row), so that a trickle of requests costs nothing. One
 * that paid ends the caution.
 *
 * The scheduler does not take the processor from one who waits awake when it wakes somebody there:
 * a thread that a request has given work to, or the reader whom that thread answers. So after a
 * request that is left unanswered there is no wait awake, for its asker waits too; and for some
 * requests from then on the first looks give way. (Always, they would give way to programs that
 * only compute: opens beside one then took up to a third longer.) Pure: the time is an argument. */
#ifndef ICE_FS_SPIN_H
#define ICE_FS_SPIN_H

#include <stdbool.h>
#include <stdint.h>

#define SPIN_NS       INT64_C(50000)
#define SPIN_SKIP_MAX 256U
#define SPIN_YIELDS   2U  /* looks of a wait that give way before the next */
#define SPIN_SHARED   16U /* requests that they do so for */

/* Zeroed at the start. */
struct spin {
    int64_t since_ns; /* waiting awake since then, 0: not */
    unsigned caution; /* chances to let pass after the next one that does not pay */
    unsigned skip;    /* chances still to be let pass */
    unsigned looks;   /* of this wait */
    bool unanswered;  /* the last request */
    unsigned shared;  /* requests still, until the first looks no longer give way */
};

enum spin_advice {
    SPIN_YIELD,  /* let others have the processor, then look again */
    SPIN_TRY,    /* look again at once */
    SPIN_SLEEP,  /* sleep until there is a request: a chance let pass, or none */
    SPIN_MISSED, /* sleep: waiting awake has not paid */
};

/* There is no request. */
enum spin_advice spin_nothing(struct spin *s, int64_t now_ns);

/* There is one. true: waiting awake has paid. (It has not where it took longer than it may: the
 * processor was taken away meanwhile, perhaps by the asker, who was kept from asking.) */
bool spin_request(struct spin *s, int64_t now_ns);

/* That one has been left unanswered: no chance until the next, and none lost. */
void spin_unanswered(struct spin *s);

#endif
