/* Snapshots put away and made again, lines of jobs.tsv, and facts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "job/facts.h"
#include "job/restore.h"
#include "job/row.h"
#include "job/samples.h"

#define FULL                                                                                       \
    ",\"Status\":\"Success\",\"Progress\":100,\"CreateTime\":\"2020-12-23T13:33:40Z\","            \
    "\"ModifiedTime\":\"2020-12-23T13:33:49Z\",\"Duration\":30.500000,\"ProjectId\":\"project1\"," \
    "\"MediaURL\":\"http://b.oss/x.mp4\",\"Timeline\":\"{\\\"a\\\": 1}\\n\",\"NewKey\":[1,2]"

static void assert_same(const struct job *a, const struct job *b)
{
    assert_int_equal(job_n_fields(a), job_n_fields(b));
    for (size_t i = 0; i < job_n_fields(a); i++) {
        const struct job_field *x = job_field_at(a, i), *y = job_field_at(b, i);
        assert_string_equal(x->name, y->name);
        assert_int_equal(x->number, y->number);
        assert_int_equal(x->len, y->len);
        assert_memory_equal(x->data, y->data, x->len);
        assert_int_equal(x->mtime_ns, y->mtime_ns);
        assert_int_equal(x->ctime_ns, y->ctime_ns);
    }
    assert_int_equal(job_mtime_ns(a), job_mtime_ns(b));
    assert_int_equal(job_ctime_ns(a), job_ctime_ns(b));
    assert_int_equal(job_partial(a), job_partial(b));
    assert_int_equal(job_status(a), job_status(b));
    assert_string_equal(job_request_id(a), job_request_id(b));
}

static struct job *put_away_and_made_again(const struct job *j)
{
    CLEANUP_BUF struct buf times = {0};
    struct job_record r;
    struct err err = {""};
    assert_int_equal(job_record(j, &times, &r), 0);
    struct job *again = job_restore(&r, &err);
    if (!again)
        fail_msg("%s", err.text);
    return again;
}

static void a_snapshot_comes_back_with_every_content_and_every_time(void **state)
{
    (void)state;
    struct job *first = get(REPLY(FULL));
    struct job *second = get_after(REPLY_OF("R-2", FULL ",\"Message\":\"m\""), first, NOW + SECOND);
    struct job *third = get_after(REPLY_OF("R-3", FULL ",\"Message\":\"n\",\"Code\":\"c\""), second,
                                  NOW + 2 * SECOND);
    const struct job *all[] = {first, second, third};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct job *again = put_away_and_made_again(all[i]);
        assert_same(all[i], again);
        assert_int_equal(job_facts_of(again)->mtime_ns, job_mtime_ns(all[i]));
        assert_int_equal(job_facts_of(again)->ctime_ns, job_ctime_ns(all[i]));
        job_unref(again);
    }
    job_unref(third);
    job_unref(second);
    job_unref(first);
}

static void a_list_item_comes_back_as_one(void **state)
{
    (void)state;
    static const char page[] =
        "{\"RequestId\":\"R\",\"MediaProducingJobList\":[{\"JobId\":\"" ID "\"" FULL "}]}";
    struct job_page out;
    assert_int_equal(job_page_from_list(page, strlen(page), NOW, &out, NULL), 0);
    struct job *again = put_away_and_made_again(out.jobs[0]);
    assert_same(out.jobs[0], again);
    assert_true(job_partial(again));
    assert_true(job_facts_of(again)->partial);
    job_unref(again);
    job_page_free(&out);
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    static const char body[] = REPLY(FULL);
    static const struct job_record rows[] = {
        {.id = ID, .body = "", .len = 0, .times = ""},
        {.id = ID, .body = body, .len = sizeof body - 9, .times = ""},
        {.id = "00000000", .body = body, .len = sizeof body - 1, .times = ""},
        {.id = ID, .body = body, .len = sizeof body - 1, .times = "1 status\n"},
        {.id = ID, .body = body, .len = sizeof body - 1, .times = "1 2 no_such_field\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {""};
        assert_null(job_restore(&rows[i], &err));
        assert_non_null(strstr(err.text, "stored reply of "));
    }
}

static void a_line_has_its_columns_and_no_more(void **state)
{
    (void)state;
    CLEANUP_BUF struct buf out = BUF_INIT(65536);
    struct job *j = get(REPLY(FULL ",\"Message\":\"a\\tb\\nc\\\\d\\re\""));
    assert_int_equal(job_row(j, &out), 0);
    assert_string_equal(buf_str(&out),
                        ID "\tSuccess\t100\t2020-12-23T13:33:40Z\t2020-12-23T13:33:49Z\t\t30.5\t"
                           "project1\thttp://b.oss/x.mp4\t\ta\\tb\\nc\\\\d\\re\n");
    assert_int_equal(job_row_len(j), out.len);
    assert_int_equal(job_facts_of(j)->row_len, out.len);
    size_t tabs = 0, header_tabs = 0;
    for (const char *p = buf_str(&out); *p; p++)
        tabs += *p == '\t';
    for (const char *p = job_row_header; *p; p++)
        header_tabs += *p == '\t';
    assert_int_equal(tabs, header_tabs);
    job_unref(j);
}

static void facts_outlive_their_snapshot(void **state)
{
    (void)state;
    struct job *j = get(REPLY(FULL));
    struct job_facts *f = job_facts_ref(job_facts_of(j));
    job_unref(j);
    assert_string_equal(f->id, ID);
    assert_string_equal(f->project, "project1");
    assert_int_equal(f->create_s, 1608730420);
    assert_int_equal(f->status, JOB_STATUS_SUCCESS);
    assert_true(f->duration && !f->partial && job_facts_final(f));
    struct job_facts *copy = job_facts_new(f);
    job_facts_unref(f);
    assert_string_equal(copy->project, "project1");
    job_facts_unref(copy);
}

static void a_time_that_cannot_be_read_is_none(void **state)
{
    (void)state;
    static const char *const bodies[] = {REPLY(""), REPLY(",\"CreateTime\":\"soon\""),
                                         REPLY(",\"CreateTime\":\"2020-02-31T00:00:00Z\"")};
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        struct job *j = get(bodies[i]);
        assert_true(job_facts_of(j)->create_s == JOB_NO_TIME);
        assert_string_equal(job_facts_of(j)->project, "");
        job_unref(j);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_snapshot_comes_back_with_every_content_and_every_time),
        cmocka_unit_test(a_list_item_comes_back_as_one),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(a_line_has_its_columns_and_no_more),
        cmocka_unit_test(facts_outlive_their_snapshot),
        cmocka_unit_test(a_time_that_cannot_be_read_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
