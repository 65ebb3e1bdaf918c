/* Times, and what counts as a change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "job/samples.h"

#define BASE        (INT64_C(1608730429) * SECOND) /* 2020-12-23T13:33:49Z */
#define MODIFIED    ",\"ModifiedTime\":\"2020-12-23T13:33:49Z\""
#define MODIFIED_40 ",\"ModifiedTime\":\"2020-12-23T13:33:40Z\""
#define MODIFIED_59 ",\"ModifiedTime\":\"2020-12-23T13:33:59Z\""

static int64_t mtime(const struct job *j, const char *name)
{
    const struct job_field *f = job_find(j, name);
    assert_non_null(f);
    return f->mtime_ns;
}

static int64_t ctime_of(const struct job *j, const char *name)
{
    const struct job_field *f = job_find(j, name);
    assert_non_null(f);
    return f->ctime_ns;
}

static void the_first_mtime_is_what_the_service_says(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        int64_t ns;
    } rows[] = {
        {REPLY(MODIFIED ",\"CompleteTime\":\"2020-12-23T13:33:52Z\""), BASE},
        {REPLY(
             ",\"CompleteTime\":\"2020-12-23T13:33:52Z\",\"CreateTime\":\"2020-12-23T13:33:40Z\""),
         BASE + 3 * SECOND},
        {REPLY(",\"CreateTime\":\"2020-12-23T13:33:40Z\""), BASE - 9 * SECOND},
        {REPLY(""), NOW},
        {REPLY(",\"ModifiedTime\":\"soon\",\"CreateTime\":\"2020-12-23T13:33:40Z\""),
         BASE - 9 * SECOND},
        {REPLY(",\"ModifiedTime\":\"\""), NOW},
        {REPLY(",\"ModifiedTime\":\"9999-12-31T23:59:59Z\""), NOW},
        {REPLY(",\"ModifiedTime\":\"0001-01-01T00:00:00Z\""), NOW},
        {REPLY(",\"ModifiedTime\":\"1969-12-31T23:59:59Z\""), NOW},
        {REPLY(",\"ModifiedTime\":\"2020-12-23T13:33:49.25Z\""), BASE + SECOND / 4},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct job *j = get(rows[i].body);
        assert_int_equal(job_mtime_ns(j), rows[i].ns);
        assert_int_equal(job_ctime_ns(j), NOW);
        for (size_t k = 0; k < job_n_fields(j); k++) {
            assert_int_equal(job_field_at(j, k)->mtime_ns, rows[i].ns);
            assert_int_equal(job_field_at(j, k)->ctime_ns, NOW);
        }
        job_unref(j);
    }
}

static void a_reply_that_differs_in_nothing_but_request_id_is_no_change(void **state)
{
    (void)state;
    struct job *a = get(REPLY_OF("R-1", ",\"Status\":\"Init\",\"Progress\":5"));
    struct job *b =
        get_after(REPLY_OF("R-2", ",\"Status\":\"Init\",\"Progress\":5"), a, NOW + SECOND);
    assert_ptr_equal(a, b);
    assert_file(b, "request_id", "R-1\n");
    assert_string_equal(job_request_id(b), "R-1");
    job_unref(b);
    job_unref(a);
}

static void order_blanks_and_spelling_of_the_json_are_no_change(void **state)
{
    (void)state;
    struct job *a = get(REPLY(",\"Status\":\"Init\",\"Progress\":5,\"Duration\":1.50"));
    static const char *const same[] = {
        REPLY(",\"Progress\":5,\"Duration\":1.5,\"Status\":\"Init\""),
        REPLY(" , \"Status\" : \"\\u0049nit\" , \"Progress\" : 5.0 , \"Duration\" : 15e-1"),
        REPLY(
            ",\"Status\":\"Init\",\"Progress\":5,\"Duration\":1.50,\"Code\":null,\"Message\":\"\""),
        "{\"MediaProducingJob\":{\"Status\":\"Init\",\"Progress\":5,\"Duration\":1.50,\"JobId\":"
        "\"" ID "\"},\"Beside\":7}"};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        struct job *b = get_after(same[i], a, NOW + SECOND);
        assert_ptr_equal(a, b);
        job_unref(b);
    }
    job_unref(a);
}

/* The twin of the two above: each of these is a change. */
static void any_other_difference_is_a_change(void **state)
{
    (void)state;
    struct job *a = get(REPLY(",\"Status\":\"Init\",\"Progress\":5"));
    static const char *const other[] = {REPLY(",\"Status\":\"Init\",\"Progress\":6"),
                                        REPLY(",\"Status\":\"Init\""),
                                        REPLY(",\"Status\":\"Init\",\"Progress\":5,\"New\":{}"),
                                        REPLY(",\"Status\":\"Inix\",\"Progress\":5"),
                                        REPLY(",\"Status\":\"Init\\n\\n\",\"Progress\":5"),
                                        REPLY(",\"Status\":\"Init\",\"Zz\":5"),
                                        REPLY("")};
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        struct job *b = get_after(other[i], a, NOW + SECOND);
        assert_ptr_not_equal(a, b);
        assert_int_not_equal(job_diff(a, b, NULL, 0), 0);
        job_unref(b);
    }
    job_unref(a);
}

static void only_what_changed_gets_new_times(void **state)
{
    (void)state;
    struct job *a = get(REPLY_OF("R-1", MODIFIED ",\"Status\":\"Init\",\"Progress\":5"));
    struct job *b = get_after(REPLY_OF("R-2", MODIFIED_59 ",\"Status\":\"Init\",\"Progress\":6"), a,
                              NOW + SECOND);
    static const char *const changed[] = {"modified_time", "progress", "job.json", "request_id"};
    static const char *const same[] = {"status", "job_id"};
    for (size_t i = 0; i < sizeof changed / sizeof *changed; i++) {
        assert_int_equal(mtime(b, changed[i]), BASE + 10 * SECOND);
        assert_int_equal(ctime_of(b, changed[i]), NOW + SECOND);
    }
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        assert_int_equal(mtime(b, same[i]), BASE);
        assert_int_equal(ctime_of(b, same[i]), NOW);
    }
    assert_int_equal(job_mtime_ns(b), BASE + 10 * SECOND);
    assert_int_equal(job_ctime_ns(b), NOW + SECOND);
    job_unref(b);
    job_unref(a);
}

/* The service's clock has seconds, and it may step back; contents change more often. */
static void mtime_grows_with_each_change_whatever_the_service_says(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        REPLY(MODIFIED ",\"Progress\":1"),    REPLY(MODIFIED ",\"Progress\":2"),
        REPLY(MODIFIED_40 ",\"Progress\":3"), REPLY(",\"Progress\":4"),
        REPLY(MODIFIED_59 ",\"Progress\":5"), REPLY(MODIFIED_40 ",\"Progress\":6")};
    struct job *j = get(bodies[0]);
    for (size_t i = 1; i < sizeof bodies / sizeof *bodies; i++) {
        /* our own clock stands still, and once goes back */
        struct job *next = get_after(bodies[i], j, i == 3 ? NOW - SECOND : NOW);
        assert_true(mtime(next, "progress") > mtime(j, "progress"));
        assert_true(mtime(next, "job.json") > mtime(j, "job.json"));
        assert_true(job_mtime_ns(next) > job_mtime_ns(j));
        assert_true(job_ctime_ns(next) >= job_ctime_ns(j));
        assert_int_equal(job_mtime_ns(next), mtime(next, "job.json"));
        job_unref(j);
        j = next;
    }
    job_unref(j);
}

static void a_file_that_comes_back_is_not_older_than_before(void **state)
{
    (void)state;
    struct job *a = get(REPLY(MODIFIED_59 ",\"Code\":\"x\""));
    struct job *b = get_after(REPLY(MODIFIED_40), a, NOW);
    struct job *c = get_after(REPLY(MODIFIED_40 ",\"Code\":\"y\""), b, NOW);
    assert_true(mtime(c, "code") > mtime(a, "code"));
    job_unref(a);
    job_unref(b);
    job_unref(c);
}

static void a_changed_mtime_is_seen_by_programs_that_hold_it_in_a_double(void **state)
{
    (void)state;
    struct job *a = get(REPLY(MODIFIED ",\"Progress\":1"));
    struct job *b = get_after(REPLY(MODIFIED ",\"Progress\":2"), a, NOW);
    volatile double x = (double)job_mtime_ns(a) / 1e9, y = (double)job_mtime_ns(b) / 1e9;
    assert_true(y > x);
    job_unref(a);
    job_unref(b);
}

static void get_after_list_is_a_new_version_that_keeps_the_times(void **state)
{
    (void)state;
    static const char list[] = "{\"RequestId\":\"L\",\"MediaProducingJobList\":[{\"JobId\":\"" ID
                               "\",\"Status\":\"Success\"" MODIFIED "}]}";
    struct job_page page;
    assert_int_equal(job_page_from_list(list, sizeof list - 1, NOW, &page, NULL), 0);
    struct job *full =
        get_after(REPLY(",\"Status\":\"Success\"" MODIFIED), page.jobs[0], NOW + SECOND);
    assert_ptr_not_equal(full, page.jobs[0]);
    assert_true(job_partial(page.jobs[0]));
    assert_false(job_partial(full));
    assert_int_equal(mtime(full, "status"), BASE);
    assert_int_equal(ctime_of(full, "status"), NOW);
    assert_true(job_mtime_ns(full) > BASE);
    struct job *again = get_after(REPLY_OF("R-9", ",\"Status\":\"Success\"" MODIFIED), full, NOW);
    assert_ptr_equal(again, full);
    job_unref(again);
    job_unref(full);
    job_page_free(&page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_mtime_is_what_the_service_says),
        cmocka_unit_test(a_reply_that_differs_in_nothing_but_request_id_is_no_change),
        cmocka_unit_test(order_blanks_and_spelling_of_the_json_are_no_change),
        cmocka_unit_test(any_other_difference_is_a_change),
        cmocka_unit_test(only_what_changed_gets_new_times),
        cmocka_unit_test(mtime_grows_with_each_change_whatever_the_service_says),
        cmocka_unit_test(a_file_that_comes_back_is_not_older_than_before),
        cmocka_unit_test(a_changed_mtime_is_seen_by_programs_that_hold_it_in_a_double),
        cmocka_unit_test(get_after_list_is_a_new_version_that_keeps_the_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
