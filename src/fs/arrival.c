/* Jobs that appear in jobs/ without having been named, and jobs that leave.
 *
 * A discovered job is shown inside the notifier's MKDIR, whole; whoever gets that CREATE finds all
 * of it. Its links come after it, and the line in the log last. One that somebody has named
 * meanwhile is shown already: its name was in use, and MKDIR's EEXIST is right.
 *
 * A job that leaves goes in the other order: the line in the log, last again, the directory before
 * it, the fields that the kernel holds before that, and its links first, so that none ever dangles.
 * If somebody reads it meanwhile it stays, and its links come back. */
#include "base/clock.h"
#include "fs/events.h"
#include "fs/fs_private.h"
#include "fs/held.h"
#include "fs/links.h"
#include "fs/publish.h"
#include "fs/tell.h"

/* ---- appearing ---- */

bool publish_unborn(struct fs *fs, const char *id, uint64_t *key)
{
    struct cache *cache = fs->config.cache;
    struct job *job = cache_unborn(cache, id, key) ? cache_newest(cache, *key) : NULL;
    if (!job)
        return false;
    cache_publish(cache, *key, job, clock_mono_ms());
    job_unref(job);
    return true;
}

static void show_silently(struct fs *fs, const char *id)
{
    uint64_t key;
    if (publish_unborn(fs, id, &key) && held_has(fs->held, NODE_JOBS))
        kernel_drop_name(fs, NODE_JOBS, id);
}

void publish_born(struct fs *fs, uint64_t key, const char *id)
{
    uint64_t unborn;
    if (cache_unborn(fs->config.cache, id, &unborn) &&
        !(held_has(fs->held, NODE_JOBS) &&
          tell(fs, NOTIFY_MKDIR, tell_path("jobs", id, NULL).text, NULL)))
        show_silently(fs, id);
    struct job *job = cache_current(fs->config.cache, key);
    if (job) {
        publish_listing(fs);
        publish_created(fs, key, job);
    }
    job_unref(job);
}

/* ---- leaving ---- */

static void unlink_fields(struct fs *fs, uint64_t key, const char *id)
{
    struct job *job =
        held_has(fs->held, node_make(key, 0)) ? cache_current(fs->config.cache, key) : NULL;
    for (size_t i = 0; job && i < job_n_fields(job); i++) {
        const struct job_field *f = job_field_at(job, i);
        if (held_has(fs->held, node_make(key, f->number)))
            tell(fs, NOTIFY_UNLINK, tell_path("jobs", id, f->name).text, NULL);
    }
    job_unref(job);
}

static void log_removed(struct fs *fs, const char *id, const struct job_facts *facts)
{
    struct event e = {.kind = EVENT_REMOVED,
                      .job = id,
                      .was = job_status_name((enum job_status)facts->status),
                      .time_ns = clock_real_ns()};
    publish_lines(fs, &e, true);
}

bool publish_forget(struct fs *fs, uint64_t key)
{
    struct cache *cache = fs->config.cache;
    if (!cache_leaving(cache, key))
        return false;
    atomic_store(&fs->jobs_mtime_ns, clock_real_ns());
    cache_forget(cache, key);
    struct job_facts *facts = cache_facts(cache, key);
    job_facts_unref(facts);
    return facts == NULL;
}

/* false: somebody has read it meanwhile. */
static bool remove_dir(struct fs *fs, uint64_t key, const char *id)
{
    bool held = held_has(fs->held, NODE_JOBS);
    if (held && tell(fs, NOTIFY_RMDIR, tell_path("jobs", id, NULL).text, NULL))
        return true;
    if (!publish_forget(fs, key))
        return false;
    if (held) {
        kernel_drop_name(fs, NODE_JOBS, id);
        publish_listing(fs);
    }
    return true;
}

static void take_off(struct fs *fs, uint64_t key, const char *id, const struct job_facts *facts)
{
    struct links away = links_begin(fs, key, id, facts, NULL);
    links_move(&away);
    unlink_fields(fs, key, id);
    if (remove_dir(fs, key, id)) {
        links_free(fs, key);
        log_removed(fs, id, facts);
        return;
    }
    struct links back = links_begin(fs, key, id, facts, facts);
    links_move(&back);
}

void publish_leaving(struct fs *fs, uint64_t key, const char *id)
{
    struct job_facts *facts =
        cache_leaving(fs->config.cache, key) ? cache_facts(fs->config.cache, key) : NULL;
    if (facts)
        take_off(fs, key, id, facts);
    job_facts_unref(facts);
}
