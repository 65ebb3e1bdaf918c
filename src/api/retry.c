#include "api/retry.h"

/* A draw from [half, whole] of BASE, 2 BASE, 4 BASE, ... up to the ceiling. */
static int64_t backoff(unsigned attempt, uint64_t random)
{
    int64_t step = RETRY_BASE_MS;
    for (unsigned i = 1; i < attempt && step < RETRY_CEILING_MS; i++)
        step *= 2;
    if (step > RETRY_CEILING_MS)
        step = RETRY_CEILING_MS;
    int64_t half = step / 2;
    return half + (int64_t)(random % (uint64_t)(half + 1));
}

/* Never earlier than the service wishes, within reason; never faster than the back-off. */
static struct retry_step after(unsigned attempt, int64_t retry_after_ms, uint64_t random)
{
    int64_t wish = retry_after_ms < RETRY_AFTER_MAX_MS ? retry_after_ms : RETRY_AFTER_MAX_MS;
    int64_t own = backoff(attempt, random);
    return (struct retry_step){.action = RETRY_AFTER, .delay_ms = wish > own ? wish : own};
}

static struct retry_step final(int64_t rest_ms)
{
    return (struct retry_step){.action = RETRY_NO, .delay_ms = rest_ms};
}

static struct retry_step once(enum retry_action remedy, bool tried)
{
    return tried ? final(RETRY_DENIED_MS) : (struct retry_step){.action = remedy};
}

struct retry_step retry_decide(enum api_class c, unsigned attempt, bool renewed,
                               bool clock_corrected, int64_t retry_after_ms, uint64_t random)
{
    switch (c) {
    case API_OK:
    case API_NOT_FOUND:
    case API_BAD_REQUEST:
        return final(0);
    case API_DENIED:
        return final(RETRY_DENIED_MS);
    case API_CREDENTIALS:
        return once(RETRY_RENEW_KEYS, renewed);
    case API_CLOCK:
        return once(RETRY_CLOCK, clock_corrected);
    case API_THROTTLED:
    case API_TEMPORARY:
    case API_BROKEN:
        return after(attempt, retry_after_ms, random);
    }
    return final(0);
}
