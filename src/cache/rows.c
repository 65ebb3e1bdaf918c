/* The lines of jobs.tsv, sorted by id: of jobs whose content is in memory from there, of the others
 * from the store, which gives its own in the same order. */
#include "cache/cache_private.h"
#include "job/row.h"
#include <string.h>

void cache_rows_stat(struct cache *c, struct cache_rows_stat *out)
{
    cache_lock(c);
    *out = (struct cache_rows_stat){.bytes = c->row_bytes, .generation = c->row_generation};
    cache_unlock(c);
}

struct line {
    uint64_t key;
    struct job_facts *facts;
    struct job *job; /* NULL: its line is in the store */
};

struct lines {
    struct cache *cache;
    struct line *rows;
    size_t n, at;
    size_t away;
    uint64_t generation;
    void (*each)(void *arg, const char *row, size_t len);
    void *arg;
    struct buf text;
    bool failed;
};

/* ---- which there are ---- */

static bool copy(struct lines *l, size_t cap)
{
    struct cache *c = l->cache;
    if (c->known > cap)
        return false;
    for (size_t i = 0; i < c->table.cap; i++) {
        const struct entry *e = c->table.slots[i];
        if (!e || !e->known)
            continue;
        l->rows[l->n++] = (struct line){.key = e->key,
                                        .facts = job_facts_ref(e->facts),
                                        .job = e->job ? job_ref(e->job) : NULL};
        l->away += !e->job;
    }
    l->generation = c->row_generation;
    return true;
}

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct line *)a)->facts->id, ((const struct line *)b)->facts->id);
}

#define SLACK 64 /* jobs that may become known between counting and copying */

static int take(struct lines *l)
{
    for (bool fits = false; !fits;) {
        cache_lock(l->cache);
        size_t cap = l->cache->known + SLACK;
        cache_unlock(l->cache);
        free(l->rows);
        l->rows = calloc(cap, sizeof *l->rows);
        if (!l->rows)
            return -1;
        cache_lock(l->cache);
        fits = copy(l, cap);
        cache_unlock(l->cache);
    }
    qsort(l->rows, l->n, sizeof *l->rows, by_id);
    return 0;
}

static void drop(struct lines *l)
{
    for (size_t i = 0; i < l->n; i++) {
        job_facts_unref(l->rows[i].facts);
        job_unref(l->rows[i].job);
    }
    free(l->rows);
    buf_free(&l->text);
}

/* ---- given out ---- */

static void give_job(struct lines *l, const struct job *job)
{
    buf_reset(&l->text);
    if (job_row(job, &l->text) < 0)
        l->failed = true;
    else
        l->each(l->arg, buf_str(&l->text), l->text.len);
}

/* The store did not give it: it left memory or came back meanwhile. */
static void give_one(struct lines *l, const struct line *row)
{
    struct job *job = row->job ? job_ref(row->job) : cache_current(l->cache, row->key);
    if (job)
        give_job(l, job);
    job_unref(job);
}

static void on_stored(void *arg, const char *id, const char *row, size_t len)
{
    struct lines *l = arg;
    while (l->at < l->n && strcmp(l->rows[l->at].facts->id, id) < 0)
        give_one(l, &l->rows[l->at++]);
    if (l->at == l->n || strcmp(l->rows[l->at].facts->id, id) != 0)
        return; /* somebody else's */
    if (l->rows[l->at].job)
        give_job(l, l->rows[l->at].job);
    else
        l->each(l->arg, row, len);
    l->at++;
}

static int give(struct lines *l, struct err *err)
{
    const struct cache_backing *b = &l->cache->backing;
    if (l->away > 0 && b->each_row && b->each_row(b->arg, on_stored, l, err) < 0)
        return -1;
    while (l->at < l->n)
        give_one(l, &l->rows[l->at++]);
    return l->failed ? err_set(err, "no memory for the lines of jobs.tsv") : 0;
}

int cache_each_row(struct cache *c, void (*each)(void *arg, const char *row, size_t len), void *arg,
                   uint64_t *generation, struct err *err)
{
    struct lines l = {.cache = c, .each = each, .arg = arg, .text = BUF_INIT(4 * JOB_REPLY_MAX)};
    int rc = take(&l) < 0 ? err_set(err, "no memory for the list of jobs") : give(&l, err);
    *generation = l.generation;
    drop(&l);
    return rc;
}
