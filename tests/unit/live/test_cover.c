/* Which lists a round asks for: what costs the fewest calls. */
#include "live/cover.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define NOW INT64_C(1700000000)
#define MAX 4000

static struct cover_job jobs[MAX];
static size_t n_jobs;
static struct cover_memory memory;

static void begin(void)
{
    n_jobs = 0;
    memory = (struct cover_memory){0};
}

/* `n` jobs of this status, a second apart, the newest so old. */
static void add(size_t n, enum job_status status, int64_t age_s)
{
    for (size_t i = 0; i < n; i++)
        jobs[n_jobs++] = (struct cover_job){NOW - age_s - (int64_t)i, status};
}

/* So many jobs since then, by the last list. */
static void seen(enum cover_list list, int64_t age_s, uint64_t items)
{
    cover_note(&memory, list, NOW - age_s, NOW, items);
}

static struct cover choose(unsigned get_cost)
{
    return cover_choose(jobs, n_jobs, &memory, get_cost, NOW);
}

static void assert_lists(const struct cover *c, unsigned n, enum cover_list first, unsigned pages)
{
    assert_int_equal(c->n, n);
    if (n == 0)
        return;
    assert_int_equal(c->lists[0], first);
    assert_int_equal(c->pages[0], pages);
}

static void nothing_to_see_takes_no_list(void **state)
{
    (void)state;
    begin();
    struct cover c = choose(COVER_GET);
    assert_lists(&c, 0, COVER_ALL, 0);
}

static void a_thousand_jobs_take_ten_pages_of_all(void **state)
{
    (void)state;
    begin();
    add(500, JOB_STATUS_QUEUING, 0);
    add(500, JOB_STATUS_PROCESSING, 1000);
    struct cover c = choose(COVER_GET);
    assert_lists(&c, 1, COVER_ALL, 10);
    assert_true(c.start_s == NOW - 1499);
}

static void what_a_list_has_cost_decides_for_the_next_time(void **state)
{
    (void)state;
    begin();
    add(150, JOB_STATUS_PROCESSING, 0);
    add(20, JOB_STATUS_INIT, 0);
    add(3, JOB_STATUS_QUEUING, 0);
    seen(COVER_ALL, 149, 100000); /* a thousand pages */
    seen(COVER_PROCESSING, 149, 290);
    struct cover c = choose(COVER_GET);
    assert_lists(&c, 2, COVER_PROCESSING, 3);
    assert_int_equal(c.lists[1], COVER_INIT);
    assert_int_equal(c.pages[1], 1);
    assert_true(cover_shows(&c, &(struct cover_job){NOW, JOB_STATUS_INIT}));
    assert_false(cover_shows(&c, &(struct cover_job){NOW, JOB_STATUS_QUEUING}));
    seen(COVER_PROCESSING, 149, 100000);
    seen(COVER_INIT, 149, 100000);
    c = choose(COVER_GET);
    assert_lists(&c, 0, COVER_ALL, 0); /* Gets are cheaper */
}

static void a_shorter_list_is_thought_to_cost_less(void **state)
{
    (void)state;
    begin();
    add(40, JOB_STATUS_QUEUING, 0);
    add(1, JOB_STATUS_QUEUING, 72000); /* far behind the others */
    seen(COVER_ALL, 72000, 5000);
    struct cover c = choose(COVER_GET);
    assert_lists(&c, 1, COVER_ALL, 1);
    assert_true(c.start_s == NOW - 39);
    assert_false(cover_shows(&c, &(struct cover_job){NOW - 72000, JOB_STATUS_QUEUING}));
    seen(COVER_ALL, 72000, 150); /* two pages: the old one is worth a call, not two */
    c = choose(COVER_GET);
    assert_true(c.start_s == NOW - 72000 || c.start_s == NOW - 39);
    seen(COVER_ALL, 72000, 50);
    c = choose(COVER_GET);
    assert_true(c.start_s == NOW - 72000);
}

static void a_list_seen_in_part_is_thought_on(void **state)
{
    (void)state;
    begin();
    add(1, JOB_STATUS_QUEUING, 10000);
    add(20, JOB_STATUS_QUEUING, 9980);
    /* 1,000 jobs in the first tenth of the time: 10,000 in all. */
    cover_note(&memory, COVER_ALL, NOW - 10000, NOW - 9000, 1000);
    struct cover c = choose(COVER_GET);
    assert_lists(&c, 0, COVER_ALL, 0);
}

static void of_equal_costs_that_which_shows_more(void **state)
{
    (void)state;
    begin();
    add(1, JOB_STATUS_QUEUING, 5);
    struct cover c = choose(COVER_GET); /* one list or one Get */
    assert_lists(&c, 1, COVER_ALL, 1);
}

static void where_calls_are_short_jobs_wait_rather_than_cost_a_list(void **state)
{
    (void)state;
    begin();
    add(300, JOB_STATUS_QUEUING, 0);
    seen(COVER_ALL, 299, 6000);
    struct cover c = choose(COVER_GET); /* 60 calls for 300 */
    assert_lists(&c, 1, COVER_ALL, 60);
    c = choose(COVER_SLOW_GET); /* 60 calls for what 38 come to */
    assert_lists(&c, 0, COVER_ALL, 0);
}

static void what_was_seen_is_not_believed_for_ever(void **state)
{
    (void)state;
    begin();
    add(50, JOB_STATUS_QUEUING, 0);
    seen(COVER_ALL, 49, 1000000);
    struct cover c = choose(COVER_GET);
    assert_int_equal(c.n, 0);
    int rounds = 0;
    for (; c.n == 0; rounds++) {
        cover_age(&memory);
        c = choose(COVER_GET);
        assert_true(rounds < 100);
    }
    assert_int_equal(rounds, 64);
    assert_lists(&c, 1, COVER_ALL, 1);
    cover_age(&memory);
}

/* The choice is never dearer than any other start, and never dearer than no list. */
static void no_other_start_would_be_cheaper(void **state)
{
    (void)state;
    uint64_t seed = 17;
    for (int run = 0; run < 200; run++) {
        begin();
        for (int i = 0; i < 60; i++) {
            seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            add(1, JOB_STATUS_INIT + (enum job_status)((seed >> 40) % 3),
                (int64_t)(seed >> 45) % 5000);
        }
        seen(COVER_ALL, 5000, (seed >> 20) % 3000);
        struct cover c = choose(COVER_GET);
        size_t cost = 0, shown = 0;
        for (unsigned i = 0; i < c.n; i++)
            cost += c.pages[i];
        for (size_t i = 0; i < n_jobs; i++)
            shown += cover_shows(&c, &jobs[i]);
        cost += n_jobs - shown;
        assert_true(cost <= n_jobs);
        for (size_t i = 0; i < n_jobs; i++) { /* all lists of all jobs */
            double share = (double)(NOW - jobs[i].create_s) / 5000;
            size_t pages = (size_t)(share * (double)memory.seen[COVER_ALL].items + 99) / 100;
            size_t older = 0;
            for (size_t k = 0; k < n_jobs; k++)
                older += jobs[k].create_s < jobs[i].create_s;
            assert_true(cost <= (pages ? pages : 1) + older + 1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_to_see_takes_no_list),
        cmocka_unit_test(a_thousand_jobs_take_ten_pages_of_all),
        cmocka_unit_test(what_a_list_has_cost_decides_for_the_next_time),
        cmocka_unit_test(a_shorter_list_is_thought_to_cost_less),
        cmocka_unit_test(a_list_seen_in_part_is_thought_on),
        cmocka_unit_test(of_equal_costs_that_which_shows_more),
        cmocka_unit_test(where_calls_are_short_jobs_wait_rather_than_cost_a_list),
        cmocka_unit_test(what_was_seen_is_not_believed_for_ever),
        cmocka_unit_test(no_other_start_would_be_cheaper),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
