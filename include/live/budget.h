/* The API budget: at most `qps` calls in every 1-second window as the server sees them, all causes
 * together. Pure.
 *
 * A log of the last sends decides, not a bucket: a bucket of n lets 2n through in a window. The
 * window is widened by a margin for the jitter of the way, and above 20 calls a second sends are
 * spread over tenths of it, so that a burst that is late on the way does not meet the next one.
 * Throttling halves the pace, x-acs-retry-after stops it; it recovers by steps. */
#ifndef ICE_LIVE_BUDGET_H
#define ICE_LIVE_BUDGET_H

#include "base/err.h"
#include <stdint.h>

struct budget;

#define BUDGET_QPS_MAX 100000

struct budget *budget_new(unsigned qps, struct err *err);
void budget_free(struct budget *b);

/* 0: a call may go out now; else how many milliseconds to wait before asking again (> 0). */
int64_t budget_wait(const struct budget *b, int64_t now_ms);

/* A call goes out now: after budget_wait gave 0. */
void budget_sent(struct budget *b, int64_t now_ms);

/* The service throttled a call: halve the pace (at most once a second, never below 1/16, at least
 * one call per 2 s) and stand still for `retry_after_ms` (0: as told by nobody, one second). */
void budget_throttled(struct budget *b, int64_t now_ms, int64_t retry_after_ms);

/* A call was answered otherwise: time may bring the pace back, a step of 1/8 of `qps` each second
 * without throttling. */
void budget_answered(struct budget *b, int64_t now_ms);

/* Calls a second in force now. */
double budget_pace(const struct budget *b);

#endif
