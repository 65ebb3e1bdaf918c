#include "sim/map.h"
#include "base/hash.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The key's slot, or the free one where it belongs. The table is never full. */
static struct sim_map_slot *probe(struct sim_map_slot *slots, size_t cap, const char *key)
{
    size_t at = hash_text(key) & (cap - 1);
    while (slots[at].key && strcmp(slots[at].key, key) != 0)
        at = (at + 1) & (cap - 1);
    return &slots[at];
}

static int grow(struct sim_map *m)
{
    size_t cap = m->cap ? m->cap * 2 : 16;
    struct sim_map_slot *slots = calloc(cap, sizeof(*slots));
    if (!slots)
        return -1;
    for (size_t i = 0; i < m->cap; i++)
        if (m->slots[i].key)
            *probe(slots, cap, m->slots[i].key) = m->slots[i];
    free(m->slots);
    m->slots = slots;
    m->cap = cap;
    return 0;
}

uint64_t *sim_map_find(const struct sim_map *m, const char *key)
{
    if (m->cap == 0)
        return NULL;
    struct sim_map_slot *slot = probe(m->slots, m->cap, key);
    return slot->key ? &slot->value : NULL;
}

uint64_t *sim_map_put(struct sim_map *m, const char *key)
{
    uint64_t *there = sim_map_find(m, key);
    if (there)
        return there;
    if (m->used >= m->max) {
        errno = EFBIG;
        return NULL;
    }
    /* At most three quarters full. */
    if ((m->used + 1) * 4 > m->cap * 3 && grow(m) < 0)
        return NULL;
    char *copy = strdup(key);
    if (!copy)
        return NULL;
    struct sim_map_slot *slot = probe(m->slots, m->cap, key);
    *slot = (struct sim_map_slot){.key = copy};
    m->used++;
    return &slot->value;
}

void sim_map_clear(struct sim_map *m)
{
    for (size_t i = 0; i < m->cap; i++)
        free(m->slots[i].key);
    free(m->slots);
    *m = (struct sim_map){.max = m->max};
}
