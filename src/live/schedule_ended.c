/* Jobs that had ended when a list first showed them, and still need one Get. */
#include "live/schedule_private.h"
#include <stdlib.h>
#include <string.h>

#define ROOM_MIN 256

/* Room behind the last: what was taken off in front is used again before more is asked for. */
static int make_room(struct ended_queue *q)
{
    if (q->first + q->n < q->cap)
        return 0;
    if (q->first > q->cap / 2) {
        memmove(q->keys, q->keys + q->first, q->n * sizeof *q->keys);
        q->first = 0;
        return 0;
    }
    size_t cap = q->cap ? q->cap * 2 : ROOM_MIN;
    uint64_t *wider = realloc(q->keys, cap * sizeof *wider);
    if (!wider)
        return -1;
    q->keys = wider;
    q->cap = cap;
    return 0;
}

int ended_add(struct ended_queue *q, uint64_t key)
{
    if (make_room(q) < 0)
        return -1;
    q->keys[q->first + q->n++] = key;
    return 0;
}

void ended_free(struct ended_queue *q)
{
    free(q->keys);
    *q = (struct ended_queue){0};
}

bool schedule_next_ended(struct schedule *s, int64_t now_ms, uint64_t *key)
{
    struct ended_queue *q = &s->ended;
    if (q->n == 0 || now_ms < q->not_before_ms)
        return false;
    *key = q->keys[q->first++];
    if (--q->n == 0)
        ended_free(q); /* thousands come at once, and then none for long */
    return true;
}

void schedule_listed_end(struct schedule *s, uint64_t key)
{
    struct planned *p = planned_find(s, key);
    /* Without memory it stays where it is. */
    if (p && ended_add(&s->ended, key) == 0)
        planned_remove(s, p);
}

int64_t schedule_ended_ms(const struct schedule *s)
{
    return s->ended.n > 0 ? s->ended.not_before_ms : INT64_MAX;
}

void schedule_put_back(struct schedule *s, uint64_t key, int64_t delay_ms, int64_t now_ms)
{
    /* Without memory it waits for a reader. */
    if (ended_add(&s->ended, key) < 0)
        return;
    s->ended.not_before_ms = now_ms + (delay_ms > SCHEDULE_ENDED_MS ? delay_ms : SCHEDULE_ENDED_MS);
}

size_t schedule_ended_count(const struct schedule *s)
{
    return s->ended.n;
}
