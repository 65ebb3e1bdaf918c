#include "cache/cache_private.h"

#define CAP_MIN 64

static size_t home(const struct table *t, uint64_t key)
{
    return (size_t)key & (t->cap - 1);
}

struct entry *table_find(const struct table *t, uint64_t key)
{
    if (t->cap == 0)
        return NULL;
    struct entry *e;
    for (size_t i = home(t, key); (e = t->slots[i]); i = (i + 1) & (t->cap - 1))
        if (e->key == key)
            return e;
    return NULL;
}

static void put(struct table *t, struct entry *e)
{
    size_t i = home(t, e->key);
    while (t->slots[i])
        i = (i + 1) & (t->cap - 1);
    t->slots[i] = e;
}

static int grow(struct table *t)
{
    struct table wide = {.cap = t->cap ? t->cap * 2 : CAP_MIN, .used = t->used};
    wide.slots = calloc(wide.cap, sizeof(struct entry *));
    if (!wide.slots)
        return -1;
    for (size_t i = 0; i < t->cap; i++)
        if (t->slots[i])
            put(&wide, t->slots[i]);
    free((void *)t->slots);
    *t = wide;
    return 0;
}

int table_add(struct table *t, struct entry *e)
{
    /* At least a third stays empty: runs are short, and every search ends. */
    if (t->used >= t->cap - t->cap / 3 && grow(t) < 0)
        return -1;
    put(t, e);
    t->used++;
    return 0;
}

/* Whether position `x` lies in (from, to], going round. */
static bool between(size_t from, size_t x, size_t to)
{
    return from <= to ? from < x && x <= to : from < x || x <= to;
}

void table_remove(struct table *t, const struct entry *e)
{
    size_t mask = t->cap - 1, hole = home(t, e->key);
    while (t->slots[hole] != e)
        hole = (hole + 1) & mask;
    /* Move later members of the run into the hole, so that no mark has to stay behind. */
    for (size_t i = (hole + 1) & mask; t->slots[i]; i = (i + 1) & mask) {
        if (between(hole, home(t, t->slots[i]->key), i))
            continue;
        t->slots[hole] = t->slots[i];
        hole = i;
    }
    t->slots[hole] = NULL;
    t->used--;
}

void table_free(struct table *t)
{
    free((void *)t->slots);
    *t = (struct table){0};
}
