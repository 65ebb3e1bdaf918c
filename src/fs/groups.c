#include "fs/groups.h"
#include "base/log.h"
#include "base/thread.h"
#include "cache/cache.h"
#include <search.h>
#include <stdlib.h>
#include <string.h>

struct group {
    uint64_t ino;
    size_t links;
    char name[];
};

struct groups {
    pthread_mutex_t lock; /* protects the rest */
    void *by_ino;         /* struct group, a tree of tsearch(3) */
    size_t n;
    bool collision_told;
};

static int compare(const void *a, const void *b)
{
    const struct group *x = a, *y = b;
    return (x->ino > y->ino) - (x->ino < y->ino);
}

/* Called with the lock held. */
static struct group *group_of(const struct groups *g, uint64_t ino)
{
    struct group wanted = {.ino = ino};
    struct group *const *found = tfind(&wanted, &g->by_ino, compare);
    return found ? *found : NULL;
}

/* Called with the lock held. false: no memory. */
static bool add(struct groups *g, uint64_t ino, const char *name)
{
    size_t size = strlen(name) + 1;
    struct group *group = calloc(1, sizeof *group + size);
    if (!group)
        return false;
    group->ino = ino;
    memcpy(group->name, name, size);
    if (!tsearch(group, &g->by_ino, compare)) {
        free(group);
        return false;
    }
    g->n++;
    return true;
}

/* ---- made, freed ---- */

static bool add_statuses(struct groups *g)
{
    for (uint64_t ino = NODE_INIT; ino <= NODE_FAILED; ino++)
        if (!add(g, ino, fixed_get(ino)->name))
            return false;
    return true;
}

struct groups *groups_new(struct err *err)
{
    struct groups *g = calloc(1, sizeof *g);
    if (g) {
        mutex_init(&g->lock);
        if (add_statuses(g))
            return g;
        groups_free(g);
    }
    err_set(err, "no memory for the views");
    return NULL;
}

void groups_free(struct groups *g)
{
    if (!g)
        return;
    tdestroy(g->by_ino, free);
    mutex_destroy(&g->lock);
    free(g);
}

static int restore_view(struct groups *g, struct cache *cache, unsigned view)
{
    struct cache_group *groups = NULL;
    size_t n = 0;
    if (cache_groups(cache, view, &groups, &n) < 0)
        return -1;
    bool all = true;
    for (size_t i = 0; i < n; i++) {
        char name[NAME_MAX + 1];
        view_group_name(view, groups[i].one, name);
        all = groups_show(g, groups[i].label, name) && all;
        groups_count(g, groups[i].label, (long)groups[i].n);
    }
    cache_groups_free(groups, n);
    return all ? 0 : -1;
}

int groups_restore(struct groups *g, struct cache *cache, struct err *err)
{
    for (unsigned view = 0; view < VIEWS; view++)
        if (restore_view(g, cache, view) < 0)
            return err_set(err, "no memory for the views");
    return 0;
}

/* ---- shown, hidden ---- */

/* Called with the lock held. */
static void tell_collision(struct groups *g, const struct group *has, const char *name)
{
    if (!g->collision_told)
        log_warn("two projects have the same number: jobs of the second have no link in "
                 "by-project/ first=%s second=%s",
                 has->name, name);
    g->collision_told = true;
}

bool groups_show(struct groups *g, uint64_t ino, const char *name)
{
    LOCK_SCOPE(&g->lock);
    const struct group *has = group_of(g, ino);
    if (!has)
        return add(g, ino, name);
    if (strcmp(has->name, name) == 0)
        return true;
    tell_collision(g, has, name);
    return false;
}

bool groups_hide(struct groups *g, uint64_t ino)
{
    LOCK_SCOPE(&g->lock);
    struct group *group = group_of(g, ino);
    if (!group || group->links > 0 || status_of_node(ino) != JOB_STATUS_OTHER)
        return false;
    tdelete(group, &g->by_ino, compare);
    free(group);
    g->n--;
    return true;
}

size_t groups_count(struct groups *g, uint64_t ino, long n)
{
    LOCK_SCOPE(&g->lock);
    struct group *group = group_of(g, ino);
    if (!group)
        return 0;
    if (n < 0 && (size_t)-n > group->links)
        group->links = 0; /* one was lost for want of memory */
    else
        group->links += (size_t)n;
    return group->links;
}

/* ---- looked for ---- */

bool groups_has(struct groups *g, uint64_t ino)
{
    LOCK_SCOPE(&g->lock);
    return group_of(g, ino) != NULL;
}

bool groups_name(struct groups *g, uint64_t ino, char out[NAME_MAX + 1])
{
    LOCK_SCOPE(&g->lock);
    const struct group *group = group_of(g, ino);
    if (group)
        memcpy(out, group->name, strlen(group->name) + 1);
    return group != NULL;
}

uint64_t groups_find(struct groups *g, unsigned view, const char *name)
{
    uint64_t ino = views[view].named(name);
    LOCK_SCOPE(&g->lock);
    const struct group *group = ino ? group_of(g, ino) : NULL;
    return group && strcmp(group->name, name) == 0 ? ino : NODE_NONE;
}

uint64_t groups_place(struct groups *g, unsigned view, const struct job_facts *facts)
{
    uint64_t ino = view_label(facts, view);
    if (view != VIEW_PROJECT || ino == NODE_NONE)
        return ino;
    LOCK_SCOPE(&g->lock);
    const struct group *has = group_of(g, ino);
    if (!has || strcmp(has->name, facts->project) == 0)
        return ino;
    tell_collision(g, has, facts->project);
    return NODE_NONE;
}

/* ---- listed ---- */

struct listing {
    unsigned view;
    struct group_row *rows;
    size_t n;
};

static void list_one(const void *node, VISIT visit, void *closure)
{
    const struct group *group = *(const struct group *const *)node;
    struct listing *l = closure;
    if ((visit != postorder && visit != leaf) || view_of_group(group->ino) != l->view)
        return;
    struct group_row *row = &l->rows[l->n++];
    row->ino = group->ino;
    memcpy(row->name, group->name, strlen(group->name) + 1);
}

int groups_list(struct groups *g, unsigned view, struct group_row **rows, size_t *n)
{
    LOCK_SCOPE(&g->lock);
    struct listing l = {.view = view, .rows = calloc(g->n, sizeof *l.rows)};
    if (!l.rows)
        return -1;
    twalk_r(g->by_ino, list_one, &l);
    *rows = l.rows;
    *n = l.n;
    return 0;
}
