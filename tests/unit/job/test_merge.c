/* What a list shows replaces what was known of it; the rest stays. */
#include "support/alloc_fail.h"
#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "job/samples.h"

#define LIST_OF(id, members)                                                                       \
    "{\"RequestId\":\"L-1\",\"MediaProducingJobList\":[{\"JobId\":\"" id "\"" members "}]}"
#define LIST(members) LIST_OF(ID, members)

static struct job *item_of(const char *body)
{
    struct job_page page;
    assert_int_equal(job_page_from_list(body, strlen(body), NOW, &page, NULL), 0);
    assert_int_equal(page.n, 1);
    struct job *item = job_ref(page.jobs[0]);
    job_page_free(&page);
    return item;
}

/* What `body` makes of `known`, whose reference is taken. */
static struct job *merged(struct job *known, const char *body)
{
    struct err err = {""};
    struct job *item = item_of(body);
    struct job *j = job_merge_list(known, item, NOW + SECOND, &err);
    if (!j)
        fail_msg("%s", err.text);
    job_unref(item);
    job_unref(known);
    return j;
}

static void what_a_list_shows_is_replaced_and_the_rest_stays(void **state)
{
    (void)state;
    struct job *j =
        merged(get(REPLY(",\"Status\":\"Processing\",\"Progress\":40,\"Timeline\":\"{}\","
                         "\"MediaURL\":\"u\",\"New\":[1]")),
               LIST(",\"Status\":\"Failed\",\"Code\":\"Bad\""));
    assert_int_equal(job_status(j), JOB_STATUS_FAILED);
    assert_false(job_partial(j));
    assert_file(j, "status", "Failed\n");
    assert_file(j, "code", "Bad\n");
    assert_file(j, "media_url", NULL);
    assert_file(j, "progress", "40\n");
    assert_file(j, "timeline.json", "{}\n");
    assert_file(j, "new.json", "[1]\n");
    assert_file(j, "request_id", "R-1\n");
    job_unref(j);
}

static void job_json_keeps_the_shape_of_gets_reply(void **state)
{
    (void)state;
    struct job *j = merged(
        get("{\"RequestId\":\"R-1\",\"Extra\":{\"a\":1},\"MediaProducingJob\":{\"Progress\":4,"
            "\"JobId\":\"" ID
            "\",\"Status\":\"Init\",\"Odd \\\"\\\\\\u0001k\\u00e9y\":12345678901234567890}}"),
        LIST(",\"Status\":\"Queuing\",\"Duration\":1.50"));
    assert_file(j, "job.json",
                "{\"RequestId\":\"R-1\",\"Extra\":{\"a\":1},\"MediaProducingJob\":{\"Progress\":4,"
                "\"Odd \\\"\\\\\\u0001kéy\":12345678901234567890,\"JobId\":\"" ID
                "\",\"Status\":\"Queuing\",\"Duration\":1.50}}\n");
    job_unref(j);
}

static void an_item_that_shows_nothing_new_is_no_version(void **state)
{
    (void)state;
    static const char *const items[] = {
        LIST(",\"Status\":\"Processing\",\"Duration\":30.50,\"Message\":\"\""),
        LIST(",\"Duration\":30.5,\"Status\":\"Processing\",\"Code\":\"Success\""),
        LIST(",\"Status\":\"Processing\",\"Duration\":30.5,\"Unheard\":1"),
    };
    struct job *known = get(REPLY(",\"Status\":\"Processing\",\"Duration\":30.5,\"Progress\":1"));
    for (size_t i = 0; i < ARRAY_LEN(items); i++) {
        struct job *j = merged(job_ref(known), items[i]);
        assert_ptr_equal(j, known);
        job_unref(j);
    }
    job_unref(known);
}

static void success_as_a_code_is_no_failure(void **state)
{
    (void)state;
    struct job *j = merged(get(REPLY(",\"Status\":\"Processing\"")),
                           LIST(",\"Status\":\"Success\",\"Code\":\"Success\",\"MediaURL\":\"u\""));
    assert_int_equal(job_status(j), JOB_STATUS_SUCCESS);
    assert_file(j, "code", NULL);
    assert_null(strstr(job_find(j, "job.json")->data, "Code"));
    assert_file(j, "media_url", "u\n");
    job_unref(j);
}

static void only_what_changed_gets_a_new_time(void **state)
{
    (void)state;
    struct job *known = get(REPLY(",\"Status\":\"Init\",\"Progress\":1,\"MediaId\":\"m\""));
    struct job *j = merged(job_ref(known), LIST(",\"Status\":\"Queuing\",\"MediaId\":\"m\""));
    static const char *const same[] = {"progress", "media_id", "request_id"};
    for (size_t i = 0; i < ARRAY_LEN(same); i++)
        assert_true(job_find(j, same[i])->mtime_ns == job_find(known, same[i])->mtime_ns);
    assert_true(job_find(j, "status")->mtime_ns > job_find(known, "status")->mtime_ns);
    assert_true(job_find(j, "job.json")->mtime_ns > job_find(known, "job.json")->mtime_ns);
    job_unref(j);
    job_unref(known);
}

static void a_job_known_from_a_list_stays_so(void **state)
{
    (void)state;
    struct job *known = item_of(LIST(",\"Status\":\"Init\",\"Message\":\"m\""));
    struct job *same = merged(job_ref(known), LIST(",\"Message\":\"m\",\"Status\":\"Init\""));
    assert_ptr_equal(same, known);
    job_unref(same);
    struct job *j = merged(known, LIST(",\"Status\":\"Processing\",\"Unheard\":1"));
    assert_true(job_partial(j));
    assert_file(j, "status", "Processing\n");
    assert_file(j, "message", NULL);
    assert_file(j, "unheard", "1\n");
    job_unref(j);
}

static void another_jobs_item_is_refused(void **state)
{
    (void)state;
    struct err err = {""};
    struct job *known = get(REPLY(",\"Status\":\"Init\""));
    struct job *item = item_of(LIST_OF("another-job", ",\"Status\":\"Init\""));
    assert_null(job_merge_list(known, item, NOW, &err));
    assert_non_null(strstr(err.text, ID));
    assert_non_null(strstr(err.text, "another-job"));
    job_unref(item);
    job_unref(known);
}

static bool outdated(const char *known_members, const char *item_body)
{
    char body[512];
    snprintf(body, sizeof body, REPLY("%s"), known_members);
    struct job *known = get(body), *item = item_of(item_body);
    bool old = job_item_outdated(known, item);
    job_unref(known);
    job_unref(item);
    return old;
}

#define AT(seconds) ",\"ModifiedTime\":\"2026-01-01T00:00:" seconds "Z\""

static void an_item_older_than_what_is_known_is_told_apart(void **state)
{
    (void)state;
    static const char known[] = AT("10") ",\"Status\":\"Processing\"";
    assert_true(outdated(known, LIST(AT("09") ",\"Status\":\"Queuing\"")));
    assert_true(outdated(known, LIST(AT("10") ",\"Status\":\"Queuing\"")));
    assert_false(outdated(known, LIST(AT("10") ",\"Status\":\"Processing\"")));
    assert_false(outdated(known, LIST(AT("09") ",\"Status\":\"Failed\"")));
    assert_true(outdated(AT("10") ",\"Status\":\"Failed\"", LIST(AT("10") ",\"Status\":\"Init\"")));
    assert_false(outdated(known, LIST(AT("11") ",\"Status\":\"Queuing\"")));
    assert_false(outdated(known, LIST(",\"Status\":\"Queuing\"")));
    assert_false(outdated(",\"ModifiedTime\":\"yesterday\"", LIST(AT("01"))));
    assert_false(outdated(",\"ModifiedTime\":\"2026-13-01T00:00:00Z\"", LIST(AT("01"))));
}

/* The twin of a_reply_without_memory: no version is lost or leaks for want of memory. */
static void without_memory_there_is_no_merge_and_nothing_leaks(void **state)
{
    (void)state;
    cJSON_Hooks hooks = {.malloc_fn = malloc, .free_fn = free};
    cJSON_InitHooks(&hooks);
    struct job *known = get(REPLY(",\"Status\":\"Init\",\"Progress\":1"));
    struct job *item = item_of(LIST(",\"Status\":\"Queuing\",\"Message\":\"m\""));
    unsigned failures = 0;
    struct job *j = NULL;
    for (unsigned n = 1; !j; n++) {
        struct err err = {""};
        alloc_fail_at(n);
        j = job_merge_list(known, item, NOW, &err);
        if (alloc_fail_fired()) {
            assert_null(j);
            assert_non_null(strstr(err.text, "no memory"));
            failures++;
        }
    }
    assert_true(failures > 5);
    assert_file(j, "message", "m\n");
    job_unref(j);
    job_unref(item);
    job_unref(known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_list_shows_is_replaced_and_the_rest_stays),
        cmocka_unit_test(job_json_keeps_the_shape_of_gets_reply),
        cmocka_unit_test(an_item_that_shows_nothing_new_is_no_version),
        cmocka_unit_test(success_as_a_code_is_no_failure),
        cmocka_unit_test(only_what_changed_gets_a_new_time),
        cmocka_unit_test(a_job_known_from_a_list_stays_so),
        cmocka_unit_test(another_jobs_item_is_refused),
        cmocka_unit_test(an_item_older_than_what_is_known_is_told_apart),
        cmocka_unit_test(without_memory_there_is_no_merge_and_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
