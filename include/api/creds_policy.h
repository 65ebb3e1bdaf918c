/* Private to credentials: when to ask for new keys. Pure.
 *
 * "real" times are the wall clock, which expiry is about; "mono" times the monotonic one, which
 * pauses are about. */
#ifndef ICE_API_CREDS_POLICY_H
#define ICE_API_CREDS_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#define CREDS_LOOK_MS        2000    /* between two looks at the files */
#define CREDS_REFUSED_GAP_MS 5000    /* between two walks that refusals caused */
#define CREDS_BACKOFF_MIN_MS 1000    /* after a failure, doubling */
#define CREDS_BACKOFF_MAX_MS 60000   /* ... up to this */
#define CREDS_EARLY_MS       900000  /* before the end of a long life */
#define CREDS_LATE_MS        180000  /* ... of a short one */
#define CREDS_LONG_LIFE_MS   2700000 /* longer is long */

struct creds_status {
    bool have;               /* keys, good or expired */
    int64_t got_real_ms;     /* when they were obtained */
    int64_t expires_real_ms; /* 0: never */
    int64_t renew_after_ms;  /* life not known: obtain again after so long; 0: no need */
    unsigned failures;       /* in a row, since keys were last obtained */
    int64_t attempt_mono_ms; /* when the last attempt ended */
    bool files_changed;      /* since they were read */
    bool refused;            /* the service refused the keys, and nothing came of it yet */
    bool refused_before;     /* refused_mono_ms is set */
    int64_t refused_mono_ms; /* when a refusal last caused a walk */
};

enum creds_do { CREDS_DO_WAIT, CREDS_DO_RENEW, CREDS_DO_WALK };

struct creds_plan {
    enum creds_do what;
    int64_t wait_ms; /* CREDS_DO_WAIT: until it is worth asking again, at least 10 */
};

/* The wall clock time to renew at; INT64_MAX: never. A short life is renewed at its half, so that
 * it does not keep us busy. */
int64_t creds_renew_at(const struct creds_status *s);

int64_t creds_backoff_ms(unsigned failures);

struct creds_plan creds_plan(const struct creds_status *s, int64_t now_real_ms,
                             int64_t now_mono_ms);

#endif
