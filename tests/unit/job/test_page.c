/* Pages of the job list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "job/samples.h"

static int parse_page(const char *body, struct job_page *page, struct err *err)
{
    return job_page_from_list(body, strlen(body), NOW, page, err);
}

static void page_of(const char *body, struct job_page *page)
{
    struct err err = {""};
    if (parse_page(body, page, &err) < 0)
        fail_msg("refused: %s", err.text);
}

static void assert_page_refused(const char *body, const char *why)
{
    struct job_page page;
    struct err err = {""};
    assert_int_equal(parse_page(body, &page, &err), -1);
    assert_int_equal(page.n, 0);
    assert_null(page.jobs);
    assert_null(page.next_token);
    assert_int_equal(strncmp(err.text, "reply of ListMediaProducingJobs: ", 33), 0);
    if (!strstr(err.text, why))
        fail_msg("refused with \"%s\", not with \"%s\"", err.text, why);
}

static void the_documented_sample_gives_its_jobs_and_drops_the_rest(void **state)
{
    (void)state;
    CLEANUP_BUF struct buf body = BUF_INIT(1 << 20);
    struct job_page page;
    read_file(CORPUS "/list.json", &body);
    struct caught log = catch_log();
    page_of(buf_str(&body), &page);
    assert_int_equal(caught_lines(&log, "count=4 of=6"), 1);
    assert_int_equal(page.n, 2);
    assert_string_equal(page.next_token, "CBB6BC61D08+2a=");
    assert_string_equal(job_id(page.jobs[0]), "aaaa1111bbbb2222cccc3333dddd4444");
    assert_string_equal(job_id(page.jobs[1]), ID);
    assert_int_equal(job_status(page.jobs[1]), JOB_STATUS_QUEUING);
    job_page_free(&page);
    assert_int_equal(page.n, 0);
}

/* The samples of the documentation show Code = Success on a job that did not fail, and a misspelt
 * status. */
static void code_success_and_a_misspelt_status_are_content_and_no_end(void **state)
{
    (void)state;
    CLEANUP_BUF struct buf body = BUF_INIT(1 << 20);
    struct job_page page;
    read_file(CORPUS "/list.json", &body);
    struct caught log = catch_log();
    page_of(buf_str(&body), &page);
    (void)caught_lines(&log, "");
    const struct job *j = page.jobs[0];
    assert_file(j, "status", "Sucess\n");
    assert_file(j, "code", "Success\n");
    assert_file(j, "message", NULL);
    assert_int_equal(job_status(j), JOB_STATUS_OTHER);
    assert_false(job_final(j));
    job_page_free(&page);
}

static void items_are_partial_and_their_job_json_has_the_shape_of_get(void **state)
{
    (void)state;
    static const char body[] =
        "{\"MediaProducingJobList\" : [ {\"JobId\" : \"" ID "\" ,\"New\":[1, 2]} "
        "], \"RequestId\":\"R\\u002d1\"}";
    struct job_page page;
    page_of(body, &page);
    assert_int_equal(page.n, 1);
    assert_true(job_partial(page.jobs[0]));
    assert_string_equal(job_request_id(page.jobs[0]), "R-1");
    assert_file(page.jobs[0], "request_id", "R-1\n");
    assert_file(page.jobs[0], "new.json", "[1, 2]\n");
    assert_file(page.jobs[0], "job.json",
                "{\"RequestId\":\"R\\u002d1\",\"MediaProducingJob\":{\"JobId\" : \"" ID
                "\" ,\"New\":[1, 2]}}\n");
    const struct job_field *whole = job_find(page.jobs[0], "job.json");
    struct job *again = get(whole->data);
    assert_int_equal(job_diff(page.jobs[0], again, NULL, 0), 0);
    job_unref(again);
    job_page_free(&page);
}

static void a_page_without_request_id_has_whole_jobs_too(void **state)
{
    (void)state;
    struct job_page page;
    page_of("{\"MediaProducingJobList\":[{\"JobId\":\"" ID "\"}]}", &page);
    assert_file(page.jobs[0], "job.json",
                "{\"RequestId\":\"\",\"MediaProducingJob\":{\"JobId\":\"" ID "\"}}\n");
    assert_file(page.jobs[0], "request_id", NULL);
    job_page_free(&page);
}

static void the_last_page_has_no_token(void **state)
{
    (void)state;
    static const char *const last[] = {
        "{\"RequestId\":\"R\",\"MediaProducingJobList\":[]}",
        "{\"RequestId\":\"R\",\"MediaProducingJobList\":[],\"NextToken\":\"\"}",
        "{\"RequestId\":\"R\",\"MediaProducingJobList\":[],\"NextToken\":null}",
        "{\"RequestId\":\"R\",\"MediaProducingJobList\":null}", "{\"RequestId\":\"R\"}"};
    for (size_t i = 0; i < sizeof last / sizeof *last; i++) {
        struct job_page page;
        page_of(last[i], &page);
        assert_int_equal(page.n, 0);
        assert_null(page.next_token);
        job_page_free(&page);
    }
}

static void what_is_no_page_is_refused(void **state)
{
    (void)state;
    assert_page_refused("", "byte 0");
    assert_page_refused("[]", "it is an array");
    assert_page_refused("{}", "no MediaProducingJobList");
    assert_page_refused("{\"RequestId\":\"R\",\"Code\":\"Busy\"}", "no MediaProducingJobList");
    assert_page_refused("{\"RequestId\":\"R\",\"Code\":1}", "no MediaProducingJobList");
    assert_page_refused("{\"MediaProducingJobList\":{}}", "not an array");
    assert_page_refused("{\"RequestId\":1,\"MediaProducingJobList\":[]}", "RequestId is a number");
    assert_page_refused("{\"MediaProducingJobList\":[],\"NextToken\":1}", "NextToken is a number");
    assert_page_refused("{\"MediaProducingJobList\":[],\"MediaProducingJobList\":[]}", "twice");
    assert_page_refused("{\"MediaProducingJobList\":[{\"JobId\":\"" ID "\"},]}", "byte");
}

static void an_item_that_is_no_job_does_not_take_the_others_with_it(void **state)
{
    (void)state;
    static const char *const bad[] = {"null",
                                      "7",
                                      "[]",
                                      "{}",
                                      "{\"JobId\":\"x\"}",
                                      "{\"JobId\":\"" ID "\",\"Status\":[]}",
                                      "{\"JobId\":\"" ID "\",\"A\":1,\"A\":1}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char body[400];
        struct job_page page;
        snprintf(body, sizeof body, "{\"MediaProducingJobList\":[%s,{\"JobId\":\"" ID "\"},%s]}",
                 bad[i], bad[i]);
        struct caught log = catch_log();
        page_of(body, &page);
        assert_int_equal(caught_lines(&log, "count=2 of=3"), 1);
        assert_int_equal(page.n, 1);
        job_page_free(&page);
    }
}

static void a_page_has_a_ceiling(void **state)
{
    (void)state;
    for (int more = 0; more < 2; more++) {
        CLEANUP_BUF struct buf b = BUF_INIT(1 << 20);
        struct job_page page;
        assert_int_equal(buf_adds(&b, "{\"MediaProducingJobList\":[{\"JobId\":\"job-00000\"}"), 0);
        for (int i = 1; i < JOB_PAGE_MAX + more; i++)
            assert_int_equal(buf_addf(&b, ",{\"JobId\":\"job-%05d\"}", i), 0);
        assert_int_equal(buf_adds(&b, "]}"), 0);
        if (more) {
            assert_page_refused(buf_str(&b), "more than the 1000");
            continue;
        }
        page_of(buf_str(&b), &page);
        assert_int_equal(page.n, JOB_PAGE_MAX);
        job_page_free(&page);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_documented_sample_gives_its_jobs_and_drops_the_rest),
        cmocka_unit_test(code_success_and_a_misspelt_status_are_content_and_no_end),
        cmocka_unit_test(items_are_partial_and_their_job_json_has_the_shape_of_get),
        cmocka_unit_test(a_page_without_request_id_has_whole_jobs_too),
        cmocka_unit_test(the_last_page_has_no_token),
        cmocka_unit_test(what_is_no_page_is_refused),
        cmocka_unit_test(an_item_that_is_no_job_does_not_take_the_others_with_it),
        cmocka_unit_test(a_page_has_a_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
