#include "base/clock.h"
#include "base/log.h"
#include "cache/keeper_private.h"
#include <stdio.h>

bool keeper_in_trouble(const struct keeper *k)
{
    return k->retry_ms > 0;
}

static bool note(struct keeper *k, enum store_trouble why, const struct err *err)
{
    LOCK_SCOPE(&k->lock);
    bool new = k->health.trouble != why;
    k->health.trouble = why;
    snprintf(k->health.error, sizeof k->health.error, "%.*s", (int)sizeof k->health.error - 1,
             err ? err->text : "");
    return new;
}

void keeper_trouble(struct keeper *k, enum store_trouble why, const struct err *err)
{
    k->retry_ms = k->retry_ms ? 2 * k->retry_ms : KEEPER_RETRY_MS;
    if (k->retry_ms > KEEPER_RETRY_MAX_MS)
        k->retry_ms = KEEPER_RETRY_MAX_MS;
    k->retry_due_ms = clock_mono_ms() + k->retry_ms;
    if (note(k, why, err))
        log_error("nothing can be saved; it goes on from memory, and is tried again trouble=%s "
                  "error=%s",
                  store_trouble_name(why), err->text);
}

void keeper_fine(struct keeper *k)
{
    k->retry_ms = 0;
    if (note(k, STORE_FINE, NULL))
        log_info("the store works again file=%s", k->path);
}
