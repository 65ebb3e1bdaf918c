/* A job's link of a view is in one group, the one where it stands. */
#include "base/log.h"
#include "fs/fs_private.h"
#include "fs/groups.h"
#include "fs/stage.h"
#include "fs/view.h"
#include "support/alloc_fail.h"
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
    cache_group_by(bench.c, view_label);
    fs = (struct fs){.config.cache = bench.c, .stage = stage_new(NULL), .groups = groups_new(NULL)};
    return fs.stage && fs.groups ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    stage_free(fs.stage);
    groups_free(fs.groups);
    bench_close(&bench);
    return 0;
}

static bool found_in(uint64_t group, const char *id)
{
    uint64_t key = 0;
    struct job_facts *facts = view_find(&fs, group, id, &key);
    bool found = facts != NULL;
    if (found) {
        assert_string_equal(facts->id, id);
        assert_true(view_has(&fs, group, key, facts));
    }
    job_facts_unref(facts);
    return found;
}

/* How many links the listing of a group has. */
static size_t listed_in(uint64_t group)
{
    struct cache_row *rows = NULL;
    size_t n = 0, there = 0;
    assert_int_equal(view_list(&fs, group, &rows, &n), 0);
    for (size_t i = 0; i < n; i++)
        there += view_has(&fs, group, rows[i].key, rows[i].facts);
    cache_list_free(rows, n);
    return there;
}

static void assert_stands_only_in(enum job_status status, const char *id)
{
    for (enum job_status s = JOB_STATUS_INIT; s <= JOB_STATUS_FAILED; s++) {
        assert_int_equal(found_in(node_of_status(s), id), s == status);
        assert_int_equal(listed_in(node_of_status(s)), s == status);
    }
}

/* A job of a project and a day. */
static uint64_t known_of(const char *id, const char *project, const char *day)
{
    char body[512];
    uint64_t key = key_of_name(&bench, id, NOW);
    take_all(&bench, NULL);
    int len = snprintf(body, sizeof body,
                       "{\"RequestId\":\"R-1\",\"MediaProducingJob\":{\"JobId\":\"%s\","
                       "\"Status\":\"Success\",\"ProjectId\":\"%s\","
                       "\"CreateTime\":\"%sT23:59:59Z\"}}",
                       id, project, day);
    struct job *job = job_from_get(id, body, (size_t)len, NULL, 1, NULL);
    assert_non_null(job);
    cache_put_job(bench.c, key, job, NOW, 1);
    job_unref(job);
    return key;
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
}

static void a_link_that_is_held_stands_there_whatever_the_status_becomes(void **state)
{
    (void)state;
    uint64_t key = known(&bench, ID, "Processing", NOW);
    stage_link_hold(fs.stage, key, VIEW_STATUS, NODE_PROCESSING);
    put_job(&bench, key, "Success", 100, NOW);
    struct job *newest = cache_newest(bench.c, key);
    cache_publish(bench.c, key, newest, NOW);
    job_unref(newest);
    assert_stands_only_in(JOB_STATUS_PROCESSING, ID);
    stage_link_free(fs.stage, key, VIEW_STATUS);
    assert_stands_only_in(JOB_STATUS_SUCCESS, ID);
}

static void a_link_that_is_held_nowhere_is_nowhere(void **state)
{
    (void)state;
    uint64_t key = known(&bench, ID, "Init", NOW);
    stage_link_hold(fs.stage, key, VIEW_STATUS, NODE_NONE);
    assert_stands_only_in(JOB_STATUS_OTHER, ID);
}

static void a_job_is_found_by_its_project_and_the_day_of_its_creation(void **state)
{
    (void)state;
    uint64_t key = known_of(ID, "project-1", "2026-03-01");
    uint64_t project = node_of_project("project-1"), day = node_date_named("2026-03-01");
    assert_true(found_in(project, ID) && found_in(day, ID) && found_in(NODE_SUCCESS, ID));
    assert_false(found_in(node_of_project("project-2"), ID));
    assert_false(found_in(node_date_named("2026-03-02"), ID));
    assert_int_equal(listed_in(project), 1);
    assert_int_equal(listed_in(day), 1);
    stage_link_hold(fs.stage, key, VIEW_DATE, NODE_NONE);
    assert_false(found_in(day, ID));
    assert_true(found_in(project, ID));
}

static void a_job_without_project_and_day_is_in_by_status_alone(void **state)
{
    (void)state;
    known(&bench, ID, "Success", NOW);
    struct job_facts *facts = cache_find(bench.c, ID, &(uint64_t){0});
    assert_int_equal(view_label(facts, VIEW_PROJECT), NODE_NONE);
    assert_int_equal(view_label(facts, VIEW_DATE), NODE_NONE);
    assert_int_equal(view_label(facts, VIEW_STATUS), NODE_SUCCESS);
    job_facts_unref(facts);
}

static void of_two_projects_with_one_number_the_second_has_no_links(void **state)
{
    (void)state;
    uint64_t number = node_of_project("second");
    known_of(ID, "second", "2026-03-01");
    assert_true(found_in(number, ID));
    assert_true(groups_show(fs.groups, number, "first")); /* as if the hashes were the same */
    assert_false(found_in(number, ID));
    assert_int_equal(listed_in(number), 0);
    assert_true(found_in(NODE_SUCCESS, ID));
}

static void a_group_is_listed_when_memory_suffices_and_refused_when_not(void **state)
{
    (void)state;
    uint64_t key = known(&bench, ID, "Success", NOW);
    stage_link_hold(fs.stage, key, VIEW_STATUS, NODE_FAILED);
    for (unsigned i = 1;; i++) {
        struct cache_row *rows = NULL;
        size_t n = 0;
        alloc_fail_at(i);
        int rc = view_list(&fs, NODE_FAILED, &rows, &n);
        bool fired = alloc_fail_fired();
        assert_int_equal(rc, fired ? -1 : 0);
        assert_int_equal(n, fired ? 0 : 1);
        cache_list_free(rows, n);
        if (!fired)
            return;
    }
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
    assert_int_equal(listed_in(NODE_SUCCESS), 10);
    assert_int_equal(listed_in(NODE_FAILED), 10);
    assert_int_equal(listed_in(NODE_QUEUING), 0);
}

static void a_links_attributes_are_those_of_a_symbolic_link_to_its_job(void **state)
{
    (void)state;
    uint64_t key = known(&bench, ID, "Success", NOW);
    struct job_facts *facts = cache_facts(bench.c, key);
    for (unsigned view = 0; view < VIEWS; view++) {
        struct stat st;
        attr_facts(&fs, node_make(key, views[view].link), facts, &st);
        assert_true(S_ISLNK(st.st_mode));
        assert_int_equal(st.st_size, strlen("../../jobs/" ID));
        assert_true(st.st_ino == node_make(key, views[view].link));
    }
    job_facts_unref(facts);
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
        TEST(a_job_is_found_by_its_project_and_the_day_of_its_creation),
        TEST(a_job_without_project_and_day_is_in_by_status_alone),
        TEST(of_two_projects_with_one_number_the_second_has_no_links),
        TEST(a_group_is_listed_when_memory_suffices_and_refused_when_not),
        TEST(a_directory_lists_all_of_its_jobs_and_no_others),
        TEST(a_links_attributes_are_those_of_a_symbolic_link_to_its_job),
    };
    log_set_level(LOG_LEVEL_ERROR); /* a collision is warned of */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
