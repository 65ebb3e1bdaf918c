#include "live/cover.h"
#include <stdlib.h>

#define BELIEVED 64 /* rounds: a list that became too dear may have become cheap again */

enum job_status cover_status(enum cover_list list)
{
    switch (list) {
    case COVER_PROCESSING:
        return JOB_STATUS_PROCESSING;
    case COVER_INIT:
        return JOB_STATUS_INIT;
    case COVER_ALL:
    case COVER_LISTS:
        break;
    }
    return JOB_STATUS_OTHER;
}

bool cover_shows(const struct cover *c, const struct cover_job *job)
{
    if (job->create_s < c->start_s)
        return false;
    for (unsigned i = 0; i < c->n; i++)
        if (c->lists[i] == COVER_ALL || cover_status(c->lists[i]) == job->status)
            return true;
    return false;
}

/* ---- what a list costs ---- */

void cover_note(struct cover_memory *m, enum cover_list list, int64_t start_s, int64_t end_s,
                uint64_t items)
{
    m->seen[list].start_s = start_s;
    m->seen[list].end_s = end_s;
    m->seen[list].items = items;
    m->seen[list].rounds = BELIEVED;
}

void cover_age(struct cover_memory *m)
{
    for (int list = 0; list < COVER_LISTS; list++)
        if (m->seen[list].rounds > 0)
            m->seen[list].rounds--;
}

/* Ended jobs lie as dense from one hour to the next as far as we know; of unfinished ones, an
 * earlier start shows hardly more. */
static double expected(const struct cover_memory *m, enum cover_list list, int64_t start_s,
                       int64_t now_s)
{
    if (m->seen[list].rounds == 0)
        return 0;
    double items = (double)m->seen[list].items;
    if (list != COVER_ALL)
        return items;
    double span = (double)(m->seen[list].end_s - m->seen[list].start_s);
    double wanted = (double)(now_s - start_s);
    return items * (wanted > 1 ? wanted : 1) / (span > 1 ? span : 1);
}

static unsigned pages(const struct cover_memory *m, enum cover_list list, int64_t start_s,
                      int64_t now_s, size_t known)
{
    double items = expected(m, list, start_s, now_s);
    if (items < (double)known)
        items = (double)known;
    if (items > 1e6)
        items = 1e6;
    unsigned n = ((unsigned)items + COVER_PAGE - 1) / COVER_PAGE;
    return n ? n : 1;
}

/* ---- the choice ---- */

static int newest_first(const void *a, const void *b)
{
    const struct cover_job *x = a, *y = b;
    return (x->create_s < y->create_s) - (x->create_s > y->create_s);
}

/* The jobs down to a start, by what can be told apart. */
struct tally {
    size_t all, processing, init;
};

struct choice {
    struct cover cover;
    size_t cost;
    size_t shown;
};

static void add_list(struct cover *c, enum cover_list list, unsigned n)
{
    c->lists[c->n] = list;
    c->pages[c->n++] = n;
}

static void consider(struct choice *best, const struct cover *c, size_t shown, size_t jobs,
                     unsigned get_cost)
{
    size_t cost = (jobs - shown) * get_cost;
    for (unsigned i = 0; i < c->n; i++)
        cost += (size_t)c->pages[i] * COVER_CALL;
    if (cost < best->cost || (cost == best->cost && shown > best->shown))
        *best = (struct choice){*c, cost, shown};
}

struct cover cover_choose(struct cover_job *jobs, size_t n, const struct cover_memory *m,
                          unsigned get_cost, int64_t now_s)
{
    struct choice best = {.cost = n * get_cost};
    struct tally t = {0};
    if (n > 0) /* qsort(3) takes no NULL */
        qsort(jobs, n, sizeof *jobs, newest_first);
    for (size_t i = 0; i < n; i++) {
        int64_t start = jobs[i].create_s;
        t.all++;
        t.processing += jobs[i].status == JOB_STATUS_PROCESSING;
        t.init += jobs[i].status == JOB_STATUS_INIT;
        struct cover all = {.start_s = start}, some = all;
        add_list(&all, COVER_ALL, pages(m, COVER_ALL, start, now_s, t.all));
        if (t.processing > 0)
            add_list(&some, COVER_PROCESSING,
                     pages(m, COVER_PROCESSING, start, now_s, t.processing));
        if (t.init > 0)
            add_list(&some, COVER_INIT, pages(m, COVER_INIT, start, now_s, t.init));
        consider(&best, &all, t.all, n, get_cost);
        consider(&best, &some, t.processing + t.init, n, get_cost);
    }
    return best.cover;
}
