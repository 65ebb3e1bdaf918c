#include "api/creds_keeper.h"
#include "api/creds_keys.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include <string.h>

#define ATTEMPT_MS 90000 /* an external command's minute, and a role by its keys */

/* Put new keys in force. Equal ones stay the same object, so that whoever compares pointers sees no
 * change. */
static void publish(struct creds *c, const struct creds_result *r)
{
    struct creds_keys *old = r->keys;
    mutex_lock(&c->lock);
    bool changed = !c->keys || !creds_keys_equal(c->keys, r->keys);
    if (changed) {
        old = c->keys;
        c->keys = r->keys;
        c->refused = false;
    }
    c->kept = r->source;
    c->failure = (struct err){0};
    mutex_unlock(&c->lock);
    metric_add(METRIC_CREDS_RENEWED, 1);
    if (changed)
        log_info("credentials source=\"%s\" temporary=%d", r->keys->source, r->keys->token != NULL);
    c->status.have = true;
    c->status.got_real_ms = creds_ctx_now_ms(&c->ctx);
    c->status.expires_real_ms = r->keys->expires_unix_ms;
    c->status.renew_after_ms = r->keys->renew_after_ms_;
    c->status.failures = 0;
    creds_keys_unref(old);
}

static void remember_failure(struct creds *c, const struct err *why)
{
    c->status.failures++;
    mutex_lock(&c->lock);
    bool news = strcmp(c->failure.text, why->text) != 0;
    c->failure = *why;
    mutex_unlock(&c->lock);
    metric_add(METRIC_CREDS_FAILED, 1);
    if (news && c->running)
        log_warn("credentials not renewed, will retry error=\"%s\"", why->text);
}

int creds_keeper_attempt(struct creds *c, enum creds_do what, int64_t timeout_ms, struct err *err)
{
    struct creds_result result = {0};
    struct err why = {0};
    c->ctx.deadline_mono_ms = clock_mono_ms() + timeout_ms;
    if (what == CREDS_DO_WALK)
        creds_files_note(&c->ctx.files);
    int rc = what == CREDS_DO_WALK ? creds_chain_walk(&c->ctx, c->kept, &result, &why)
                                   : creds_chain_renew(&c->ctx, c->kept, &result, &why);
    if (rc == 0)
        publish(c, &result);
    else
        remember_failure(c, &why);
    c->status.attempt_mono_ms = clock_mono_ms();
    return rc < 0 ? err_set(err, "%s", why.text) : 0;
}

static void look_at_files(struct creds *c, int64_t now_mono_ms)
{
    c->status.files_changed = false;
    if (now_mono_ms - c->looked_mono_ms < c->look_ms)
        return;
    c->looked_mono_ms = now_mono_ms;
    c->status.files_changed = creds_files_changed(&c->ctx.files, creds_chain_files(c->kept));
}

static void act(struct creds *c, enum creds_do what, int64_t now_mono_ms)
{
    if (c->status.refused) {
        c->status.refused_before = true;
        c->status.refused_mono_ms = now_mono_ms;
        mutex_lock(&c->lock);
        c->refused = false;
        mutex_unlock(&c->lock);
    }
    creds_keeper_attempt(c, what, ATTEMPT_MS, NULL);
    c->changed(c->changed_arg);
}

/* What others asked for since the last turn. False: leave. */
static bool take_wishes(struct creds *c, bool *announce)
{
    LOCK_SCOPE(&c->lock);
    c->status.refused = c->refused;
    *announce = c->announce;
    c->announce = false;
    return !c->stop;
}

static void rest(struct creds *c, int64_t until_mono_ms)
{
    LOCK_SCOPE(&c->lock);
    while (!c->stop && !c->announce && c->refused == c->status.refused)
        if (!cond_wait_until(&c->wake, &c->lock, until_mono_ms))
            break;
}

void *creds_keeper_run(void *arg)
{
    struct creds *c = arg;
    bool announce;
    while (take_wishes(c, &announce)) {
        if (announce)
            c->changed(c->changed_arg);
        int64_t now = clock_mono_ms();
        look_at_files(c, now);
        struct creds_plan plan = creds_plan(&c->status, creds_ctx_now_ms(&c->ctx), now);
        if (plan.what != CREDS_DO_WAIT)
            act(c, plan.what, now);
        else
            rest(c, now + (plan.wait_ms < c->look_ms ? plan.wait_ms : c->look_ms));
    }
    return NULL;
}
