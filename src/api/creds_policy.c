#include "api/creds_policy.h"
#include "base/clock.h"

#define WAIT_MIN_MS 10

int64_t creds_backoff_ms(unsigned failures)
{
    if (failures == 0)
        return 0;
    int64_t ms = CREDS_BACKOFF_MIN_MS;
    for (unsigned i = 1; i < failures && ms < CREDS_BACKOFF_MAX_MS; i++)
        ms *= 2;
    return ms < CREDS_BACKOFF_MAX_MS ? ms : CREDS_BACKOFF_MAX_MS;
}

int64_t creds_renew_at(const struct creds_status *s)
{
    if (s->expires_real_ms == 0)
        return s->renew_after_ms ? s->got_real_ms + s->renew_after_ms : INT64_MAX;
    int64_t life = s->expires_real_ms - s->got_real_ms;
    int64_t ahead = life > CREDS_LONG_LIFE_MS ? CREDS_EARLY_MS : CREDS_LATE_MS;
    int64_t at = s->expires_real_ms - ahead;
    int64_t half = s->got_real_ms + life / 2;
    return time_max(at, half);
}

/* How long until a refusal may cause a walk. */
static int64_t until_refusal_walk(const struct creds_status *s, int64_t now_mono_ms)
{
    if (!s->refused)
        return INT64_MAX;
    if (!s->refused_before)
        return 0;
    return time_max(0, s->refused_mono_ms + CREDS_REFUSED_GAP_MS - now_mono_ms);
}

/* How long until keys are wanted: none yet, a failure to make good, or their end near. */
static int64_t until_wanted(const struct creds_status *s, int64_t now_real_ms, int64_t now_mono_ms)
{
    if (s->failures > 0)
        return time_max(0, s->attempt_mono_ms + creds_backoff_ms(s->failures) - now_mono_ms);
    if (!s->have)
        return 0;
    int64_t at = creds_renew_at(s);
    if (at == INT64_MAX)
        return at;
    /* The source may give the same keys until shortly before they end: not more than once a second.
     */
    int64_t pause = s->attempt_mono_ms + CREDS_BACKOFF_MIN_MS - now_mono_ms;
    return time_max(time_max(0, at - now_real_ms), pause);
}

struct creds_plan creds_plan(const struct creds_status *s, int64_t now_real_ms, int64_t now_mono_ms)
{
    int64_t refusal = until_refusal_walk(s, now_mono_ms);
    int64_t wanted = until_wanted(s, now_real_ms, now_mono_ms);
    if (s->files_changed || refusal == 0)
        return (struct creds_plan){.what = CREDS_DO_WALK};
    if (wanted == 0)
        return (struct creds_plan){.what = s->have ? CREDS_DO_RENEW : CREDS_DO_WALK};
    int64_t wait = time_min(time_min(refusal, wanted), CREDS_LOOK_MS);
    return (struct creds_plan){.what = CREDS_DO_WAIT, .wait_ms = time_max(wait, WAIT_MIN_MS)};
}
