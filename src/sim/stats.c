#include "sim/stats.h"
#include "sim/out.h"
#include <inttypes.h>
#include <string.h>

/* Distinct job ids counted one by one. */
#define JOBS_MAX  500000
#define CODES_MAX 1000

void sim_stats_init(struct sim_stats *s)
{
    *s = (struct sim_stats){.by_job = {.max = JOBS_MAX}, .refused = {.max = CODES_MAX}};
}

void sim_stats_free(struct sim_stats *s)
{
    sim_map_clear(&s->by_job);
    sim_map_clear(&s->refused);
    sim_window_free(&s->second);
}

void sim_stats_reset(struct sim_stats *s)
{
    uint64_t open = s->open;
    uint64_t inflight = s->inflight;
    sim_stats_free(s);
    sim_stats_init(s);
    s->open = open;
    s->inflight = inflight;
}

static void count(struct sim_map *m, const char *key)
{
    uint64_t *value = sim_map_put(m, key);
    if (value)
        ++*value;
}

void sim_stats_call(struct sim_stats *s, const char *action, const char *job, int64_t mono_ns)
{
    bool get = strcmp(action, "GetMediaProducingJob") == 0;
    bool list = strcmp(action, "ListMediaProducingJobs") == 0;
    ++*(get ? &s->get : list ? &s->list : &s->other);
    if (get && job)
        count(&s->by_job, job);
    if (sim_window_add(&s->second, mono_ns) < 0)
        return;
    size_t n = sim_window_count(&s->second, mono_ns);
    if (n > s->max_per_second)
        s->max_per_second = n;
}

void sim_stats_refused(struct sim_stats *s, const char *code)
{
    count(&s->refused, code);
}

static void write_map(struct sim_out *o, const char *key, const struct sim_map *m)
{
    sim_out_key(o, key);
    sim_out_text(o, "{");
    for (size_t i = 0; i < m->cap; i++)
        if (m->slots[i].key) {
            sim_out_key(o, m->slots[i].key);
            sim_out_format(o, "%" PRIu64, m->slots[i].value);
        }
    sim_out_text(o, "}");
}

int sim_stats_write(const struct sim_stats *s, struct buf *out)
{
    struct sim_out o = {.buf = out};
    sim_out_format(&o,
                   "{\"calls\":{\"GetMediaProducingJob\":%" PRIu64
                   ",\"ListMediaProducingJobs\":%" PRIu64 ",\"other\":%" PRIu64 "}",
                   s->get, s->list, s->other);
    write_map(&o, "by_job", &s->by_job);
    write_map(&o, "refused", &s->refused);
    sim_out_format(&o,
                   ",\"max_per_second\":%zu,\"connections\":%" PRIu64 ",\"open\":%" PRIu64
                   ",\"inflight\":%" PRIu64 "}",
                   s->max_per_second, s->connections, s->open, s->inflight);
    return sim_out_end(&o);
}
