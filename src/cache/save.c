/* What is not in the store yet: a queue of entries, each once, whatever happens to it meanwhile. */
#include "cache/cache_private.h"
#include <string.h>

#define AGE_MS 60000 /* that nothing has changed is saved no more often than this */

/* ---- what is to be saved ---- */

static bool is_kept(const struct cache *c)
{
    return c->backing.wake != NULL;
}

static void append(struct cache *c, struct entry *e)
{
    e->unsaved = true;
    e->unsaved_next = NULL;
    if (!c->unsaved)
        c->wake_save = true;
    *(c->unsaved ? &c->unsaved_last->unsaved_next : &c->unsaved) = e;
    c->unsaved_last = e;
}

void save_entry(struct cache *c, struct entry *e, enum entry_save what)
{
    if (!is_kept(c) || !e->known)
        return;
    if (e->list == LIST_IDLE)
        entry_move(c, e, LIST_NONE);
    if (what > e->save)
        e->save = (unsigned char)what;
    if (e->unsaved)
        return;
    c->n_unsaved += e->saving == SAVE_NOTHING;
    append(c, e);
}

void save_age(struct cache *c, struct entry *e, int64_t now_ms)
{
    if (now_ms == INT64_MAX || now_ms - e->saved_ms >= AGE_MS)
        save_entry(c, e, SAVE_ROW);
}

void save_read(struct cache *c, struct entry *e, int64_t now_ms)
{
    int64_t grain_ms = c->backing.read_grain_ms;
    e->leaving = false;
    e->hot = true;
    if (!e->known || now_ms <= e->read_ms)
        return;
    bool worth = grain_ms > 0 && now_ms - e->read_ms >= grain_ms;
    if (grain_ms == 0 || worth) /* else the time that is saved stays the one that is known */
        e->read_ms = now_ms;
    if (worth)
        save_entry(c, e, SAVE_ROW);
}

void save_drop(struct cache *c, struct entry *e)
{
    struct entry **at = &c->unsaved, *before = NULL;
    if (!e->unsaved && e->saving == SAVE_NOTHING)
        return;
    c->n_unsaved--;
    if (!e->unsaved)
        return;
    for (; *at != e; at = &(*at)->unsaved_next)
        before = *at;
    *at = e->unsaved_next;
    if (c->unsaved_last == e)
        c->unsaved_last = before;
    e->unsaved = false;
}

/* ---- saved ---- */

static struct entry *pop(struct cache *c)
{
    struct entry *e = c->unsaved;
    if (!e)
        return NULL;
    c->unsaved = e->unsaved_next;
    e->unsaved = false;
    e->saving = e->save;
    e->save = SAVE_NOTHING;
    e->saved_ms = e->age.confirmed_ms;
    return e;
}

static struct cache_save describe(const struct entry *e)
{
    return (struct cache_save){.key = e->key,
                               .content = e->saving == SAVE_ALL && e->job ? job_ref(e->job) : NULL,
                               .facts = job_facts_ref(e->facts),
                               .fetched_real_ns = e->age.fetched_real_ns,
                               .got_real_ns = e->age.got_real_ns,
                               .read_ms = e->read_ms,
                               .ended = e->age.ended,
                               .gone = e->gone};
}

size_t cache_take_unsaved(struct cache *c, struct cache_save *out, size_t max)
{
    size_t n = 0;
    cache_lock(c);
    for (struct entry *e; n < max && (e = pop(c)); n++)
        out[n] = describe(e);
    cache_unlock(c);
    return n;
}

/* Called with the lock held; nothing if it has been forgotten meanwhile. */
static void one_saved(struct cache *c, const struct cache_save *s, bool ok)
{
    struct entry *e = table_find(&c->table, s->key);
    if (!e || e->saving == SAVE_NOTHING)
        return;
    enum entry_save again = ok ? SAVE_NOTHING : (enum entry_save)e->saving;
    e->saving = SAVE_NOTHING;
    if (again > e->save)
        e->save = (unsigned char)again;
    if (e->save != SAVE_NOTHING && !e->unsaved)
        append(c, e);
    c->n_unsaved -= e->save == SAVE_NOTHING;
    if (e->list == LIST_NONE)
        entry_rest(c, e);
}

void cache_saved(struct cache *c, struct cache_save *saves, size_t n, bool ok)
{
    cache_lock(c);
    for (size_t i = 0; i < n; i++)
        one_saved(c, &saves[i], ok);
    content_trim(c, NULL);
    c->wake_save = false; /* it is the saver who calls */
    cache_unlock(c);
    for (size_t i = 0; i < n; i++) {
        job_unref(saves[i].content);
        job_facts_unref(saves[i].facts);
    }
}

size_t cache_count_unsaved(struct cache *c)
{
    cache_lock(c);
    size_t n = c->n_unsaved;
    cache_unlock(c);
    return n;
}

void cache_unsave_all(struct cache *c)
{
    cache_lock(c);
    for (size_t i = 0; i < c->table.cap; i++) {
        struct entry *e = c->table.slots[i];
        if (!e || !e->known)
            continue;
        e->lost |= !e->job;
        save_entry(c, e, e->job ? SAVE_ALL : SAVE_ROW);
    }
    cache_unlock(c);
}
