#include "live/breaker.h"

#define OPEN_FAILURES 5
#define OPEN_MS       1000 /* a burst that one hiccup refuses is not an outage */

bool breaker_note(struct breaker *b, enum api_class class, int64_t now_ms)
{
    bool was = b->open;
    if (class != API_TEMPORARY) {
        *b = (struct breaker){0};
        return was;
    }
    if (b->failures == 0)
        b->first_ms = now_ms;
    if (b->failures < OPEN_FAILURES)
        b->failures++;
    if (b->failures == OPEN_FAILURES && now_ms - b->first_ms >= OPEN_MS)
        b->open = true;
    return b->open != was;
}
