/* The API budget: at most `qps` calls in every 1-second window as the server sees them, all causes
 * together. Pure.
 *
 * A bucket of n lets 2n through in a window, and a log of the sends is no proof either: a burst
 * that was held up on the way (cold connections, TLS) meets the next one at the server. What is
 * certain is that the server has seen a call when its answer is here. So a call takes a place of
 * the budget from when it goes out until a second after it has landed; a call without an answer
 * counts as landed after half a second, for only the answer takes that long. Above 20 calls a
 * second sends are spread over tenths of the window besides. Throttling halves the pace,
 * x-acs-retry-after stops it; it recovers by steps.
 *
 * What the certainty costs: with answers after t seconds, full demand gets qps / (1 + t). */
#ifndef ICE_LIVE_BUDGET_H
#define ICE_LIVE_BUDGET_H

#include "base/err.h"
#include <stdint.h>

struct budget;

#define BUDGET_QPS_MAX 100000

struct budget *budget_new(unsigned qps, struct err *err);
void budget_free(struct budget *b);

/* 0: a call may go out now; else how many milliseconds to wait before asking again (> 0). A call
 * that lands may bring that forward. */
int64_t budget_wait(struct budget *b, int64_t now_ms);

/* The same for a call that is in no hurry: a fifth of the budget is kept free for those that are.
 */
int64_t budget_wait_spare(struct budget *b, int64_t now_ms);
/* ... or so many calls; all but one, at most. */
int64_t budget_wait_keeping(struct budget *b, unsigned kept, int64_t now_ms);

/* A call goes out now: after budget_wait gave 0. Returns its ticket for budget_landed. */
uint64_t budget_sent(struct budget *b, int64_t now_ms);

/* The call has come back, with an answer or without. */
void budget_landed(struct budget *b, uint64_t ticket, int64_t now_ms);

/* The service throttled a call: halve the pace (at most once a second, never below 1/16, at least
 * one call per 2 s) and stand still for `retry_after_ms` (0: as told by nobody, one second). */
void budget_throttled(struct budget *b, int64_t now_ms, int64_t retry_after_ms);

/* A call was answered otherwise: time may bring the pace back, a step of 1/8 of `qps` each second
 * without throttling. */
void budget_answered(struct budget *b, int64_t now_ms);

/* Calls a second in force now. */
double budget_pace(const struct budget *b);

#endif
