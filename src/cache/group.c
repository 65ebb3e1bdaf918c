#include "cache/cache_private.h"
#include <string.h>

/* Without memory the job is in no group: it is not listed there, and found by its name. */
#define HASH_NONFATAL_OOM         1
#define uthash_nonfatal_oom(elem) (void)((elem)->n = 0)
#include <uthash.h>

/* The jobs of one label. It is there as long as it has any. */
struct group {
    uint64_t label;
    struct entry *head;
    size_t n;
    UT_hash_handle hh;
};

static struct group *find(const struct cache *c, unsigned g, uint64_t label)
{
    struct group *found;
    HASH_FIND(hh, c->groups[g], &label, sizeof label, found);
    return found;
}

static struct group *find_or_make(struct cache *c, unsigned g, uint64_t label)
{
    struct group *group = find(c, g, label);
    if (group)
        return group;
    group = calloc(1, sizeof *group);
    if (!group)
        return NULL;
    group->label = label;
    group->n = 1; /* it has been added; 0: it has not */
    HASH_ADD(hh, c->groups[g], label, sizeof label, group);
    if (group->n-- > 0)
        return group;
    free(group);
    return NULL;
}

/* ---- in and out ---- */

static void unlink_entry(struct cache *c, struct entry *e, unsigned g)
{
    struct entry_link *l = &e->links[g];
    struct group *group = l->group;
    if (!group)
        return;
    *(l->prev ? &l->prev->links[g].next : &group->head) = l->next;
    if (l->next)
        l->next->links[g].prev = l->prev;
    *l = (struct entry_link){0};
    if (--group->n > 0)
        return;
    HASH_DELETE(hh, c->groups[g], group);
    free(group);
}

static void link_entry(struct cache *c, struct entry *e, unsigned g, uint64_t label)
{
    struct group *group = label ? find_or_make(c, g, label) : NULL;
    if (!group)
        return;
    e->links[g] = (struct entry_link){.group = group, .next = group->head};
    if (group->head)
        group->head->links[g].prev = e;
    group->head = e;
    group->n++;
}

void group_join(struct cache *c, struct entry *e)
{
    for (unsigned g = 0; c->label && g < CACHE_GROUPINGS; g++)
        link_entry(c, e, g, c->label(e->facts, g));
}

void group_leave(struct cache *c, struct entry *e)
{
    for (unsigned g = 0; g < CACHE_GROUPINGS; g++)
        unlink_entry(c, e, g);
}

void group_move(struct cache *c, struct entry *e, const struct job_facts *facts)
{
    for (unsigned g = 0; c->label && g < CACHE_GROUPINGS; g++) {
        uint64_t label = c->label(facts, g);
        const struct group *now = e->links[g].group;
        if (label == (now ? now->label : 0))
            continue;
        unlink_entry(c, e, g);
        link_entry(c, e, g, label);
    }
}

void group_free_all(struct cache *c)
{
    for (unsigned g = 0; g < CACHE_GROUPINGS; g++) {
        struct group *group = c->groups[g], *next;
        HASH_CLEAR(hh, c->groups[g]); /* the table; its members are still strung together */
        for (; group; group = next) {
            next = group->hh.next;
            free(group);
        }
    }
}

/* ---- listed ---- */

size_t cache_group_size(struct cache *c, unsigned grouping, uint64_t label)
{
    cache_lock(c);
    const struct group *group = find(c, grouping, label);
    size_t n = group ? group->n : 0;
    cache_unlock(c);
    return n;
}

#define SLACK 16 /* jobs that may come between counting and copying */

static bool copy_group(const struct group *group, unsigned g, struct cache_row *rows, size_t cap,
                       size_t *n)
{
    *n = 0;
    if (group && group->n > cap)
        return false;
    for (const struct entry *e = group ? group->head : NULL; e; e = e->links[g].next)
        rows[(*n)++] = (struct cache_row){.key = e->key, .facts = job_facts_ref(e->facts)};
    return true;
}

int cache_list_group(struct cache *c, unsigned grouping, uint64_t label, struct cache_row **rows,
                     size_t *n)
{
    for (;;) {
        size_t cap = cache_group_size(c, grouping, label) + SLACK;
        struct cache_row *copy = calloc(cap, sizeof *copy);
        if (!copy)
            return -1;
        cache_lock(c);
        bool fits = copy_group(find(c, grouping, label), grouping, copy, cap, n);
        cache_unlock(c);
        *rows = copy;
        if (fits)
            return 0;
        free(copy);
    }
}

/* How many there are, of which the first `cap` are copied. */
static size_t copy_groups(struct cache *c, unsigned g, struct cache_group *groups, size_t cap)
{
    size_t n = 0;
    cache_lock(c);
    for (const struct group *group = c->groups[g]; group; group = group->hh.next, n++)
        if (n < cap)
            groups[n] = (struct cache_group){
                .label = group->label, .n = group->n, .one = job_facts_ref(group->head->facts)};
    cache_unlock(c);
    return n;
}

int cache_groups(struct cache *c, unsigned grouping, struct cache_group **groups, size_t *n)
{
    size_t cap = SLACK;
    for (;;) {
        struct cache_group *copy = calloc(cap, sizeof *copy);
        if (!copy)
            return -1;
        size_t all = copy_groups(c, grouping, copy, cap);
        if (all <= cap) {
            *groups = copy;
            *n = all;
            return 0;
        }
        cache_groups_free(copy, cap);
        cap = all + SLACK;
    }
}

void cache_groups_free(struct cache_group *groups, size_t n)
{
    for (size_t i = 0; groups && i < n; i++)
        job_facts_unref(groups[i].one);
    free(groups);
}
