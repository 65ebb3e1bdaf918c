#include "base/clock.h"
#include "base/log.h"
#include "cache/cache.h"
#include "cache/keeper.h"
#include "crash/seen.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIZE_MAX_CACHE 65536 /* so little that finished jobs leave it */
#define FINISHED_EVERY 16
#define PAUSE_US       200

struct child {
    struct cache *cache;
    struct keeper *keeper;
    uint64_t version, number;
    int out;
};

const char *crash_id(uint32_t job)
{
    static _Thread_local char id[33];
    snprintf(id, sizeof id, "%08x0000000000000000000c0ffe", job);
    return id;
}

static void fail(const char *what)
{
    fprintf(stderr, "crash: %s\n", what);
    _exit(3);
}

/* A text that is long enough to be torn, with its version at both ends. */
static struct job *make(const char *id, const char *status, uint64_t version,
                        const struct job *before)
{
    static char body[4096];
    char text[2048];
    size_t n = 200 + version % 1500;
    memset(text, 'x', n);
    text[n] = '\0';
    int len = snprintf(body, sizeof body,
                       "{\"RequestId\":\"R\",\"MediaProducingJob\":{\"JobId\":\"%s\",\"Status\":"
                       "\"%s\",\"UserData\":\"%" PRIu64 " %s %" PRIu64 "\"}}",
                       id, status, version, text, version);
    return job_from_get(id, body, (size_t)len, before, clock_real_ns(), NULL);
}

static uint64_t key_of(struct child *c, const char *id)
{
    uint64_t key = 0, wanted;
    char taken[JOB_ID_MAX + 1];
    struct job_facts *facts = NULL;
    struct cache_answer a;
    cache_lookup(c->cache, id, clock_mono_ms(), &key, &facts, &a);
    job_facts_unref(facts);
    while (cache_take_wanted(c->cache, &wanted, taken))
        ;
    return key;
}

static void put(struct child *c, const char *id, uint64_t key, const char *status)
{
    struct job *before = cache_newest(c->cache, key);
    struct job *job = make(id, status, c->version, before);
    if (!job)
        fail("no job");
    cache_put_job(c->cache, key, job, clock_mono_ms(), clock_real_ns());
    job_unref(before);
    job_unref(job);
}

/* As a reader does; whoever was told of the change has its number, too. */
static void see(struct child *c, uint32_t number, uint64_t key)
{
    struct seen seen = {.job = number, .number = ++c->number};
    struct job *job = cache_current(c->cache, key);
    const struct job_field *f = job ? job_find(job, "user_data.json") : NULL;
    seen.version = f ? strtoull(f->data, NULL, 10) : 0;
    seen.wrong = seen.version == 0;
    seen.mono_ms = clock_mono_ms();
    job_unref(job);
    keeper_used(c->keeper, seen.number);
    if (write(c->out, &seen, sizeof seen) != sizeof seen)
        _exit(0); /* nobody is there any more */
}

/* Finished once, it is read again and again: most of the time out of the store. */
static void finish_or_read(struct child *c)
{
    uint32_t number = CRASH_JOBS + (uint32_t)(random() % CRASH_FINISHED);
    const char *id = crash_id(number);
    uint64_t key = 0;
    struct job_facts *facts = cache_find(c->cache, id, &key);
    if (!facts) {
        key = key_of(c, id);
        put(c, id, key, "Success");
    }
    job_facts_unref(facts);
    see(c, number, key);
}

static void change(struct child *c)
{
    uint32_t number = (uint32_t)(random() % CRASH_JOBS);
    const char *id = crash_id(number);
    uint64_t key = key_of(c, id);
    put(c, id, key, "Processing");
    see(c, number, key);
}

void crash_child(const char *path, uint64_t version, bool keep, int out)
{
    struct err err = {""};
    const struct cache_config config = {
        .ttl_ms = 10000, .timeout_ms = 10000, .size_max = SIZE_MAX_CACHE};
    struct child c = {.cache = cache_new(&config, &err), .version = version, .out = out};
    struct keeper_config kept = {.cache = c.cache, .path = path, .keep_ms = INT64_MAX};
    log_set_level(LOG_LEVEL_WARN);
    srandom((unsigned)version);
    c.keeper = c.cache ? keeper_new(&kept, &err) : NULL;
    if (!c.keeper || (keep && keeper_start(c.keeper, &err) < 0))
        fail(err.text);
    c.number = keeper_first_number(c.keeper) - 1;
    for (;; c.version++) {
        if (c.version % FINISHED_EVERY == 0)
            finish_or_read(&c);
        else
            change(&c);
        usleep(PAUSE_US);
    }
}
