/* Readers, interrupts, answers and deadlines from many threads at once: every reader is answered
 * exactly once, by whoever takes it first. */
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/thread.h"
#include "cache/fixture.h"

#define READERS 3
#define ROUNDS  8000
#define IDS     23
#define WINDOW  32 /* reads that one thread has open at once */

static struct cache *cache;
static _Atomic bool done;
/* How reads ended. */
static _Atomic int at_once, by_answer, late, by_interrupt;
static _Thread_local bool expiring; /* on live's thread */
static bool staging;

/* One read: who ends it counts itself, and the sum must be one. */
struct call {
    struct cache_waiter w; /* first */
    _Atomic int ends;
    bool open;
};

static uint64_t next(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    return *seed >> 33;
}

static void on_answer(struct cache_waiter *w, struct cache_answer *a)
{
    struct call *call = (struct call *)w;
    job_unref(a->job);
    atomic_fetch_add(expiring ? &late : &by_answer, 1);
    atomic_fetch_add(&call->ends, 1);
}

/* A run in which one way is rare proves little: go on until there has been enough of each. */
static bool enough(int64_t deadline_ms)
{
    return (at_once > 100 && by_answer > 100 && late > 100 && by_interrupt > 100) ||
           clock_mono_ms() > deadline_ms;
}

/* Wait for an answer with a deadline. */
static void await_end(struct call *call)
{
    int64_t deadline = clock_mono_ms() + 20000;
    while (atomic_load(&call->ends) == 0) {
        assert_true(clock_mono_ms() < deadline);
        sched_yield();
    }
    assert_int_equal(atomic_load(&call->ends), 1);
    call->open = false;
}

static void start(struct call *call, uint64_t *seed)
{
    char id[32];
    uint64_t key;
    struct cache_answer a;
    int64_t now = clock_mono_ms();
    snprintf(id, sizeof(id), "stress-job-%d", (int)(next(seed) % IDS));
    *call = (struct call){.w.answer = on_answer, .open = true};
    lookup(cache, id, now, &key, &a);
    job_unref(a.job);
    if (next(seed) % 16 == 0)
        cache_cancel(cache, &call->w); /* an interrupt that comes early */
    enum cache_need need = next(seed) % 4 ? CACHE_NEED_GET : CACHE_NEED_ANY;
    if (cache_read(cache, key, need, now, &call->w, &a) == CACHE_PARKED)
        return;
    job_unref(a.job);
    atomic_fetch_add(&at_once, 1);
    atomic_fetch_add(&call->ends, 1);
}

static void *read_many(void *arg)
{
    uint64_t seed = (uint64_t)(uintptr_t)arg;
    static _Thread_local struct call calls[WINDOW];
    memset(calls, 0, sizeof(calls));
    int64_t deadline = clock_mono_ms() + 20000;
    for (int round = 0; round < ROUNDS || !enough(deadline); round++) {
        struct call *call = &calls[next(&seed) % WINDOW];
        if (call->open) {
            if (next(&seed) % 2 && cache_cancel(cache, &call->w)) {
                atomic_fetch_add(&by_interrupt, 1);
                atomic_fetch_add(&call->ends, 1);
            }
            await_end(call);
        }
        start(call, &seed);
    }
    for (int i = 0; i < WINDOW; i++)
        if (calls[i].open)
            await_end(&calls[i]);
    return NULL;
}

static void reply_list(uint64_t key, const char *id)
{
    struct job *known = cache_newest(cache, key), *item = job_new_partial(id, "Queuing");
    struct job *job = known ? job_merge_list(known, item, 3, NULL) : job_ref(item);
    assert_non_null(job);
    cache_put_listed(cache, key, job, clock_mono_ms(), 1);
    job_unref(job);
    job_unref(item);
    job_unref(known);
}

static void reply(uint64_t key, const char *id, uint64_t *seed)
{
    int64_t now = clock_mono_ms();
    cache_attempt(cache, key, now);
    switch (next(seed) % 8) {
    case 0:
        cache_put_missing(cache, key, now);
        return;
    case 1:
        cache_put_fault(cache, key, API_TEMPORARY, API_NET_TIMEOUT, "slow", now);
        return;
    case 2:
        cache_put_retry(cache, key, API_THROTTLED, API_NET_NONE, "busy", now);
        break;
    case 3:
        if (cache_abandon(cache, key, now))
            return;
        break;
    default:
        break;
    }
    if (next(seed) % 4 == 0)
        reply_list(key, id);
    struct job *before = cache_newest(cache, key);
    struct job *job = job_new(id, "Processing", (int)(next(seed) % 100), before);
    cache_put_job(cache, key, job, now, 1);
    job_unref(before);
    job_unref(job);
}

/* Live's thread. Now and then it leaves readers to their deadlines. */
static void *answer_many(void *arg)
{
    uint64_t seed = 42, key;
    char id[JOB_ID_MAX + 1];
    (void)arg;
    while (!atomic_load(&done)) {
        if (next(&seed) % 4 == 0)
            while (cache_take_wanted(cache, &key, id))
                reply(key, id, &seed);
        while (cache_take_touched(cache, &key))
            if (cache_begin(cache, key, clock_mono_ms(), id))
                reply(key, id, &seed);
        expiring = true;
        cache_expire(cache, clock_mono_ms() + (int64_t)(next(&seed) % 4)); /* deadlines are near */
        expiring = false;
        cache_service(cache, next(&seed) % 32 == 0, EIO);
        sched_yield();
    }
    return NULL;
}

/* The updater's part. */
static void publish(uint64_t key)
{
    struct job *job = cache_newest(cache, key);
    cache_publish(cache, key, job, clock_mono_ms());
    job_unref(job);
}

static void open_and_close(uint64_t key)
{
    struct job *current;
    enum cache_hold hold = cache_open(cache, key, true, &current);
    if (hold == CACHE_FILLING)
        cache_close(cache, key, CACHE_FILLING);
    cache_close(cache, key, hold == CACHE_FILLING ? CACHE_KEPT : hold);
    job_unref(current);
}

static void *look_around(void *arg)
{
    (void)arg;
    while (!atomic_load(&done)) {
        struct cache_row *rows;
        size_t n;
        assert_int_equal(cache_list(cache, &rows, &n), 0);
        for (size_t i = 0; i < n; i++) {
            struct cache_info info;
            cache_info(cache, rows[i].key, CACHE_NEED_GET, clock_mono_ms(), &info);
            open_and_close(rows[i].key);
            if (staging)
                publish(rows[i].key);
        }
        cache_list_free(rows, n);
        cache_next_deadline(cache);
        sched_yield();
    }
    return NULL;
}

static void read_and_answer(bool stage)
{
    struct cache_config config = {
        .ttl_ms = 0, .patience_ms = 2, .ttl_missing_ms = 0, .timeout_ms = 5};
    cache = cache_new(&config, NULL);
    assert_non_null(cache);
    cache_stage_changes(cache, stage);
    staging = stage;
    at_once = by_answer = late = by_interrupt = 0;
    done = false;
    pthread_t readers[READERS], live, looker;
    assert_int_equal(thread_start(&live, "live", answer_many, NULL, NULL), 0);
    assert_int_equal(thread_start(&looker, "looker", look_around, NULL, NULL), 0);
    for (uintptr_t i = 0; i < READERS; i++)
        assert_int_equal(thread_start(&readers[i], "reader", read_many, (void *)(i + 1), NULL), 0);
    for (int i = 0; i < READERS; i++)
        thread_join(readers[i]);
    atomic_store(&done, true);
    thread_join(live);
    thread_join(looker);
    assert_true(at_once > 100);
    assert_true(by_answer > 100);
    assert_true(late > 100);
    assert_true(by_interrupt > 100);
    cache_shutdown(cache, EIO);
    cache_free(cache);
}

static void every_reader_is_answered_exactly_once(void **state)
{
    (void)state;
    read_and_answer(false);
}

static void and_so_is_every_reader_of_what_is_staged_and_published(void **state)
{
    (void)state;
    read_and_answer(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reader_is_answered_exactly_once),
        cmocka_unit_test(and_so_is_every_reader_of_what_is_staged_and_published),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
