#include "api/creds.h"
#include "api/creds_keeper.h"
#include "base/clock.h"
#include <string.h>

struct creds *creds_new(const struct creds_env *env, struct err *err)
{
    struct creds *c = calloc(1, sizeof *c);
    if (!c) {
        err_set(err, "cannot set up credentials: out of memory");
        return NULL;
    }
    mutex_init(&c->lock);
    cond_init(&c->wake);
    c->kept = CREDS_SOURCE_NONE;
    c->look_ms = CREDS_LOOK_MS;
    if (creds_ctx_init(&c->ctx, env, err) == 0)
        return c;
    creds_free(c);
    return NULL;
}

static void stop_keeper(struct creds *c)
{
    atomic_store(&c->ctx.stop, true);
    mutex_lock(&c->lock);
    c->stop = true;
    cond_signal(&c->wake);
    mutex_unlock(&c->lock);
    thread_join(c->thread);
}

void creds_free(struct creds *c)
{
    if (!c)
        return;
    if (c->running)
        stop_keeper(c);
    creds_keys_unref(c->keys);
    creds_ctx_free(&c->ctx);
    cond_destroy(&c->wake);
    mutex_destroy(&c->lock);
    free(c);
}

int creds_load(struct creds *c, int64_t timeout_ms, struct err *err)
{
    return creds_keeper_attempt(c, CREDS_DO_WALK, timeout_ms, err);
}

static void set_running(struct creds *c, bool running)
{
    LOCK_SCOPE(&c->lock);
    c->running = running;
}

int creds_start(struct creds *c, void (*changed)(void *arg), void *arg, struct err *err)
{
    c->changed = changed;
    c->changed_arg = arg;
    set_running(c, true);
    if (thread_start(&c->thread, "credentials", creds_keeper_run, c, err) == 0)
        return 0;
    set_running(c, false);
    return -1;
}

static int say_expired(const struct creds_keys *k, const struct err *failure, struct err *err)
{
    char end[CLOCK_ISO_LEN];
    clock_iso(k->expires_unix_ms / MS_PER_S, end);
    if (failure->text[0])
        return err_set(err, "the keys of %s expired at %s, and renewing them failed: %s", k->source,
                       end, failure->text);
    return err_set(err, "the keys of %s expired at %s", k->source, end);
}

struct creds_keys *creds_get(struct creds *c, struct err *err)
{
    int64_t now_ms = creds_ctx_now_ms(&c->ctx);
    LOCK_SCOPE(&c->lock);
    struct creds_keys *k = c->keys;
    if (k && (k->expires_unix_ms == 0 || now_ms < k->expires_unix_ms))
        return creds_keys_ref(k);
    if (k)
        say_expired(k, &c->failure, err);
    else
        err_set(err, "%s", c->failure.text[0] ? c->failure.text : "no credentials yet");
    return NULL;
}

bool creds_refused(struct creds *c, const struct creds_keys *refused)
{
    LOCK_SCOPE(&c->lock);
    if (!c->running || c->kept == CREDS_SOURCE_ENVIRONMENT)
        return false;
    if (refused == c->keys)
        c->refused = true;
    else
        c->announce = true;
    cond_signal(&c->wake);
    return true;
}
