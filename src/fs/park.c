/* A request that has to wait is an unanswered request, not a blocked thread.
 *
 * Who answers it: whoever takes the waiter off the cache's lists, which is one of the reply, the
 * deadline, and the interrupt. libfuse calls the interrupt function with the request's own lock
 * held, and unregistering takes that lock: so after unregistering no interrupt function runs, and
 * the memory may go. It is registered before the waiter is parked; an interrupt that comes in
 * between is remembered in the waiter (CACHE_INTERRUPTED). */
#include "base/clock.h"
#include "base/metric.h"
#include "fs/fs_private.h"
#include <errno.h>
#include <stdlib.h>

static void on_interrupt(fuse_req_t req, void *data)
{
    struct parked *p = data;
    if (!cache_cancel(p->fs->config.cache, &p->waiter))
        return;
    metric_add(METRIC_FS_INTERRUPTED, 1);
    fuse_reply_err(req, EINTR);
    free(p);
}

static void finish(struct parked *p, const struct cache_answer *a)
{
    fuse_req_interrupt_func(p->req, NULL, NULL);
    if (a->verdict == CACHE_INTERRUPTED)
        fuse_reply_err(p->req, EINTR);
    else
        p->resume(p, a);
    job_unref(a->job);
    free(p);
}

static void on_answer(struct cache_waiter *w, struct cache_answer *a)
{
    finish((struct parked *)w, a);
}

/* What is known and fresh needs neither memory nor a waiter. */
static bool resume_fresh(const struct parked *p, int64_t now_ms)
{
    struct cache_answer a = {0};
    if (!cache_read_fresh(p->fs->config.cache, node_key(p->ino), node_need(p->ino), now_ms, &a))
        return false;
    struct parked now = *p;
    now.resume(&now, &a);
    job_unref(a.job);
    return true;
}

void park_or_resume(const struct parked *tmpl)
{
    int64_t now_ms = clock_mono_ms();
    if (resume_fresh(tmpl, now_ms))
        return;
    struct parked *p = malloc(sizeof *p);
    if (!p) {
        fuse_reply_err(tmpl->req, ENOMEM);
        return;
    }
    *p = *tmpl;
    p->waiter = (struct cache_waiter){.answer = on_answer};
    fuse_req_interrupt_func(p->req, on_interrupt, p);
    struct cache_answer a = {0};
    enum cache_verdict verdict = cache_read(p->fs->config.cache, node_key(p->ino),
                                            node_need(p->ino), now_ms, &p->waiter, &a);
    if (verdict == CACHE_PARKED) { /* p may be gone already */
        workers_left_waiting();
        return;
    }
    a.verdict = verdict;
    finish(p, &a);
}
