/* Every allocation may fail, every reference may be the last, on any thread. */
#include "base/thread.h"
#include "support/alloc_fail.h"
#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "job/samples.h"

static const char reply[] =
    REPLY(",\"Status\":\"Init\",\"Message\":\"\\u65e9\",\"Duration\":1.5,\"New\":{\"a\":[1,2]}");

/* 70 items: the index of the reply grows on the way. */
static void make_list(struct buf *b)
{
    assert_int_equal(
        buf_adds(b, "{\"RequestId\":\"L\",\"NextToken\":\"t\",\"MediaProducingJobList\":["), 0);
    for (int i = 0; i < 70; i++)
        assert_int_equal(
            buf_addf(b, "%s{\"JobId\":\"job-%05d\",\"Status\":\"Init\"}", i ? "," : "", i), 0);
    assert_int_equal(buf_adds(b, "]}"), 0);
}

/* cJSON's own allocations, too, go through the test's. */
static int hook_cjson(void **state)
{
    (void)state;
    cJSON_Hooks hooks = {.malloc_fn = malloc, .free_fn = free};
    cJSON_InitHooks(&hooks);
    return 0;
}

static void a_reply_without_memory_is_refused_and_nothing_leaks(void **state)
{
    (void)state;
    unsigned failures = 0;
    struct job *prev = get(REPLY(",\"Status\":\"Queuing\""));
    for (unsigned n = 1;; n++) {
        struct err err = {""};
        alloc_fail_at(n);
        struct job *j = job_from_get(ID, reply, sizeof reply - 1, prev, NOW, &err);
        bool fired = alloc_fail_fired();
        if (fired) {
            assert_null(j);
            assert_non_null(strstr(err.text, "no memory"));
            failures++;
            continue;
        }
        assert_non_null(j);
        assert_file(j, "message", "早\n");
        job_unref(j);
        break;
    }
    job_unref(prev);
    assert_true(failures > 3); /* the twin: index, tree, plan and snapshot did allocate */
}

static void a_page_without_memory_is_refused_whole(void **state)
{
    (void)state;
    unsigned failures = 0;
    CLEANUP_BUF struct buf list = BUF_INIT(1 << 20);
    make_list(&list);
    for (unsigned n = 1;; n++) {
        struct err err = {""};
        struct job_page page;
        alloc_fail_at(n);
        int rc = job_page_from_list(list.data, list.len, NOW, &page, &err);
        bool fired = alloc_fail_fired();
        if (fired) {
            assert_int_equal(rc, -1);
            assert_int_equal(page.n, 0);
            assert_null(page.jobs);
            assert_non_null(strstr(err.text, "no memory"));
            failures++;
            continue;
        }
        assert_int_equal(rc, 0);
        assert_int_equal(page.n, 70);
        job_page_free(&page);
        break;
    }
    assert_true(failures > 140);
}

static void no_change_needs_no_memory_for_content(void **state)
{
    (void)state;
    struct job *j = get(reply), *again = get_after(reply, j, NOW + SECOND);
    assert_ptr_equal(j, again);
    job_unref(j);
    assert_file(again, "status", "Init\n"); /* the second reference still holds it */
    job_unref(again);
    job_unref(NULL);
}

#define ROUNDS 2000

static void *take_and_drop(void *arg)
{
    const struct job *j = arg;
    for (int i = 0; i < ROUNDS; i++) {
        struct job *mine = job_ref(j);
        if (job_find(mine, "status")->len != 5)
            return arg;
        job_unref(mine);
    }
    job_unref(j);
    return NULL;
}

/* Each thread has a reference of its own; the last one frees. */
static void references_are_counted_across_threads(void **state)
{
    (void)state;
    pthread_t t[4];
    struct err err;
    struct job *j = get(reply);
    for (int i = 0; i < 4; i++)
        assert_int_equal(thread_start(&t[i], "refs", take_and_drop, job_ref(j), &err), 0);
    job_unref(j);
    for (int i = 0; i < 4; i++)
        thread_join(t[i]);
}

/* New names, dropped keys and replies from all sides at once. */
static void *parse_many(void *arg)
{
    char body[300];
    for (int i = 0; i < 200; i++) {
        snprintf(body, sizeof body,
                 REPLY(",\"Key%d\":\"早\",\"my.key%d\":1,\"my*key%d\":1,\"Status\":\"Init\""), i,
                 i % 10, i % 10);
        struct job *j = job_from_get(ID, body, strlen(body), NULL, NOW, NULL);
        if (!j || job_n_fields(j) != 6)
            return arg;
        job_unref(j);
    }
    *(bool *)arg = true;
    return NULL;
}

static void replies_are_parsed_on_many_threads(void **state)
{
    (void)state;
    pthread_t t[4];
    bool done[4] = {false};
    struct err err;
    struct caught log = catch_log();
    for (int i = 0; i < 4; i++)
        assert_int_equal(thread_start(&t[i], "parse", parse_many, &done[i], &err), 0);
    for (int i = 0; i < 4; i++)
        thread_join(t[i]);
    assert_int_equal(caught_lines(&log, "belongs to another key"), 10);
    for (int i = 0; i < 4; i++)
        assert_true(done[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reply_without_memory_is_refused_and_nothing_leaks),
        cmocka_unit_test(a_page_without_memory_is_refused_whole),
        cmocka_unit_test(no_change_needs_no_memory_for_content),
        cmocka_unit_test(references_are_counted_across_threads),
        cmocka_unit_test(replies_are_parsed_on_many_threads),
    };
    return cmocka_run_group_tests(tests, hook_cjson, NULL);
}
