/* Readers, interrupts, lines, deadlines and polls from many threads at once: every read is answered
 * exactly once, and nobody misses a line. */
#include "base/clock.h"
#include "base/thread.h"
#include "fs/events.h"
#include <inttypes.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define READERS    40
#define LINES      400
#define TIMEOUT_MS 3
#define GIVE_UP_MS 20000

static struct events *e;
static _Atomic int heartbeats, interrupts, left;

/* One read of one reader, as the FUSE side has it: who takes it answers it. */
struct call {
    struct events_waiter w; /* first */
    _Atomic int answers;
    size_t want, n;
    bool interrupted;
    char text[EVENTS_LINE_MAX];
};

struct reader {
    struct call call;
    uint64_t seed, seen; /* the last number of a change */
    unsigned changes;
    bool ended;
    char line[EVENTS_LINE_MAX];
    size_t len;
};

static uint64_t next(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    return *seed >> 33;
}

static void answer_or_park(struct call *c)
{
    for (;;) {
        bool shut = events_is_shut(e);
        c->n = events_reader_take(c->w.reader, c->text, c->want);
        if (c->n > 0 || shut)
            break;
        enum events_parking parking = events_park(&c->w, clock_mono_ms() + TIMEOUT_MS);
        if (parking == EVENTS_PARKED)
            return;
        c->interrupted = parking == EVENTS_INTERRUPTED;
        if (c->interrupted)
            break;
    }
    atomic_fetch_add(&c->answers, 1);
}

static void on_wake(struct events_waiter *w)
{
    answer_or_park((struct call *)w);
}

static void await_answer(struct call *c)
{
    int64_t deadline = clock_mono_ms() + GIVE_UP_MS;
    while (atomic_load(&c->answers) == 0) {
        assert_true(clock_mono_ms() < deadline);
        sched_yield();
    }
    assert_int_equal(atomic_load(&c->answers), 1);
}

/* An interrupt that takes the waiter back has to answer it. */
static void interrupt(struct call *c)
{
    if (events_cancel(&c->w)) {
        c->interrupted = true;
        atomic_fetch_add(&c->answers, 1);
    }
}

static void take_line(struct reader *r)
{
    uint64_t seq = 0;
    r->line[r->len] = '\0';
    assert_int_equal(sscanf(r->line, "{\"seq\":%" SCNu64 ",", &seq), 1);
    if (strstr(r->line, "\"heartbeat\"")) {
        atomic_fetch_add(&heartbeats, 1);
    } else {
        assert_true(r->seen == 0 || seq == r->seen + 1);
        r->seen = seq;
        r->changes++;
    }
    r->len = 0;
}

static void take_text(struct reader *r)
{
    for (size_t i = 0; i < r->call.n; i++) {
        r->line[r->len++] = r->call.text[i];
        if (r->call.text[i] == '\n')
            take_line(r);
    }
}

static void read_once(struct reader *r)
{
    struct call *c = &r->call;
    struct events_reader *stream = c->w.reader;
    uint64_t dice = next(&r->seed);
    c->w = (struct events_waiter){.wake = on_wake, .events = e, .reader = stream};
    atomic_store(&c->answers, 0);
    c->interrupted = false;
    c->n = 0;
    c->want = dice % 3 == 0 ? 1 + dice % 50 : sizeof c->text;
    if (dice % 16 == 1)
        interrupt(c);
    answer_or_park(c);
    if (dice % 16 == 2)
        interrupt(c);
    await_answer(c);
    if (c->interrupted)
        atomic_fetch_add(&interrupts, 1);
    else if (c->n == 0)
        r->ended = true;
    take_text(r);
}

static void *read_to_the_end(void *arg)
{
    struct reader *r = arg;
    while (!r->ended)
        read_once(r);
    atomic_fetch_sub(&left, 1);
    return NULL;
}

static void *append_lines(void *arg)
{
    uint64_t seed = (uintptr_t)arg;
    const struct timespec pause = {.tv_nsec = (TIMEOUT_MS + 2) * 1000000};
    for (int i = 0; i < LINES / 2; i++) {
        struct event event = {
            .kind = EVENT_CHANGED, .job = "job-0001", .status = "Init", .time_ns = i};
        events_append(e, &event);
        if (next(&seed) % 16 == 0)
            nanosleep(&pause, NULL); /* heartbeats are due */
    }
    return NULL;
}

static void *expire(void *arg)
{
    (void)arg;
    while (atomic_load(&left) > 0) {
        events_expire(e, clock_mono_ms());
        sched_yield();
    }
    return NULL;
}

/* poll(2) and stat(2), all the time. */
static void *look_around(void *arg)
{
    struct reader *r = arg;
    while (atomic_load(&left) > 0) {
        struct events_stat s;
        char text[256];
        uint64_t base = 0;
        events_stat(e, &s);
        events_read_log(e, &base, s.size / 2, text, sizeof text);
        events_reader_ready(r->call.w.reader);
        sched_yield();
    }
    return NULL;
}

static void every_reader_gets_every_line_once_and_every_read_one_answer(void **state)
{
    (void)state;
    static struct reader readers[READERS];
    pthread_t threads[READERS], writers[2], clock, looker;
    struct reader other = {.seed = 0};
    e = events_new(NULL, NULL);
    assert_non_null(e);
    atomic_store(&left, READERS);
    other.call.w.reader = events_reader_new(e);
    assert_non_null(other.call.w.reader);
    for (size_t i = 0; i < READERS; i++) {
        readers[i].seed = i + 1;
        readers[i].call.w.reader = events_reader_new(e);
        assert_non_null(readers[i].call.w.reader);
    }
    for (size_t i = 0; i < READERS; i++)
        assert_int_equal(thread_start(&threads[i], "reader", read_to_the_end, &readers[i], NULL),
                         0);
    assert_int_equal(thread_start(&clock, "clock", expire, NULL, NULL), 0);
    assert_int_equal(thread_start(&looker, "looker", look_around, &other, NULL), 0);
    for (uintptr_t i = 0; i < 2; i++)
        assert_int_equal(thread_start(&writers[i], "writer", append_lines, (void *)(i + 1), NULL),
                         0);
    for (int i = 0; i < 2; i++)
        thread_join(writers[i]);
    events_shutdown(e);
    for (size_t i = 0; i < READERS; i++) {
        thread_join(threads[i]);
        assert_int_equal(readers[i].changes, LINES);
        events_reader_free(readers[i].call.w.reader);
    }
    thread_join(clock);
    thread_join(looker);
    assert_true(heartbeats > 0); /* or the run proves little */
    assert_true(interrupts > 0);
    events_reader_free(other.call.w.reader);
    events_free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reader_gets_every_line_once_and_every_read_one_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
