#include "fs/stage.h"
#include "base/thread.h"
#include <search.h>
#include <stdlib.h>

/* The links of a job that do not follow what it says. */
struct held_links {
    uint64_t key;
    struct {
        bool held;
        uint64_t at, to; /* `to`: where it may go, `at` for nowhere else */
    } view[VIEWS];
};

struct stage {
    pthread_mutex_t lock; /* protects the rest */
    uint64_t key;         /* 0: nothing is being shown */
    const struct job *before, *after;
    uint16_t moved[JOB_DIFF_MAX]; /* names shown or hidden already */
    size_t n_moved;
    void *links; /* struct held_links, a tree of tsearch(3) */
    size_t n_links;
};

struct stage *stage_new(struct err *err)
{
    struct stage *s = calloc(1, sizeof *s);
    if (s)
        mutex_init(&s->lock);
    else
        err_set(err, "no memory for the stage");
    return s;
}

void stage_free(struct stage *s)
{
    if (!s)
        return;
    tdestroy(s->links, free);
    job_unref(s->before);
    job_unref(s->after);
    mutex_destroy(&s->lock);
    free(s);
}

void stage_begin(struct stage *s, uint64_t key, const struct job *before, const struct job *after)
{
    LOCK_SCOPE(&s->lock);
    s->key = key;
    s->before = job_ref(before);
    s->after = job_ref(after);
    s->n_moved = 0;
}

void stage_end(struct stage *s)
{
    mutex_lock(&s->lock);
    const struct job *before = MOVE_PTR(s->before), *after = MOVE_PTR(s->after);
    s->key = 0;
    mutex_unlock(&s->lock);
    job_unref(before);
    job_unref(after);
}

/* Called with the lock held. */
static bool has_moved(const struct stage *s, uint16_t number)
{
    for (size_t i = 0; i < s->n_moved; i++)
        if (s->moved[i] == number)
            return true;
    return false;
}

/* Called with the lock held. */
static bool move(struct stage *s, uint16_t number)
{
    if (has_moved(s, number) || s->n_moved == ARRAY_LEN(s->moved))
        return false;
    s->moved[s->n_moved++] = number;
    return true;
}

/* Called with the lock held: a name of one version that the other has not. */
static bool only_in(const struct stage *s, uint64_t key, uint16_t number, const struct job *has,
                    const struct job *lacks)
{
    return s->key == key && key != 0 && job_find_number(has, number) &&
           !job_find_number(lacks, number);
}

struct job *stage_show(struct stage *s, uint64_t key, uint16_t number)
{
    LOCK_SCOPE(&s->lock);
    if (!only_in(s, key, number, s->after, s->before) || !move(s, number))
        return NULL;
    return job_ref(s->after);
}

bool stage_hide(struct stage *s, uint64_t key, uint16_t number)
{
    LOCK_SCOPE(&s->lock);
    return only_in(s, key, number, s->before, s->after) && move(s, number);
}

struct job *stage_find(struct stage *s, uint64_t key, uint16_t number)
{
    LOCK_SCOPE(&s->lock);
    if (only_in(s, key, number, s->after, s->before))
        return has_moved(s, number) ? job_ref(s->after) : NULL;
    if (only_in(s, key, number, s->before, s->after))
        return has_moved(s, number) ? NULL : job_ref(s->before);
    return NULL;
}

struct job *stage_beside(struct stage *s, uint64_t key, const struct job *job)
{
    LOCK_SCOPE(&s->lock);
    if (s->key != key || key == 0)
        return NULL;
    return job_ref(job == s->after ? s->before : s->after);
}

static int compare_links(const void *a, const void *b)
{
    const struct held_links *x = a, *y = b;
    return (x->key > y->key) - (x->key < y->key);
}

/* Called with the lock held. */
static struct held_links *links_of(const struct stage *s, uint64_t key)
{
    struct held_links wanted = {.key = key};
    struct held_links *const *found = tfind(&wanted, &s->links, compare_links);
    return found ? *found : NULL;
}

/* Called with the lock held. NULL without memory. */
static struct held_links *make_links(struct stage *s, uint64_t key)
{
    struct held_links *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    l->key = key;
    if (!tsearch(l, &s->links, compare_links)) {
        free(l);
        return NULL;
    }
    s->n_links++;
    return l;
}

void stage_link_hold(struct stage *s, uint64_t key, unsigned view, uint64_t at)
{
    LOCK_SCOPE(&s->lock);
    struct held_links *l = links_of(s, key);
    if (!l)
        l = make_links(s, key);
    if (!l || l->view[view].held)
        return;
    l->view[view].held = true;
    l->view[view].at = l->view[view].to = at;
}

void stage_link_plan(struct stage *s, uint64_t key, unsigned view, uint64_t to)
{
    LOCK_SCOPE(&s->lock);
    struct held_links *l = links_of(s, key);
    if (l && l->view[view].held)
        l->view[view].to = to;
}

bool stage_link_move(struct stage *s, uint64_t key, unsigned view, uint64_t from, uint64_t to)
{
    LOCK_SCOPE(&s->lock);
    struct held_links *l = links_of(s, key);
    if (!l || !l->view[view].held || l->view[view].at != from || l->view[view].to != to ||
        from == to)
        return false;
    l->view[view].at = to;
    return true;
}

static bool any_held(const struct held_links *l)
{
    for (unsigned view = 0; view < VIEWS; view++)
        if (l->view[view].held)
            return true;
    return false;
}

void stage_link_free(struct stage *s, uint64_t key, unsigned view)
{
    LOCK_SCOPE(&s->lock);
    struct held_links *l = links_of(s, key);
    if (!l)
        return;
    l->view[view].held = false;
    if (any_held(l))
        return;
    tdelete(l, &s->links, compare_links);
    free(l);
    s->n_links--;
}

uint64_t stage_link_at(struct stage *s, uint64_t key, unsigned view, uint64_t place)
{
    LOCK_SCOPE(&s->lock);
    const struct held_links *l = links_of(s, key);
    return l && l->view[view].held ? l->view[view].at : place;
}

struct found_links {
    unsigned view;
    uint64_t group;
    uint64_t *keys;
    size_t n;
};

static void find_link(const void *node, VISIT visit, void *closure)
{
    const struct held_links *l = *(const struct held_links *const *)node;
    struct found_links *f = closure;
    if ((visit == postorder || visit == leaf) && l->view[f->view].held &&
        l->view[f->view].at == f->group)
        f->keys[f->n++] = l->key;
}

int stage_links_in(struct stage *s, unsigned view, uint64_t group, uint64_t **keys, size_t *n)
{
    LOCK_SCOPE(&s->lock);
    struct found_links f = {.view = view, .group = group};
    f.keys = calloc(s->n_links + 1, sizeof *f.keys);
    if (!f.keys)
        return -1;
    twalk_r(s->links, find_link, &f);
    *keys = f.keys;
    *n = f.n;
    return 0;
}
