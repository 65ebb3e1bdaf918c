#include "cli/demo_jobs.h"
#include "api/http.h"
#include "api/ice.h"
#include "base/clock.h"
#include "base/log.h"
#include "cache/cache.h"
#include <string.h>

#define CALL_MS  2000
#define WHOLE_MS 5000
#define PUMP_MS  50

struct naming {
    struct ice *ice;
    struct cache *cache;
    unsigned under_way;
    struct err error; /* of the list; "" while it is good */
};

/* One job that is being asked for. */
struct asked {
    struct naming *naming;
    uint64_t key;
    char id[JOB_ID_MAX + 1];
};

static void on_job(void *arg, struct ice_answer *a)
{
    struct asked *k = arg;
    struct err err = {""};
    k->naming->under_way--;
    struct job *job = a->class != API_OK ? NULL
                                         : job_from_get(k->id, buf_str(&a->body), a->body.len, NULL,
                                                        clock_real_ns(), &err);
    if (job)
        cache_put_job(k->naming->cache, k->key, job, clock_mono_ms(), clock_real_ns());
    else
        log_debug("demo: no job id=%s error=%s", k->id,
                  a->class == API_OK ? err.text : a->error.text);
    job_unref(job);
    free(k);
}

static void ask(struct naming *n, const char *id)
{
    struct asked *k = calloc(1, sizeof *k);
    struct job_facts *facts = NULL;
    struct cache_answer a = {0};
    if (!k)
        return;
    k->naming = n;
    memcpy(k->id, id, strnlen(id, JOB_ID_MAX));
    cache_lookup(n->cache, id, clock_mono_ms(), &k->key, &facts, &a);
    job_facts_unref(facts);
    if (ice_get(n->ice, id, CALL_MS, on_job, k, NULL) == 0)
        n->under_way++;
    else
        free(k);
}

static void on_list(void *arg, struct ice_answer *a)
{
    struct naming *n = arg;
    struct job_page page = {0};
    n->under_way--;
    if (a->class != API_OK) {
        n->error = a->error;
        return;
    }
    if (job_page_from_list(buf_str(&a->body), a->body.len, clock_real_ns(), &page, &n->error) < 0)
        return;
    for (size_t i = 0; i < page.n; i++)
        ask(n, job_id(page.jobs[i]));
    job_page_free(&page);
}

int demo_name_jobs(struct http *http, struct ice *ice, struct cache *cache, struct err *err)
{
    struct naming n = {.ice = ice, .cache = cache, .under_way = 1};
    struct ice_list_query query = {.max_results = 100};
    int64_t deadline = clock_mono_ms() + WHOLE_MS;
    if (ice_list(ice, &query, CALL_MS, on_list, &n, err) < 0)
        return -1;
    /* Calls end by themselves within CALL_MS, so all have come back when this ends. */
    while (n.under_way > 0 && clock_mono_ms() < deadline)
        http_pump(http, PUMP_MS);
    return *n.error.text || n.under_way > 0
               ? err_set(err, "list the simulated jobs: %s", n.error.text)
               : 0;
}
