/* Showing a change so that whoever is told of it finds it there.
 *
 * The order was measured, and each step has its reason:
 *   1. names that appear: the notifier creates them, and inside its CREATE they become visible,
 * full;
 *   2. the new version of all files is swapped in at once;
 *   3. the kernel drops what it holds of the changed files;
 *   4. the doorbells of the other files;
 *   5. the link in by-status/ moves; names that go are unlinked; the log of changes grows;
 *   6. the doorbell of `status`, last: what it announces is there.
 * Nothing is touched that the kernel does not hold: nobody can be watching it. Where the notifier
 * fails, the step is done silently, so that content never waits for events. All on the updater's
 * thread, no lock held. */
#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "fs/bell.h"
#include "fs/events.h"
#include "fs/fs_private.h"
#include "fs/held.h"
#include "fs/stage.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* One change on its way to the users. */
struct change {
    struct fs *fs;
    uint64_t key;
    uint64_t dir; /* the job's directory */
    const char *id;
    const struct job *before; /* NULL: the job is new */
    const struct job *after;
    struct job_change names[JOB_DIFF_MAX];
    size_t n;
    enum job_status from, to; /* where its link stands, where it goes */
};

/* ---- the bell ---- */

/* A watcher's queue holds 16,384 events, and an operation makes at most three for each who watches
 * it: a burst is spread so that one who empties its queue once a second is not overrun by us alone.
 */
#define PACE_SLOT_MS  100
#define PACE_PER_SLOT 400

static void keep_pace(struct fs *fs)
{
    int64_t now_ms = clock_mono_ms();
    if (now_ms - fs->pace_begin_ms >= PACE_SLOT_MS) {
        fs->pace_begin_ms = now_ms;
        fs->pace_count = 0;
    }
    if (++fs->pace_count <= PACE_PER_SLOT)
        return;
    int64_t rest_ms = fs->pace_begin_ms + PACE_SLOT_MS - now_ms;
    nanosleep(&(struct timespec){.tv_nsec = rest_ms * NS_PER_MS}, NULL);
    fs->pace_begin_ms = now_ms + rest_ms;
    fs->pace_count = 1;
}

/* Have the notifier do it. false: it was not done, and nobody was told. */
static bool notify(struct fs *fs, enum notify_op op, const char *path, const char *other)
{
    if (!fs->bell)
        return false;
    keep_pace(fs);
    int error = bell_do(fs->bell, op, path, other);
    metric_add(error ? METRIC_FS_NOT_NOTIFIED : METRIC_FS_NOTIFIED, 1);
    if (error)
        log_debug("notifying failed path=%s error=%s", path, strerror(error));
    return error == 0;
}

struct path {
    char text[NOTIFY_PATH_MAX];
};

static struct path field_path(const struct change *c, const char *name)
{
    struct path p;
    snprintf(p.text, sizeof p.text, "jobs/%s/%s", c->id, name);
    return p;
}

static struct path link_path(const struct change *c, enum job_status status)
{
    struct path p;
    snprintf(p.text, sizeof p.text, "by-status/%s/%s", job_status_name(status), c->id);
    return p;
}

/* ---- the files ---- */

static void show_name(const struct change *c, const struct job_change *name)
{
    if (held_has(c->fs->held, c->dir) &&
        notify(c->fs, NOTIFY_CREATE, field_path(c, name->name).text, NULL))
        return;
    job_unref(stage_show(c->fs->stage, c->key, name->number));
    kernel_drop_name(c->fs, c->dir, name->name);
}

static void hide_name(const struct change *c, const struct job_change *name)
{
    if (held_has(c->fs->held, c->dir) &&
        notify(c->fs, NOTIFY_UNLINK, field_path(c, name->name).text, NULL))
        return;
    stage_hide(c->fs->stage, c->key, name->number);
    kernel_drop_name(c->fs, c->dir, name->name);
}

static void ring(const struct change *c, const struct job_change *name)
{
    if (held_has(c->fs->held, c->dir) || held_has(c->fs->held, node_make(c->key, name->number)))
        notify(c->fs, NOTIFY_RING, field_path(c, name->name).text, NULL);
}

static bool is_status(const struct job_change *name)
{
    return strcmp(name->name, "status") == 0;
}

static void each(const struct change *c, enum job_change_kind kind,
                 void (*step)(const struct change *, const struct job_change *))
{
    for (size_t i = 0; i < c->n; i++)
        if (c->names[i].kind == kind && !(kind == JOB_FIELD_CHANGED && is_status(&c->names[i])))
            step(c, &c->names[i]);
}

static void ring_status(const struct change *c)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->names[i].kind == JOB_FIELD_CHANGED && is_status(&c->names[i]))
            ring(c, &c->names[i]);
}

static void drop_changed(const struct change *c)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->names[i].kind == JOB_FIELD_CHANGED)
            kernel_drop_inode(c->fs, node_make(c->key, c->names[i].number));
    kernel_drop_attributes(c->fs, c->dir);
}

/* ---- the link ---- */

static bool notify_link(const struct change *c)
{
    if (c->from == JOB_STATUS_OTHER) {
        struct path target;
        snprintf(target.text, sizeof target.text, "../../jobs/%s", c->id);
        return notify(c->fs, NOTIFY_SYMLINK, link_path(c, c->to).text, target.text);
    }
    if (c->to == JOB_STATUS_OTHER)
        return notify(c->fs, NOTIFY_UNLINK, link_path(c, c->from).text, NULL);
    return notify(c->fs, NOTIFY_RENAME, link_path(c, c->from).text, link_path(c, c->to).text);
}

static bool dir_held(const struct change *c, enum job_status status)
{
    return status != JOB_STATUS_OTHER && held_has(c->fs->held, node_of_status(status));
}

static void drop_link_name(const struct change *c, enum job_status status)
{
    if (dir_held(c, status)) {
        kernel_drop_name(c->fs, node_of_status(status), c->id);
        kernel_drop_attributes(c->fs, node_of_status(status));
    }
}

static void move_link(const struct change *c)
{
    bool done = c->from != c->to && (dir_held(c, c->from) || dir_held(c, c->to)) && notify_link(c);
    stage_link_free(c->fs->stage, c->key);
    if (!done && c->from != c->to) {
        /* The new place first: for a moment the kernel knows both, and never neither. */
        drop_link_name(c, c->to);
        drop_link_name(c, c->from);
    }
}

/* ---- the log ---- */

static const char *status_text(const struct job *job)
{
    return job ? job_status_name(job_status(job)) : NULL;
}

static void log_change(const struct change *c)
{
    struct event e = {.kind = c->before ? EVENT_CHANGED : EVENT_CREATED,
                      .job = c->id,
                      .status = status_text(c->after),
                      .changes = c->names,
                      .n_changes = c->n,
                      .time_ns = clock_real_ns()};
    if (c->before && c->from != c->to)
        e.was = status_text(c->before);
    events_append(c->fs->events, &e);
    if (held_has(c->fs->held, NODE_EVENTS_LOG))
        notify(c->fs, NOTIFY_RING, "events.log", NULL);
}

/* ---- the whole ---- */

static struct change change_of(struct fs *fs, uint64_t key, const struct job *before,
                               const struct job *after)
{
    struct change c = {.fs = fs,
                       .key = key,
                       .dir = node_make(key, 0),
                       .id = job_id(after),
                       .before = before,
                       .after = after};
    c.n = job_diff(before, after, c.names, JOB_DIFF_MAX);
    c.from = before ? job_status(before) : JOB_STATUS_OTHER;
    c.to = job_status(after);
    return c;
}

void publish_created(struct fs *fs, uint64_t key, const struct job *job)
{
    struct change c = change_of(fs, key, NULL, job);
    kernel_drop_attributes(fs, NODE_JOBS);
    move_link(&c);
    log_change(&c);
}

void publish_change(struct fs *fs, uint64_t key, const struct job *before, const struct job *after)
{
    struct change c = change_of(fs, key, before, after);
    stage_begin(fs->stage, key, before, after);
    stage_link_hold(fs->stage, key, c.from);
    each(&c, JOB_FIELD_ADDED, show_name);
    cache_publish(fs->config.cache, key, after, clock_mono_ms());
    drop_changed(&c);
    each(&c, JOB_FIELD_CHANGED, ring);
    move_link(&c);
    each(&c, JOB_FIELD_REMOVED, hide_name);
    log_change(&c);
    ring_status(&c);
    stage_end(fs->stage);
}
