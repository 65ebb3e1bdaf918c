#include "fs/spin.h"

static enum spin_advice look_again(struct spin *s)
{
    if (s->shared == 0 || s->looks >= SPIN_YIELDS)
        return SPIN_TRY;
    s->looks++;
    return SPIN_YIELD;
}

static enum spin_advice begin(struct spin *s, int64_t now_ns)
{
    if (s->unanswered)
        return SPIN_SLEEP;
    if (s->skip > 0) {
        s->skip--;
        return SPIN_SLEEP;
    }
    s->since_ns = now_ns;
    s->looks = 0;
    return look_again(s);
}

static void miss(struct spin *s)
{
    s->since_ns = 0;
    s->skip = s->caution;
    s->caution = s->caution ? s->caution * 2 : 1;
    if (s->caution > SPIN_SKIP_MAX)
        s->caution = SPIN_SKIP_MAX;
}

enum spin_advice spin_nothing(struct spin *s, int64_t now_ns)
{
    if (s->since_ns == 0)
        return begin(s, now_ns);
    if (now_ns - s->since_ns < SPIN_NS)
        return look_again(s);
    miss(s);
    return SPIN_MISSED;
}

bool spin_request(struct spin *s, int64_t now_ns)
{
    s->unanswered = false;
    s->shared -= s->shared > 0;
    if (s->since_ns == 0)
        return false;
    if (now_ns - s->since_ns > SPIN_NS) {
        miss(s);
        return false;
    }
    *s = (struct spin){.shared = s->shared};
    return true;
}

void spin_unanswered(struct spin *s)
{
    s->unanswered = true;
    s->shared = SPIN_SHARED;
}
