#include "live/schedule_private.h"
#include <stdlib.h>

#define ROOM_MIN 64

/* ---- table: open addressing; the keys are hashes ---- */

static size_t home(const struct schedule *s, uint64_t key)
{
    return (size_t)key & (s->cap - 1);
}

struct planned *planned_find(const struct schedule *s, uint64_t key)
{
    if (s->cap == 0)
        return NULL;
    struct planned *p;
    for (size_t i = home(s, key); (p = s->slots[i]); i = (i + 1) & (s->cap - 1))
        if (p->key == key)
            return p;
    return NULL;
}

static void put(struct schedule *s, struct planned *p)
{
    size_t i = home(s, p->key);
    while (s->slots[i])
        i = (i + 1) & (s->cap - 1);
    s->slots[i] = p;
}

/* Those behind it in its run are put anew, so that no search ends early. */
static void take_out(struct schedule *s, const struct planned *p)
{
    size_t mask = s->cap - 1, i = home(s, p->key);
    while (s->slots[i] != p)
        i = (i + 1) & mask;
    s->slots[i] = NULL;
    for (i = (i + 1) & mask; s->slots[i]; i = (i + 1) & mask) {
        struct planned *next = s->slots[i];
        s->slots[i] = NULL;
        put(s, next);
    }
}

/* ---- heaps ---- */

static void place(struct planned_heap *h, size_t at, struct planned *p)
{
    h->jobs[at] = p;
    p->at = at;
}

static void sift_up(struct planned_heap *h, size_t at)
{
    struct planned *p = h->jobs[at];
    for (; at > 0 && p->due_ms < h->jobs[(at - 1) / 2]->due_ms; at = (at - 1) / 2)
        place(h, at, h->jobs[(at - 1) / 2]);
    place(h, at, p);
}

static void sift_down(struct planned_heap *h, size_t at)
{
    struct planned *p = h->jobs[at];
    for (size_t child; (child = 2 * at + 1) < h->n; at = child) {
        if (child + 1 < h->n && h->jobs[child + 1]->due_ms < h->jobs[child]->due_ms)
            child++;
        if (p->due_ms <= h->jobs[child]->due_ms)
            break;
        place(h, at, h->jobs[child]);
    }
    place(h, at, p);
}

static void heap_add(struct planned_heap *h, struct planned *p)
{
    place(h, h->n++, p);
    sift_up(h, p->at);
}

static void heap_remove(struct planned_heap *h, const struct planned *p)
{
    size_t at = p->at;
    struct planned *last = h->jobs[--h->n];
    if (last == p)
        return;
    place(h, at, last);
    sift_up(h, at);
    sift_down(h, last->at);
}

void planned_set_due(struct schedule *s, struct planned *p, enum schedule_queue queue,
                     int64_t due_ms)
{
    heap_remove(&s->heaps[p->queue], p);
    p->queue = (unsigned char)queue;
    p->due_ms = due_ms;
    heap_add(&s->heaps[queue], p);
}

/* ---- the list by last look ---- */

static bool is_linked(const struct schedule *s, const struct planned *p)
{
    return p->older || s->oldest == p;
}

void planned_unlist(struct schedule *s, struct planned *p)
{
    if (!is_linked(s, p))
        return;
    *(p->older ? &p->older->newer : &s->oldest) = p->newer;
    *(p->newer ? &p->newer->older : &s->newest) = p->older;
    p->older = p->newer = NULL;
    s->unfinished--;
}

void planned_seen(struct schedule *s, struct planned *p, int64_t now_ms)
{
    planned_unlist(s, p);
    p->seen_ms = now_ms;
    p->older = s->newest;
    *(s->newest ? &s->newest->newer : &s->oldest) = p;
    s->newest = p;
    s->unfinished++;
}

/* ---- made and removed ---- */

static int widen(void **array, size_t n, size_t size)
{
    void *wider = realloc(*array, n * size);
    if (!wider)
        return -1;
    *array = wider;
    return 0;
}

static int grow(struct schedule *s)
{
    size_t room = s->room ? s->room * 2 : ROOM_MIN;
    struct planned **slots = (struct planned **)calloc(room * 2, sizeof *slots);
    if (!slots)
        return -1;
    if (widen((void **)&s->heaps[QUEUE_USED].jobs, room, sizeof *slots) < 0 ||
        widen((void **)&s->heaps[QUEUE_IDLE].jobs, room, sizeof *slots) < 0 ||
        widen((void **)&s->scratch, room, sizeof *s->scratch) < 0) {
        free((void *)slots);
        return -1;
    }
    struct planned **old = s->slots;
    size_t cap = s->cap;
    s->room = room;
    s->slots = slots;
    s->cap = room * 2; /* half of it stays empty */
    for (size_t i = 0; i < cap; i++)
        if (old[i])
            put(s, old[i]);
    free((void *)old);
    return 0;
}

struct planned *planned_add(struct schedule *s, uint64_t key)
{
    if (s->n == s->room && grow(s) < 0)
        return NULL;
    struct planned *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->key = key;
    p->queue = QUEUE_IDLE;
    p->due_ms = INT64_MAX;
    put(s, p);
    s->n++;
    heap_add(&s->heaps[QUEUE_IDLE], p);
    return p;
}

void planned_remove(struct schedule *s, struct planned *p)
{
    planned_unlist(s, p);
    heap_remove(&s->heaps[p->queue], p);
    take_out(s, p);
    s->n--;
    free(p);
}

void planned_free_all(struct schedule *s)
{
    for (size_t i = 0; i < s->cap; i++)
        free(s->slots[i]);
    free((void *)s->slots);
    free((void *)s->heaps[QUEUE_USED].jobs);
    free((void *)s->heaps[QUEUE_IDLE].jobs);
    free(s->scratch);
}
