/* by-status/: a job's link is in one directory, the one where it stands. */
#include "fs/fs_private.h"
#include "fs/stage.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cache/fixture.h"

#define NOW 1000

static struct bench bench;
static struct fs fs;

static int set_up(void **state)
{
    (void)state;
    bench_open(&bench);
    cache_stage_changes(bench.c, true);
    fs = (struct fs){.config.cache = bench.c, .stage = stage_new(NULL)};
    return fs.stage ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    stage_free(fs.stage);
    bench_close(&bench);
    return 0;
}

static bool found_in(enum job_status status, const char *id)
{
    uint64_t key = 0;
    struct job *job = view_find(&fs, node_of_status(status), id, &key);
    bool found = job != NULL;
    if (found) {
        assert_string_equal(job_id(job), id);
        assert_true(view_has(&fs, node_of_status(status), key));
    }
    job_unref(job);
    return found;
}

/* How many links the listing of a directory has. */
static size_t listed_in(enum job_status status)
{
    struct cache_row *rows = NULL;
    size_t n = 0;
    assert_int_equal(cache_list(bench.c, &rows, &n), 0);
    view_filter(&fs, node_of_status(status), rows, &n);
    cache_list_free(rows, n);
    return n;
}

static void assert_stands_only_in(enum job_status status, const char *id)
{
    for (enum job_status s = JOB_STATUS_INIT; s <= JOB_STATUS_FAILED; s++) {
        assert_int_equal(found_in(s, id), s == status);
        assert_int_equal(listed_in(s), s == status);
    }
}

static void a_job_is_found_where_its_status_puts_it(void **state)
{
    (void)state;
    known(&bench, ID, "Processing", NOW);
    assert_stands_only_in(JOB_STATUS_PROCESSING, ID);
}

static void a_job_of_another_status_is_nowhere(void **state)
{
    (void)state;
    known(&bench, ID, "Pausing", NOW);
    assert_stands_only_in(JOB_STATUS_OTHER, ID);
}

static void a_job_that_is_not_known_is_nowhere(void **state)
{
    (void)state;
    key_of_name(&bench, ID, NOW); /* named, and not yet answered */
    assert_stands_only_in(JOB_STATUS_OTHER, ID);
    assert_false(view_has(&fs, NODE_SUCCESS, 1));
}

static void a_link_that_is_held_stands_there_whatever_the_status_becomes(void **state)
{
    (void)state;
    uint64_t key = known(&bench, ID, "Processing", NOW);
    stage_link_hold(fs.stage, key, JOB_STATUS_PROCESSING);
    put_job(&bench, key, "Success", 100, NOW);
    struct job *newest = cache_newest(bench.c, key);
    cache_publish(bench.c, key, newest, NOW);
    job_unref(newest);
    assert_stands_only_in(JOB_STATUS_PROCESSING, ID);
    stage_link_free(fs.stage, key);
    assert_stands_only_in(JOB_STATUS_SUCCESS, ID);
}

static void a_link_that_is_held_nowhere_is_nowhere(void **state)
{
    (void)state;
    uint64_t key = known(&bench, ID, "Init", NOW);
    stage_link_hold(fs.stage, key, JOB_STATUS_OTHER);
    assert_stands_only_in(JOB_STATUS_OTHER, ID);
}

static void a_directory_lists_all_of_its_jobs_and_no_others(void **state)
{
    (void)state;
    static const char *const statuses[] = {"Init", "Success", "Failed"};
    for (int i = 0; i < 30; i++) {
        char id[JOB_ID_MAX + 1];
        snprintf(id, sizeof id, "%032x", i);
        known(&bench, id, statuses[i % 3], NOW);
    }
    assert_int_equal(listed_in(JOB_STATUS_SUCCESS), 10);
    assert_int_equal(listed_in(JOB_STATUS_FAILED), 10);
    assert_int_equal(listed_in(JOB_STATUS_QUEUING), 0);
}

static void a_links_attributes_are_those_of_a_symbolic_link_to_its_job(void **state)
{
    (void)state;
    uint64_t key = known(&bench, ID, "Success", NOW);
    struct job *job = cache_current(bench.c, key);
    struct stat st;
    attr_link(&fs, key, job, &st);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(st.st_size, strlen("../../jobs/" ID));
    assert_true(st.st_ino == node_make(key, NODE_LINK));
    job_unref(job);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_job_is_found_where_its_status_puts_it),
        TEST(a_job_of_another_status_is_nowhere),
        TEST(a_job_that_is_not_known_is_nowhere),
        TEST(a_link_that_is_held_stands_there_whatever_the_status_becomes),
        TEST(a_link_that_is_held_nowhere_is_nowhere),
        TEST(a_directory_lists_all_of_its_jobs_and_no_others),
        TEST(a_links_attributes_are_those_of_a_symbolic_link_to_its_job),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
