/* The difference of two snapshots. */
#include "job/name.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "job/samples.h"

static void assert_row(const struct job_change *row, enum job_change_kind kind, const char *name)
{
    assert_string_equal(row->name, name);
    assert_int_equal(row->kind, kind);
    assert_int_equal(row->number, job_name_find(name));
}

static void each_name_whose_content_differs_has_one_row_in_order(void **state)
{
    (void)state;
    struct job_change rows[JOB_DIFF_MAX];
    struct job *a = get(REPLY_OF("R-1", ",\"Status\":\"Init\",\"Progress\":1,\"Code\":\"x\""));
    struct job *b = get(REPLY_OF("R-2", ",\"Status\":\"Init\",\"Progress\":2,\"MediaURL\":\"u\""));
    assert_int_equal(job_diff(a, b, rows, JOB_DIFF_MAX), 5);
    assert_row(&rows[0], JOB_FIELD_REMOVED, "code");
    assert_row(&rows[1], JOB_FIELD_CHANGED, "job.json");
    assert_row(&rows[2], JOB_FIELD_ADDED, "media_url");
    assert_row(&rows[3], JOB_FIELD_CHANGED, "progress");
    assert_row(&rows[4], JOB_FIELD_CHANGED, "request_id");
    job_unref(a);
    job_unref(b);
}

static void a_longer_content_of_the_same_beginning_is_a_change(void **state)
{
    (void)state;
    struct job_change rows[JOB_DIFF_MAX];
    struct job *a = get(REPLY(",\"Message\":\"a\"")), *b = get(REPLY(",\"Message\":\"a\\nb\""));
    assert_int_equal(job_diff(a, b, rows, JOB_DIFF_MAX), 2);
    assert_row(&rows[1], JOB_FIELD_CHANGED, "message");
    job_unref(a);
    job_unref(b);
}

static void nothing_before_is_all_added_and_nothing_after_all_removed(void **state)
{
    (void)state;
    struct job_change rows[JOB_DIFF_MAX];
    struct job *j = get_sample("get_failed.json");
    assert_int_equal(job_diff(NULL, j, rows, JOB_DIFF_MAX), 20);
    for (size_t i = 0; i < 20; i++)
        assert_row(&rows[i], JOB_FIELD_ADDED, job_field_at(j, i)->name);
    assert_int_equal(job_diff(j, NULL, rows, JOB_DIFF_MAX), 20);
    for (size_t i = 0; i < 20; i++)
        assert_row(&rows[i], JOB_FIELD_REMOVED, job_field_at(j, i)->name);
    assert_int_equal(job_diff(NULL, NULL, rows, JOB_DIFF_MAX), 0);
    assert_int_equal(job_diff(j, j, rows, JOB_DIFF_MAX), 0);
    job_unref(j);
}

static void rows_past_the_room_are_counted_and_not_written(void **state)
{
    (void)state;
    struct job_change rows[3] = {[2] = {.number = 7}};
    struct job *j = get_sample("get_failed.json");
    assert_int_equal(job_diff(NULL, j, rows, 2), 20);
    assert_row(&rows[1], JOB_FIELD_ADDED, "code");
    assert_int_equal(rows[2].number, 7);
    assert_int_equal(job_diff(NULL, j, NULL, 0), 20);
    job_unref(j);
}

static void the_greatest_difference_has_room(void **state)
{
    (void)state;
    struct job_change rows[JOB_DIFF_MAX];
    struct job *side[2];
    for (int s = 0; s < 2; s++) {
        CLEANUP_BUF struct buf b = BUF_INIT(1 << 20);
        assert_int_equal(
            buf_addf(&b, "{\"RequestId\":\"%d\",\"MediaProducingJob\":{\"JobId\":\"" ID "\"", s),
            0);
        for (unsigned i = 0; i < JOB_KEYS_MAX - 1; i++)
            assert_int_equal(buf_addf(&b, ",\"side%d_%u\":0", s, i), 0);
        assert_int_equal(buf_adds(&b, "}}"), 0);
        side[s] = get(buf_str(&b));
    }
    size_t n = job_diff(side[0], side[1], rows, JOB_DIFF_MAX);
    assert_int_equal(n, 2 * (JOB_KEYS_MAX - 1) + 2);
    assert_true(n <= JOB_DIFF_MAX);
    job_unref(side[0]);
    job_unref(side[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_name_whose_content_differs_has_one_row_in_order),
        cmocka_unit_test(a_longer_content_of_the_same_beginning_is_a_change),
        cmocka_unit_test(nothing_before_is_all_added_and_nothing_after_all_removed),
        cmocka_unit_test(rows_past_the_room_are_counted_and_not_written),
        cmocka_unit_test(the_greatest_difference_has_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
