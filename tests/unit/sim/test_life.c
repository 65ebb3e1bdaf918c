/* A job's life: a function of seed, index and time, and a believable one. */
#include "sim/births.h"
#include "sim/id.h"
#include "sim/life.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define JOBS 2000

static bool same(struct sim_moment a, struct sim_moment b)
{
    return a.status == b.status && a.progress == b.progress && a.modified_ms == b.modified_ms &&
           a.complete_ms == b.complete_ms && a.has_duration == b.has_duration;
}

static void a_moment_depends_on_seed_index_and_time_alone(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 200; i++) {
        struct sim_moment late = sim_life_at(1, i, 1000, 60000);
        struct sim_moment early = sim_life_at(1, i, 1000, 5000);
        struct sim_moment again = sim_life_at(1, i, 1000, 60000);
        assert_true(same(late, again));
        assert_true(early.status <= late.status);
    }
}

static void other_seeds_give_other_lives(void **state)
{
    (void)state;
    int differ = 0;
    for (uint64_t i = 0; i < 100; i++)
        differ +=
            sim_life_at(1, i, 0, 30000).modified_ms != sim_life_at(2, i, 0, 30000).modified_ms;
    assert_true(differ > 50);
}

static void check_step(const struct sim_moment *before, const struct sim_moment *m, int64_t now_ms)
{
    assert_true(m->status >= before->status);
    assert_true(m->progress >= before->progress);
    assert_true(m->modified_ms >= before->modified_ms);
    assert_true(m->modified_ms <= now_ms);
    bool over = m->status >= SIM_STATUS_SUCCESS;
    assert_true((m->complete_ms != 0) == over);
    if (m->has_duration)
        assert_int_equal(m->status, SIM_STATUS_SUCCESS);
    if (m->status == SIM_STATUS_SUCCESS)
        assert_int_equal(m->progress, 100);
    else
        assert_true(m->progress < 100);
    if (before->status >= SIM_STATUS_SUCCESS)
        assert_int_equal(m->status, before->status);
}

static void every_life_goes_forward_and_ends_in_time(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < JOBS / 10; i++) {
        struct sim_moment before = sim_life_at(3, i, 1000, 1000);
        assert_int_equal(before.status, SIM_STATUS_INIT);
        for (int64_t t = 1000; t <= 1000 + SIM_LIFE_MAX_MS; t += 250) {
            struct sim_moment m = sim_life_at(3, i, 1000, t);
            check_step(&before, &m, t);
            before = m;
        }
        assert_true(before.status >= SIM_STATUS_SUCCESS);
        struct sim_moment later = sim_life_at(3, i, 1000, 1000 + 100 * SIM_LIFE_MAX_MS);
        assert_true(same(before, later));
    }
}

static void about_eight_in_a_hundred_fail(void **state)
{
    (void)state;
    int failed = 0;
    for (uint64_t i = 0; i < JOBS; i++)
        failed += sim_life_at(5, i, 0, SIM_LIFE_MAX_MS).status == SIM_STATUS_FAILED;
    assert_in_range(failed, JOBS * 6 / 100, JOBS * 10 / 100);
}

static void some_durations_come_late_and_completion_can_be_later_than_modification(void **state)
{
    (void)state;
    int late = 0;
    int complete_later = 0;
    for (uint64_t i = 0; i < JOBS; i++) {
        struct sim_moment m = sim_life_at(5, i, 0, SIM_LIFE_MAX_MS);
        if (m.status != SIM_STATUS_SUCCESS)
            continue;
        assert_true(m.has_duration);
        late += !sim_life_at(5, i, 0, m.complete_ms).has_duration;
        complete_later += m.complete_ms / 1000 > m.modified_ms / 1000;
    }
    assert_in_range(late, JOBS / 20, JOBS / 5);
    assert_in_range(complete_later, JOBS / 20, JOBS);
}

static void each_status_is_met(void **state)
{
    (void)state;
    bool met[5] = {false};
    for (uint64_t i = 0; i < 200; i++)
        for (int64_t t = 0; t < 120000; t += 1000)
            met[sim_life_at(1, i, 0, t).status] = true;
    for (int i = 0; i < 5; i++) {
        assert_true(met[i]);
        assert_true(strlen(sim_status_name((enum sim_status)i)) > 3);
    }
}

/* --- births and ids --- */

static void births_never_go_back_and_are_counted_as_they_happen(void **state)
{
    (void)state;
    struct sim_births b = {9, 500, 1000000000, 72000000, 20000};
    for (uint64_t i = 0; i < 700; i++) {
        int64_t t = sim_birth_ms(&b, i);
        assert_true(t <= sim_birth_ms(&b, i + 1));
        assert_true((i < b.n) == (t <= b.epoch_ms));
        uint64_t born = sim_births_until(&b, t);
        assert_true(born > i);
        assert_true(sim_birth_ms(&b, born) > t);
        assert_true(sim_births_until(&b, t - 1) <= i);
    }
    assert_int_equal(sim_births_until(&b, b.epoch_ms), 500);
    assert_int_equal(sim_births_until(&b, b.epoch_ms - b.span_ms - 1), 0);
}

static void without_jobs_or_pace_none_is_born(void **state)
{
    (void)state;
    struct sim_births none = {9, 0, 1000000, 72000000, 20000};
    struct sim_births still = {9, 10, 1000000, 72000000, 0};
    assert_int_equal(sim_births_until(&none, INT64_C(1) << 40), 0);
    assert_int_equal(sim_births_until(&still, INT64_C(1) << 40), 10);
}

static void ids_are_hex_unlike_each_other_and_give_their_index_back(void **state)
{
    (void)state;
    char before[SIM_ID_LEN] = "";
    for (uint64_t i = 0; i < 1000; i++) {
        char id[SIM_ID_LEN];
        uint64_t index;
        sim_id_make(4, SIM_ID_JOB, i, id);
        assert_int_equal(strspn(id, "0123456789abcdef"), 32);
        assert_true(sim_id_index(4, SIM_ID_JOB, id, &index));
        assert_int_equal(index, i);
        assert_false(sim_id_index(4, SIM_ID_MEDIA, id, &index));
        assert_false(sim_id_index(5, SIM_ID_JOB, id, &index));
        assert_memory_not_equal(id, before, 8);
        memcpy(before, id, sizeof(id));
    }
}

static void what_is_no_id_has_no_index(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "abc", "0123456789abcdef0123456789abcdeg",
                                      "0123456789ABCDEF0123456789ABCDEF",
                                      "00000000000000000000000000000000"};
    uint64_t index;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(sim_id_index(4, SIM_ID_JOB, bad[i], &index));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_moment_depends_on_seed_index_and_time_alone),
        cmocka_unit_test(other_seeds_give_other_lives),
        cmocka_unit_test(every_life_goes_forward_and_ends_in_time),
        cmocka_unit_test(about_eight_in_a_hundred_fail),
        cmocka_unit_test(some_durations_come_late_and_completion_can_be_later_than_modification),
        cmocka_unit_test(each_status_is_met),
        cmocka_unit_test(births_never_go_back_and_are_counted_as_they_happen),
        cmocka_unit_test(without_jobs_or_pace_none_is_born),
        cmocka_unit_test(ids_are_hex_unlike_each_other_and_give_their_index_back),
        cmocka_unit_test(what_is_no_id_has_no_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
