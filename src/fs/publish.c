/* Showing a change so that whoever is told of it finds it there.
 *
 * The order was measured, and each step has its reason:
 *   1. names that appear: the notifier creates them, and inside its CREATE they become visible,
 * full;
 *   2. the new version of all files is swapped in at once;
 *   3. the kernel drops what it holds of the changed files;
 *   4. the doorbells of the other files;
 *   5. the links in the views move; names that go are unlinked; the log of changes grows, and
 *      jobs.tsv rings if its lines have changed;
 *   6. the doorbell of `status`, last: what it announces is there.
 * Nothing is touched that the kernel does not hold: nobody can be watching it. Where the notifier
 * fails, the step is done silently, so that content never waits for events. All on the updater's
 * thread, no lock held. */
#include "fs/publish.h"
#include "base/clock.h"
#include "fs/events.h"
#include "fs/fs_private.h"
#include "fs/held.h"
#include "fs/links.h"
#include "fs/stage.h"
#include "fs/tell.h"
#include "fs/tsv.h"
#include <string.h>

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
};

static struct tell_path field_path(const struct change *c, const char *name)
{
    return tell_path("jobs", c->id, name);
}

/* ---- the files ---- */

static void show_name(const struct change *c, const struct job_change *name)
{
    if (held_has(c->fs->held, c->dir) &&
        tell(c->fs, NOTIFY_CREATE, field_path(c, name->name).text, NULL))
        return;
    job_unref(stage_show(c->fs->stage, c->key, name->number));
    kernel_drop_name(c->fs, c->dir, name->name);
}

static void hide_name(const struct change *c, const struct job_change *name)
{
    if (held_has(c->fs->held, c->dir) &&
        tell(c->fs, NOTIFY_UNLINK, field_path(c, name->name).text, NULL))
        return;
    stage_hide(c->fs->stage, c->key, name->number);
    kernel_drop_name(c->fs, c->dir, name->name);
}

static void ring(const struct change *c, const struct job_change *name)
{
    const struct job_field *f = job_find_number(c->after, name->number);
    const char first[] = {f && f->len > 0 ? f->data[0] : '\n', '\0'};
    if (held_has(c->fs->held, c->dir) || held_has(c->fs->held, node_make(c->key, name->number)))
        tell(c->fs, NOTIFY_RING, field_path(c, name->name).text, first);
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

/* ---- the log and jobs.tsv ---- */

static const char *status_text(const struct job *job)
{
    return job ? job_status_name(job_status(job)) : NULL;
}

void publish_lines(struct fs *fs, const struct event *event, bool tsv)
{
    bool changed = tsv_changed(fs->tsv) && tsv;
    events_append(fs->events, event);
    if (held_has(fs->held, NODE_EVENTS_LOG))
        tell(fs, NOTIFY_RING, "events.log", "{");
    if (changed && held_has(fs->held, NODE_JOBS_TSV))
        tell(fs, NOTIFY_RING, "jobs.tsv", "j");
}

/* Whether what has changed stands in a column of jobs.tsv. */
static bool changes_line(const struct change *c)
{
    bool any = false;
    for (size_t i = 0; i < c->n && !any; i++)
        any = tsv_has_column(c->names[i].name);
    return any;
}

static void log_change(const struct change *c, enum event_kind kind)
{
    struct event e = {.kind = kind,
                      .job = c->id,
                      .status = status_text(c->after),
                      .changes = c->names,
                      .n_changes = c->n,
                      .time_ns = clock_real_ns()};
    if (c->before && job_status(c->before) != job_status(c->after))
        e.was = status_text(c->before);
    publish_lines(c->fs, &e, changes_line(c));
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
    return c;
}

void publish_listing_again(struct fs *fs)
{
    uint64_t shown = cache_generation(fs->config.cache);
    kernel_drop_inode(fs, NODE_JOBS);
    atomic_store(&fs->listing_told, shown);
}

void publish_listing(struct fs *fs)
{
    atomic_store(&fs->jobs_mtime_ns, clock_real_ns());
    publish_listing_again(fs);
}

void publish_created(struct fs *fs, uint64_t key, const struct job *job)
{
    struct change c = change_of(fs, key, NULL, job);
    struct links l = links_begin(fs, key, c.id, NULL, job_facts_of(job));
    links_move(&l);
    log_change(&c, EVENT_CREATED);
}

/* Nobody knows what it was, so the kernel drops whatever it may hold of the job. */
static void drop_all(const struct change *c)
{
    for (uint16_t number = JOB_NAME_NUMBER_MIN; number != 0; number++) {
        const char *name = job_name_text(number);
        bool held = name && held_has(c->fs->held, node_make(c->key, number));
        if (held)
            kernel_drop_inode(c->fs, node_make(c->key, number));
        if (held || (name && job_find_number(c->after, number)))
            kernel_drop_name(c->fs, c->dir, name);
    }
    kernel_drop_attributes(c->fs, c->dir);
}

void publish_unseen(struct fs *fs, uint64_t key, const struct job *job)
{
    struct change c = change_of(fs, key, NULL, job);
    drop_all(&c);
    links_follow(fs, key, c.id, job_facts_of(job));
    each(&c, JOB_FIELD_ADDED, ring);
    log_change(&c, EVENT_CHANGED);
}

void publish_change(struct fs *fs, uint64_t key, const struct job *before, const struct job *after)
{
    struct change c = change_of(fs, key, before, after);
    struct links l = links_begin(fs, key, c.id, job_facts_of(before), job_facts_of(after));
    stage_begin(fs->stage, key, before, after);
    each(&c, JOB_FIELD_ADDED, show_name);
    cache_publish(fs->config.cache, key, after, clock_mono_ms());
    drop_changed(&c);
    each(&c, JOB_FIELD_CHANGED, ring);
    links_move(&l);
    each(&c, JOB_FIELD_REMOVED, hide_name);
    log_change(&c, EVENT_CHANGED);
    ring_status(&c);
    stage_end(fs->stage);
}
