#include "api/creds.h"
#include "job/job.h"
#include "live/live_private.h"
#include <stdlib.h>

/* ---- the heap of the delayed ---- */

static void swap(struct look **a, struct look **b)
{
    struct look *t = *a;
    *a = *b;
    *b = t;
}

static void sift_up(struct look **h, size_t i)
{
    for (; i > 0 && h[i]->due_ms < h[(i - 1) / 2]->due_ms; i = (i - 1) / 2)
        swap(&h[i], &h[(i - 1) / 2]);
}

static void sift_down(struct look **h, size_t n, size_t i)
{
    for (;;) {
        size_t least = i, left = 2 * i + 1, right = left + 1;
        if (left < n && h[left]->due_ms < h[least]->due_ms)
            least = left;
        if (right < n && h[right]->due_ms < h[least]->due_ms)
            least = right;
        if (least == i)
            return;
        swap(&h[i], &h[least]);
        i = least;
    }
}

/* Look-ups leave the heap when they are due, or all at once: from the top. */
static void heap_remove_first(struct looks *s)
{
    s->delayed[0] = s->delayed[--s->n_delayed];
    sift_down(s->delayed, s->n_delayed, 0);
}

static void heap_add(struct looks *s, struct look *k)
{
    s->delayed[s->n_delayed] = k;
    sift_up(s->delayed, s->n_delayed++);
}

/* ---- the lists ---- */

static void list_remove(struct look_list *l, struct look *k)
{
    *(k->prev ? &k->prev->next : &l->head) = k->next;
    *(k->next ? &k->next->prev : &l->tail) = k->prev;
    k->prev = k->next = NULL;
    l->n--;
}

static void list_append(struct look_list *l, struct look *k)
{
    k->prev = l->tail;
    *(l->tail ? &l->tail->next : &l->head) = k;
    l->tail = k;
    l->n++;
}

void look_move(struct looks *s, struct look *k, enum look_place place)
{
    if (k->place == LOOK_DELAYED)
        heap_remove_first(s);
    else if (k->place != LOOK_NOWHERE)
        list_remove(&s->lists[k->place], k);
    k->place = place;
    if (place == LOOK_DELAYED)
        heap_add(s, k);
    else if (place != LOOK_NOWHERE)
        list_append(&s->lists[place], k);
}

/* ---- made and freed ---- */

int looks_reserve(struct looks *s)
{
    if (s->n + 1 > s->cap_delayed) {
        size_t cap = s->cap_delayed ? s->cap_delayed * 2 : 64;
        struct look **wider = realloc((void *)s->delayed, cap * sizeof(*wider));
        if (!wider)
            return -1;
        s->delayed = wider;
        s->cap_delayed = cap;
    }
    if (!s->spare)
        s->spare = calloc(1, sizeof(*s->spare));
    return s->spare ? 0 : -1;
}

struct look *look_new(struct looks *s, struct live *l, enum look_place home)
{
    s->n++;
    s->spare->live = l;
    s->spare->home = home;
    return MOVE_PTR(s->spare);
}

static void dispose(struct look *k)
{
    creds_keys_unref(k->refused);
    job_unref(k->item);
    free(k);
}

void look_free(struct looks *s, struct look *k)
{
    look_move(s, k, LOOK_NOWHERE);
    dispose(k);
    s->n--;
}

void looks_free(struct looks *s)
{
    for (size_t i = 0; i < s->n_delayed; i++)
        dispose(s->delayed[i]);
    for (int place = LOOK_READY; place < LOOK_DELAYED; place++) {
        for (struct look *k = s->lists[place].head, *next; k; k = next) {
            next = k->next;
            if (place == LOOK_FLYING) {
                job_unref(MOVE_PTR(k->item));
                k->live = NULL; /* freed when its call comes back */
            } else {
                dispose(k);
            }
        }
    }
    free(s->spare);
    free((void *)s->delayed);
    *s = (struct looks){0};
}
