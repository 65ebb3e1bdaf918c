#include "cache/cache_private.h"
#include <errno.h>
#include <string.h>

#define KEY_MAX   ((UINT64_C(1) << 48) - 1)
#define ERROR_MAX (sizeof(((struct cache_info *)0)->error) - 1)

/* ---- found, made, dropped ---- */

/* The key that an id has when `taken` others have its hash: 1 to KEY_MAX. */
static uint64_t key_of(const struct cache *c, const char *id, unsigned taken)
{
    uint64_t first = c->hash(id) >> 16;
    uint64_t key = (first ? first : 1) + taken;
    return key > KEY_MAX ? key - KEY_MAX : key;
}

static struct entry *make(struct cache *c, const char *id, uint64_t key)
{
    const struct job_facts name = {.id = id, .project = "", .create_s = JOB_NO_TIME};
    struct entry *e = calloc(1, sizeof(*e));
    if (!e)
        return NULL;
    e->facts = job_facts_new(&name);
    e->key = key;
    e->memory_ms = e->slow_ms = e->looked_ms = e->touched_ms = e->saved_ms = CACHE_LONG_AGO;
    e->age = (struct version_age){.confirmed_ms = CACHE_LONG_AGO, .got_ms = CACHE_LONG_AGO};
    if (!e->facts || table_add(&c->table, e) < 0) {
        entry_free(e);
        return NULL;
    }
    c->provisional++;
    return e;
}

/* The entry of an id, or NULL with the first key that it may have, 0 for none. */
static struct entry *search(const struct cache *c, const char *id, uint64_t *vacant)
{
    *vacant = 0;
    /* All are looked at: the entry that once pushed this one on may have been forgotten. */
    for (unsigned i = 0; i < CACHE_PROBES; i++) {
        uint64_t key = key_of(c, id, i);
        struct entry *e = table_find(&c->table, key);
        if (e && strcmp(e->facts->id, id) == 0)
            return e;
        if (!e && *vacant == 0)
            *vacant = key;
    }
    return NULL;
}

struct entry *entry_find(const struct cache *c, const char *id)
{
    uint64_t vacant;
    return search(c, id, &vacant);
}

struct entry *entry_of(struct cache *c, const char *id, int *error)
{
    uint64_t vacant;
    struct entry *e = search(c, id, &vacant);
    if (e)
        return e;
    *error = ENFILE;
    if (vacant == 0)
        return NULL;
    if (c->provisional >= c->provisional_max && !entry_forget_one(c, INT64_MAX))
        return NULL;
    *error = ENOMEM;
    return make(c, id, vacant);
}

struct entry *entry_make(struct cache *c, const char *id, int *error)
{
    uint64_t vacant;
    search(c, id, &vacant);
    struct entry *e = vacant == 0 ? NULL : make(c, id, vacant);
    *error = e ? 0 : vacant == 0 ? ENFILE : ENOMEM;
    return e;
}

void entry_copy_id(const struct entry *e, char id[JOB_ID_MAX + 1])
{
    memcpy(id, e->facts->id, strlen(e->facts->id) + 1);
}

void entry_free(struct entry *e)
{
    job_unref(e->job);
    job_unref(e->staged);
    job_facts_unref(e->facts);
    free(e->error);
    free(e);
}

void entry_drop(struct cache *c, struct entry *e)
{
    entry_move(c, e, LIST_NONE);
    table_remove(&c->table, e);
    c->provisional--;
    entry_free(e);
}

/* ---- lists ---- */

static void list_remove(struct entry_list *l, struct entry *e)
{
    *(e->prev ? &e->prev->next : &l->head) = e->next;
    *(e->next ? &e->next->prev : &l->tail) = e->prev;
    e->prev = e->next = NULL;
}

static void list_append(struct entry_list *l, struct entry *e)
{
    e->prev = l->tail;
    *(l->tail ? &l->tail->next : &l->head) = e;
    l->tail = e;
}

void entry_move(struct cache *c, struct entry *e, enum entry_list_kind list)
{
    if (e->list != LIST_NONE)
        list_remove(&c->lists[e->list], e);
    e->list = (unsigned char)list;
    if (list != LIST_NONE)
        list_append(&c->lists[list], e);
}

/* ---- at rest ---- */

static bool may_leave_memory(const struct entry *e)
{
    return e->job && !e->staged && job_facts_final(e->facts) && e->save == SAVE_NOTHING &&
           e->saving == SAVE_NOTHING && !e->asking && !e->waiters;
}

void entry_rest(struct cache *c, struct entry *e)
{
    if (!may_leave_memory(e))
        entry_move(c, e, LIST_NONE);
    else if (e->list != LIST_IDLE)
        entry_move(c, e, LIST_IDLE);
}

/* ---- asked for ---- */

bool entry_asked(const struct entry *e)
{
    return e->asking || e->list == LIST_WANTED;
}

void entry_want(struct cache *c, struct entry *e, int64_t now_ms)
{
    if (entry_asked(e))
        return;
    e->begun_ms = now_ms;
    e->retrying = false;
    if (!c->lists[LIST_WANTED].head) /* else live has been woken and has not come yet */
        c->wake = true;
    entry_move(c, e, LIST_WANTED);
}

bool entry_probe(struct cache *c, struct entry *e, int64_t now_ms)
{
    /* A LOOKUP began it: the GETATTR behind it is the reader who waits for it. */
    bool begun = c->probe_key == e->key && !e->waiters;
    if (c->probe_key != 0 && now_ms - c->probe_ms < CACHE_PROBING_MS)
        return begun;
    c->probe_key = e->key;
    c->probe_ms = now_ms;
    entry_want(c, e, now_ms);
    return true;
}

/* ---- remembered, forgotten ---- */

bool entry_held(const struct entry *e, int64_t now_ms)
{
    return e->memory != MEMORY_NONE && now_ms < e->memory_ms;
}

bool entry_has(const struct entry *e, enum cache_need need)
{
    return e->known && !e->lost && (need == CACHE_NEED_ANY || !e->facts->partial);
}

bool entry_coming(const struct entry *e, enum cache_need need)
{
    return e->staged && (need == CACHE_NEED_ANY || !job_partial(e->staged));
}

int64_t entry_time(const struct entry *e, enum cache_need need)
{
    return need == CACHE_NEED_GET ? e->age.got_ms : e->age.confirmed_ms;
}

bool entry_fresh(const struct cache *c, const struct entry *e, enum cache_need need, int64_t now_ms)
{
    if (!entry_has(e, need))
        return false;
    /* An end that a list has shown: the rest was got before it. */
    if (job_facts_final(e->facts) && (need == CACHE_NEED_ANY || e->age.ended))
        return true;
    return now_ms - entry_time(e, need) < c->config.ttl_ms;
}

/* How much of a text fits, cut at a character of UTF-8. */
static size_t fitting(const char *text)
{
    size_t len = strnlen(text, ERROR_MAX + 1);
    if (len <= ERROR_MAX)
        return len;
    for (len = ERROR_MAX; len > 0 && ((unsigned char)text[len] & 0xC0) == 0x80;)
        len--;
    return len;
}

void entry_failed(struct entry *e, int error_no, const char *text)
{
    e->error_no = error_no;
    free(e->error);
    /* Without memory the errno alone is kept. */
    e->error = text ? strndup(text, fitting(text)) : NULL;
}

void entry_over(struct cache *c, struct entry *e, enum entry_memory memory, int64_t now_ms)
{
    e->asking = e->retrying = false;
    e->looked_ms = CACHE_LONG_AGO;
    e->memory = (unsigned char)memory;
    if (memory != MEMORY_NONE)
        e->memory_ms =
            now_ms + (memory == MEMORY_MISSING ? c->config.ttl_missing_ms : CACHE_DENIED_MS);
    if (c->probe_key == e->key)
        c->probe_key = 0;
    c->missing_changed |= memory == MEMORY_MISSING;
    if (e->known || e->unborn) {
        entry_rest(c, e);
        return;
    }
    static const enum entry_list_kind lists[] = {
        [MEMORY_NONE] = LIST_SOON, [MEMORY_MISSING] = LIST_MISSING, [MEMORY_DENIED] = LIST_DENIED};
    e->forget_ms = memory == MEMORY_NONE ? now_ms + CACHE_SOON_MS : e->memory_ms;
    entry_move(c, e, lists[memory]);
}

bool entry_forget_one(struct cache *c, int64_t now_ms)
{
    static const enum entry_list_kind order[] = {LIST_SOON, LIST_MISSING, LIST_DENIED};
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        struct entry *e = c->lists[order[i]].head;
        if (e && e->forget_ms <= now_ms) {
            entry_drop(c, e);
            return true;
        }
    }
    return false;
}
