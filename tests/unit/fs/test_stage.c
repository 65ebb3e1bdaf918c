/* Between the notifier's requests the old version is the truth: names come in its CREATE, go in its
 * UNLINK, and links stand where they were put last. */
#include "base/thread.h"
#include "fs/stage.h"
#include "job/name.h"
#include "support/alloc_fail.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "job/samples.h"

#define KEY   UINT64_C(0xabcdef)
#define OTHER UINT64_C(0x123456)

static struct stage *s;
static struct job *before, *after;
static uint16_t status, message, media_url, code;

static uint16_t number_of(const struct job *job, const char *name)
{
    const struct job_field *f = job_find(job, name);
    assert_non_null(f);
    return f->number;
}

/* The change: message and code go, media_url comes, status changes. */
static int set_up(void **state)
{
    (void)state;
    s = stage_new(NULL);
    before = get(REPLY(",\"Status\":\"Processing\",\"Message\":\"wait\",\"Code\":\"Soon\""));
    after = get_after(REPLY_OF("R-2", ",\"Status\":\"Success\",\"MediaURL\":\"http://b/1\""),
                      before, NOW + SECOND);
    status = number_of(after, "status");
    media_url = number_of(after, "media_url");
    message = number_of(before, "message");
    code = number_of(before, "code");
    return s ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    stage_free(s);
    job_unref(before);
    job_unref(after);
    return 0;
}

static void assert_found(uint16_t number, const struct job *in)
{
    struct job *found = stage_find(s, KEY, number);
    assert_ptr_equal(found, in);
    job_unref(found);
}

static void assert_shown(uint16_t number, const struct job *in)
{
    struct job *found = stage_show(s, KEY, number);
    assert_ptr_equal(found, in);
    job_unref(found);
}

/* ---- names ---- */

static void a_name_that_comes_is_there_once_it_was_shown(void **state)
{
    (void)state;
    stage_begin(s, KEY, before, after);
    assert_found(media_url, NULL);
    assert_shown(media_url, after);
    assert_found(media_url, after);
    stage_end(s);
    assert_found(media_url, NULL); /* the cache has it by now */
}

static void a_name_that_goes_is_there_until_it_was_hidden(void **state)
{
    (void)state;
    stage_begin(s, KEY, before, after);
    assert_found(message, before);
    assert_true(stage_hide(s, KEY, message));
    assert_found(message, NULL);
    assert_found(code, before);
    stage_end(s);
    assert_found(code, NULL);
}

static void a_name_comes_and_goes_once(void **state)
{
    (void)state;
    stage_begin(s, KEY, before, after);
    assert_shown(media_url, after);
    assert_shown(media_url, NULL);
    assert_true(stage_hide(s, KEY, message));
    assert_false(stage_hide(s, KEY, message));
    stage_end(s);
}

static void what_both_versions_have_neither_comes_nor_goes(void **state)
{
    (void)state;
    stage_begin(s, KEY, before, after);
    assert_shown(status, NULL);
    assert_false(stage_hide(s, KEY, status));
    assert_found(status, NULL);
    assert_shown(message, NULL);
    assert_false(stage_hide(s, KEY, media_url));
    stage_end(s);
}

static void nothing_is_shown_of_another_job_or_at_another_time(void **state)
{
    (void)state;
    assert_shown(media_url, NULL);
    assert_false(stage_hide(s, KEY, message));
    stage_begin(s, OTHER, before, after);
    assert_shown(media_url, NULL);
    assert_false(stage_hide(s, KEY, message));
    assert_found(message, NULL);
    assert_null(stage_beside(s, KEY, before));
    stage_end(s);
    assert_null(stage_beside(s, 0, before)); /* no job has the key 0 */
    assert_null(stage_show(s, 0, media_url));
}

static void the_next_change_starts_anew(void **state)
{
    (void)state;
    stage_begin(s, KEY, before, after);
    assert_shown(media_url, after);
    stage_end(s);
    stage_begin(s, KEY, before, after);
    assert_found(media_url, NULL);
    assert_shown(media_url, after);
    stage_end(s);
}

static void a_listing_of_either_version_gets_the_other_beside_it(void **state)
{
    (void)state;
    stage_begin(s, KEY, before, after);
    struct job *beside_old = stage_beside(s, KEY, before),
               *beside_new = stage_beside(s, KEY, after);
    assert_ptr_equal(beside_old, after);
    assert_ptr_equal(beside_new, before);
    job_unref(beside_old);
    job_unref(beside_new);
    stage_end(s);
    assert_null(stage_beside(s, KEY, before));
}

static void freed_in_the_middle_of_a_change_it_leaves_nothing(void **state)
{
    (void)state;
    stage_begin(s, KEY, before, after);
    stage_link_hold(s, KEY, JOB_STATUS_INIT);
    stage_free(s); /* the leak check of the sanitizer counts the references */
    s = NULL;
    stage_free(s);
}

/* ---- links ---- */

static void a_link_stands_where_it_is_held(void **state)
{
    (void)state;
    assert_int_equal(stage_link_at(s, KEY, JOB_STATUS_SUCCESS), JOB_STATUS_SUCCESS);
    stage_link_hold(s, KEY, JOB_STATUS_PROCESSING);
    assert_int_equal(stage_link_at(s, KEY, JOB_STATUS_SUCCESS), JOB_STATUS_PROCESSING);
    assert_int_equal(stage_link_at(s, OTHER, JOB_STATUS_SUCCESS), JOB_STATUS_SUCCESS);
    stage_link_free(s, KEY);
    assert_int_equal(stage_link_at(s, KEY, JOB_STATUS_SUCCESS), JOB_STATUS_SUCCESS);
    stage_link_free(s, KEY); /* was none */
}

static void a_link_that_is_held_already_stays_where_it_is(void **state)
{
    (void)state;
    stage_link_hold(s, KEY, JOB_STATUS_OTHER);
    stage_link_hold(s, KEY, JOB_STATUS_PROCESSING);
    assert_int_equal(stage_link_at(s, KEY, JOB_STATUS_SUCCESS), JOB_STATUS_OTHER);
}

static void many_links_are_held_apart(void **state)
{
    (void)state;
    for (uint64_t key = 1; key <= 2000; key++)
        stage_link_hold(s, key, key % 2 ? JOB_STATUS_INIT : JOB_STATUS_FAILED);
    for (uint64_t key = 1; key <= 2000; key += 3)
        stage_link_free(s, key);
    for (uint64_t key = 1; key <= 2000; key++) {
        enum job_status held = key % 2 ? JOB_STATUS_INIT : JOB_STATUS_FAILED;
        assert_int_equal(stage_link_at(s, key, JOB_STATUS_QUEUING),
                         key % 3 == 1 ? JOB_STATUS_QUEUING : held);
    }
}

/* ---- memory ---- */

static void without_memory_a_link_follows_its_status(void **state)
{
    (void)state;
    alloc_fail_at(1);
    stage_link_hold(s, KEY, JOB_STATUS_PROCESSING);
    assert_true(alloc_fail_fired());
    assert_int_equal(stage_link_at(s, KEY, JOB_STATUS_SUCCESS), JOB_STATUS_SUCCESS);
    stage_link_free(s, KEY);
}

static void without_memory_for_itself_it_says_so(void **state)
{
    (void)state;
    struct err err = {""};
    alloc_fail_at(1);
    assert_null(stage_new(&err));
    assert_true(alloc_fail_fired());
    assert_non_null(strstr(err.text, "memory"));
}

/* ---- threads ---- */

#define READERS 3
#define ROUNDS  3000

static atomic_bool done;

/* What a reader finds is a version of this job, whenever it looks. */
static void *read_all_the_time(void *arg)
{
    const uint16_t numbers[] = {status, message, media_url, code};
    for (unsigned i = 0; !atomic_load(&done); i++) {
        struct job *found = stage_find(s, KEY, numbers[i % 4]),
                   *beside = stage_beside(s, KEY, before);
        enum job_status at = stage_link_at(s, KEY, JOB_STATUS_SUCCESS);
        bool right = (!found || job_find_number(found, numbers[i % 4])) &&
                     (!beside || beside == after) &&
                     (at == JOB_STATUS_PROCESSING || at == JOB_STATUS_SUCCESS);
        job_unref(found);
        job_unref(beside);
        if (!right)
            return NULL;
    }
    return arg;
}

static void show_a_change(void)
{
    stage_begin(s, KEY, before, after);
    stage_link_hold(s, KEY, JOB_STATUS_PROCESSING);
    job_unref(stage_show(s, KEY, media_url));
    stage_link_free(s, KEY);
    stage_hide(s, KEY, message);
    stage_hide(s, KEY, code);
    stage_end(s);
}

static void readers_may_look_while_changes_are_shown(void **state)
{
    (void)state;
    pthread_t threads[READERS];
    int token = 0;
    atomic_store(&done, false);
    for (size_t i = 0; i < READERS; i++)
        assert_int_equal(thread_start(&threads[i], "reads", read_all_the_time, &token, NULL), 0);
    for (unsigned i = 0; i < ROUNDS; i++)
        show_a_change();
    atomic_store(&done, true);
    for (size_t i = 0; i < READERS; i++) {
        void *result = NULL;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_ptr_equal(result, &token);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_name_that_comes_is_there_once_it_was_shown),
        TEST(a_name_that_goes_is_there_until_it_was_hidden),
        TEST(a_name_comes_and_goes_once),
        TEST(what_both_versions_have_neither_comes_nor_goes),
        TEST(nothing_is_shown_of_another_job_or_at_another_time),
        TEST(the_next_change_starts_anew),
        TEST(a_listing_of_either_version_gets_the_other_beside_it),
        TEST(freed_in_the_middle_of_a_change_it_leaves_nothing),
        TEST(a_link_stands_where_it_is_held),
        TEST(a_link_that_is_held_already_stays_where_it_is),
        TEST(many_links_are_held_apart),
        TEST(without_memory_a_link_follows_its_status),
        TEST(without_memory_for_itself_it_says_so),
        TEST(readers_may_look_while_changes_are_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
