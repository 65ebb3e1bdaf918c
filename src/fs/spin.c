#include "fs/spin.h"

static enum spin_advice begin(struct spin *s, int64_t now_ns)
{
    if (s->skip > 0) {
        s->skip--;
        return SPIN_SLEEP;
    }
    s->since_ns = now_ns;
    return SPIN_TRY;
}

static enum spin_advice give_up(struct spin *s)
{
    s->since_ns = 0;
    s->skip = s->caution;
    s->caution = s->caution ? s->caution * 2 : 1;
    if (s->caution > SPIN_SKIP_MAX)
        s->caution = SPIN_SKIP_MAX;
    return SPIN_MISSED;
}

enum spin_advice spin_nothing(struct spin *s, int64_t now_ns)
{
    if (s->since_ns == 0)
        return begin(s, now_ns);
    return now_ns - s->since_ns < SPIN_NS ? SPIN_TRY : give_up(s);
}

bool spin_request(struct spin *s)
{
    bool paid = s->since_ns != 0;
    s->since_ns = 0;
    if (paid)
        s->caution = 0;
    return paid;
}
