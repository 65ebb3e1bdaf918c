#include "sim/nonce.h"
#include "base/hash.h"
#include <stdbool.h>
#include <stdlib.h>

static uint64_t *probe(uint64_t *slots, size_t cap, uint64_t hash)
{
    size_t at = hash & (cap - 1);
    while (slots[at] && slots[at] != hash)
        at = (at + 1) & (cap - 1);
    return &slots[at];
}

static bool has(const struct sim_nonce_set *set, uint64_t hash)
{
    return set->cap > 0 && *probe(set->slots, set->cap, hash) == hash;
}

static int grow(struct sim_nonce_set *set)
{
    size_t cap = set->cap ? set->cap * 2 : 1024;
    uint64_t *slots = calloc(cap, sizeof(*slots));
    if (!slots)
        return -1;
    for (size_t i = 0; i < set->cap; i++)
        if (set->slots[i])
            *probe(slots, cap, set->slots[i]) = set->slots[i];
    free(set->slots);
    set->slots = slots;
    set->cap = cap;
    return 0;
}

static int add(struct sim_nonce_set *set, uint64_t hash)
{
    if ((set->used + 1) * 4 > set->cap * 3 && grow(set) < 0)
        return -1;
    *probe(set->slots, set->cap, hash) = hash;
    set->used++;
    return 0;
}

static void turn(struct sim_nonces *n, int64_t now_s)
{
    free(n->old.slots);
    n->old = n->young;
    n->young = (struct sim_nonce_set){0};
    n->turned_s = now_s;
}

int sim_nonce_seen(struct sim_nonces *n, const char *nonce, int64_t now_s)
{
    uint64_t hash = hash_text(nonce);
    if (hash == 0) /* the mark of a free slot */
        hash = 1;
    if (n->young.used >= SIM_NONCE_MAX || now_s - n->turned_s >= SIM_NONCE_KEEP_S)
        turn(n, now_s);
    if (has(&n->young, hash) || has(&n->old, hash))
        return 1;
    return add(&n->young, hash);
}

void sim_nonces_free(struct sim_nonces *n)
{
    free(n->young.slots);
    free(n->old.slots);
    *n = (struct sim_nonces){0};
}
