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

#define V     VIEW_STATUS
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
    stage_link_hold(s, KEY, V, NODE_INIT);
    stage_free(s); /* the leak check of the sanitizer counts the references */
    s = NULL;
    stage_free(s);
}

/* ---- links ---- */

static void a_link_stands_where_it_is_held(void **state)
{
    (void)state;
    assert_int_equal(stage_link_at(s, KEY, V, NODE_SUCCESS), NODE_SUCCESS);
    stage_link_hold(s, KEY, V, NODE_PROCESSING);
    assert_int_equal(stage_link_at(s, KEY, V, NODE_SUCCESS), NODE_PROCESSING);
    assert_int_equal(stage_link_at(s, OTHER, V, NODE_SUCCESS), NODE_SUCCESS);
    stage_link_free(s, KEY, V);
    assert_int_equal(stage_link_at(s, KEY, V, NODE_SUCCESS), NODE_SUCCESS);
    stage_link_free(s, KEY, V); /* was none */
}

static void a_link_that_is_held_already_stays_where_it_is(void **state)
{
    (void)state;
    stage_link_hold(s, KEY, V, NODE_NONE);
    stage_link_hold(s, KEY, V, NODE_PROCESSING);
    assert_int_equal(stage_link_at(s, KEY, V, NODE_SUCCESS), NODE_NONE);
}

static void the_views_of_a_job_are_held_apart(void **state)
{
    (void)state;
    stage_link_hold(s, KEY, VIEW_STATUS, NODE_INIT);
    stage_link_hold(s, KEY, VIEW_DATE, 300);
    assert_int_equal(stage_link_at(s, KEY, VIEW_PROJECT, 7), 7);
    stage_link_free(s, KEY, VIEW_STATUS);
    assert_int_equal(stage_link_at(s, KEY, VIEW_STATUS, NODE_FAILED), NODE_FAILED);
    assert_int_equal(stage_link_at(s, KEY, VIEW_DATE, 301), 300);
    stage_link_free(s, KEY, VIEW_DATE);
    assert_int_equal(stage_link_at(s, KEY, VIEW_DATE, 301), 301);
}

static void a_link_moves_from_where_it_is_to_where_it_may_go_and_nowhere_else(void **state)
{
    (void)state;
    stage_link_hold(s, KEY, V, NODE_INIT);
    assert_false(stage_link_move(s, KEY, V, NODE_INIT, NODE_SUCCESS)); /* not planned */
    stage_link_plan(s, KEY, V, NODE_SUCCESS);
    assert_false(stage_link_move(s, KEY, V, NODE_FAILED, NODE_SUCCESS));
    assert_false(stage_link_move(s, KEY, V, NODE_INIT, NODE_FAILED));
    assert_false(stage_link_move(s, KEY, VIEW_DATE, NODE_INIT, NODE_SUCCESS));
    assert_false(stage_link_move(s, OTHER, V, NODE_INIT, NODE_SUCCESS));
    assert_int_equal(stage_link_at(s, KEY, V, NODE_FAILED), NODE_INIT);
    assert_true(stage_link_move(s, KEY, V, NODE_INIT, NODE_SUCCESS));
    assert_int_equal(stage_link_at(s, KEY, V, NODE_FAILED), NODE_SUCCESS);
    assert_false(stage_link_move(s, KEY, V, NODE_INIT, NODE_SUCCESS)); /* it is there */
    stage_link_plan(s, KEY, V, NODE_NONE);
    assert_true(stage_link_move(s, KEY, V, NODE_SUCCESS, NODE_NONE));
    assert_int_equal(stage_link_at(s, KEY, V, NODE_FAILED), NODE_NONE);
}

static void a_link_that_is_not_held_does_not_move(void **state)
{
    (void)state;
    stage_link_plan(s, KEY, V, NODE_SUCCESS);
    assert_false(stage_link_move(s, KEY, V, NODE_NONE, NODE_SUCCESS));
    assert_int_equal(stage_link_at(s, KEY, V, NODE_INIT), NODE_INIT);
}

static void many_links_are_held_apart_and_found_by_their_group(void **state)
{
    (void)state;
    uint64_t *keys = NULL;
    size_t n = 0;
    for (uint64_t key = 1; key <= 2000; key++)
        stage_link_hold(s, key, V, key % 2 ? NODE_INIT : NODE_FAILED);
    for (uint64_t key = 1; key <= 2000; key += 3)
        stage_link_free(s, key, V);
    for (uint64_t key = 1; key <= 2000; key++) {
        uint64_t held = key % 2 ? NODE_INIT : NODE_FAILED;
        assert_int_equal(stage_link_at(s, key, V, NODE_QUEUING),
                         key % 3 == 1 ? (uint64_t)NODE_QUEUING : held);
    }
    assert_int_equal(stage_links_in(s, V, NODE_INIT, &keys, &n), 0);
    assert_int_equal(n, 666);
    for (size_t i = 0; i < n; i++)
        assert_true(keys[i] % 2 == 1 && keys[i] % 3 != 1);
    free(keys);
    assert_int_equal(stage_links_in(s, VIEW_DATE, NODE_INIT, &keys, &n), 0);
    assert_int_equal(n, 0);
    free(keys);
}

/* ---- memory ---- */

static void without_memory_a_link_follows_its_status(void **state)
{
    (void)state;
    alloc_fail_at(1);
    stage_link_hold(s, KEY, V, NODE_PROCESSING);
    assert_true(alloc_fail_fired());
    assert_int_equal(stage_link_at(s, KEY, V, NODE_SUCCESS), NODE_SUCCESS);
    assert_false(stage_link_move(s, KEY, V, NODE_PROCESSING, NODE_SUCCESS));
    stage_link_free(s, KEY, V);
}

static void without_memory_the_links_of_a_group_are_not_found(void **state)
{
    (void)state;
    uint64_t *keys = NULL;
    size_t n;
    alloc_fail_at(1);
    assert_int_equal(stage_links_in(s, V, NODE_INIT, &keys, &n), -1);
    assert_true(alloc_fail_fired());
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
        uint64_t at = stage_link_at(s, KEY, V, NODE_SUCCESS);
        bool right = (!found || job_find_number(found, numbers[i % 4])) &&
                     (!beside || beside == after) && (at == NODE_PROCESSING || at == NODE_SUCCESS);
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
    stage_link_hold(s, KEY, V, NODE_PROCESSING);
    job_unref(stage_show(s, KEY, media_url));
    stage_link_plan(s, KEY, V, NODE_SUCCESS);
    stage_link_move(s, KEY, V, NODE_PROCESSING, NODE_SUCCESS);
    stage_link_free(s, KEY, V);
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
        TEST(the_views_of_a_job_are_held_apart),
        TEST(a_link_moves_from_where_it_is_to_where_it_may_go_and_nowhere_else),
        TEST(a_link_that_is_not_held_does_not_move),
        TEST(many_links_are_held_apart_and_found_by_their_group),
        TEST(without_memory_the_links_of_a_group_are_not_found),
        TEST(without_memory_a_link_follows_its_status),
        TEST(without_memory_for_itself_it_says_so),
        TEST(readers_may_look_while_changes_are_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
