#include "fs/held.h"
#include "base/hash.h"
#include "base/thread.h"
#include <stdatomic.h>
#include <stdlib.h>

#define SHARDS  64
#define CAP_MIN 16

#define OPENS_BITS 18
#define OPENS_MAX  ((1U << OPENS_BITS) - 1) /* no longer counted */

struct slot {
    uint64_t ino; /* 0: free */
    uint64_t n : 44;
    uint64_t opens : OPENS_BITS;
    uint64_t filling : 1;
    uint64_t filled : 1;
};

/* `lock` protects the rest. Open addressing, linear probing, at most two thirds full. */
struct shard {
    pthread_mutex_t lock;
    struct slot *slots;
    size_t cap; /* 0 or a power of two */
    size_t used;
};

struct held {
    struct shard shards[SHARDS];
    atomic_bool all; /* memory ran out: everything counts as held */
};

struct held *held_new(struct err *err)
{
    struct held *h = calloc(1, sizeof *h);
    if (!h) {
        err_set(err, "no memory for the table of what the kernel holds");
        return NULL;
    }
    for (size_t i = 0; i < SHARDS; i++)
        mutex_init(&h->shards[i].lock);
    return h;
}

void held_free(struct held *h)
{
    if (!h)
        return;
    for (size_t i = 0; i < SHARDS; i++) {
        free(h->shards[i].slots);
        mutex_destroy(&h->shards[i].lock);
    }
    free(h);
}

static uint64_t mix(uint64_t ino)
{
    return hash_bytes(&ino, sizeof ino);
}

static struct shard *shard_of(const struct held *h, uint64_t hash)
{
    return (struct shard *)&h->shards[hash % SHARDS]; /* const is about the counts, not the lock */
}

static size_t home(const struct shard *s, uint64_t hash)
{
    return (size_t)(hash / SHARDS) & (s->cap - 1);
}

/* The slot of an inode, or the free one where it would be. Called with the lock held and cap > 0.
 */
static struct slot *find(const struct shard *s, uint64_t ino, uint64_t hash)
{
    size_t i = home(s, hash);
    while (s->slots[i].ino != 0 && s->slots[i].ino != ino)
        i = (i + 1) & (s->cap - 1);
    return &s->slots[i];
}

/* The slot of an inode, or NULL; its shard, whose lock is held from now on. */
static struct slot *lock_slot(const struct held *h, uint64_t ino, struct shard **s)
{
    uint64_t hash = mix(ino);
    *s = shard_of(h, hash);
    mutex_lock(&(*s)->lock);
    struct slot *slot = (*s)->cap > 0 ? find(*s, ino, hash) : NULL;
    return slot && slot->ino == ino ? slot : NULL;
}

/* Called with the lock held. */
static int grow(struct shard *s)
{
    struct shard wide = {.cap = s->cap ? s->cap * 2 : CAP_MIN};
    wide.slots = calloc(wide.cap, sizeof *wide.slots);
    if (!wide.slots)
        return -1;
    for (size_t i = 0; i < s->cap; i++)
        if (s->slots[i].ino)
            *find(&wide, s->slots[i].ino, mix(s->slots[i].ino)) = s->slots[i];
    free(s->slots);
    s->slots = wide.slots;
    s->cap = wide.cap;
    return 0;
}

void held_add(struct held *h, uint64_t ino)
{
    uint64_t hash = mix(ino);
    struct shard *s = shard_of(h, hash);
    LOCK_SCOPE(&s->lock);
    if (s->used >= s->cap - s->cap / 3 && grow(s) < 0) {
        atomic_store(&h->all, true);
        return;
    }
    struct slot *slot = find(s, ino, hash);
    if (slot->ino == 0) {
        slot->ino = ino;
        s->used++;
    }
    slot->n++;
}

/* Free a slot and close the gap, so that no mark has to stay behind. Called with the lock held. */
static void drop(struct shard *s, struct slot *gone)
{
    size_t mask = s->cap - 1, hole = (size_t)(gone - s->slots);
    for (size_t i = (hole + 1) & mask; s->slots[i].ino; i = (i + 1) & mask) {
        size_t from = home(s, mix(s->slots[i].ino));
        if (((i - from) & mask) < ((i - hole) & mask))
            continue;
        s->slots[hole] = s->slots[i];
        hole = i;
    }
    s->slots[hole] = (struct slot){0};
    s->used--;
}

void held_forget(struct held *h, uint64_t ino, uint64_t n)
{
    struct shard *s;
    struct slot *slot = lock_slot(h, ino, &s);
    if (slot)
        slot->n = n < slot->n ? slot->n - n : 0;
    if (slot && slot->n == 0)
        drop(s, slot);
    mutex_unlock(&s->lock);
}

bool held_has(const struct held *h, uint64_t ino)
{
    struct shard *s;
    bool has = lock_slot(h, ino, &s) != NULL;
    mutex_unlock(&s->lock);
    return has || atomic_load(&h->all);
}

static enum held_turn open_one(struct slot *slot)
{
    if (slot->filling)
        return HELD_BUSY;
    slot->filling = !slot->filled && slot->opens == 0;
    slot->opens += slot->opens < OPENS_MAX;
    return slot->filling ? HELD_FILL : HELD_OPEN;
}

enum held_turn held_open(struct held *h, uint64_t ino)
{
    struct shard *s;
    struct slot *slot = lock_slot(h, ino, &s);
    enum held_turn turn = slot ? open_one(slot) : HELD_OPEN;
    mutex_unlock(&s->lock);
    return turn;
}

void held_filled(struct held *h, uint64_t ino, bool done)
{
    struct shard *s;
    struct slot *slot = lock_slot(h, ino, &s);
    if (slot) {
        slot->filling = 0;
        slot->filled = done;
    }
    mutex_unlock(&s->lock);
}

void held_close(struct held *h, uint64_t ino)
{
    struct shard *s;
    struct slot *slot = lock_slot(h, ino, &s);
    if (slot && slot->opens > 0 && slot->opens < OPENS_MAX)
        slot->opens--;
    mutex_unlock(&s->lock);
}

size_t held_count(const struct held *h)
{
    size_t n = 0;
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *s = shard_of(h, i);
        LOCK_SCOPE(&s->lock);
        n += s->used;
    }
    return n;
}
