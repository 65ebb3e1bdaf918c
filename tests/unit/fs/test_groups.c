/* The directories of the views that are visible now. */
#include "base/log.h"
#include "fs/groups.h"
#include "support/alloc_fail.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cache/fixture.h"

#define DAY     node_date_named("2026-03-01")
#define PROJECT node_of_project("project-1")

static struct groups *g;

static int set_up(void **state)
{
    (void)state;
    g = groups_new(NULL);
    return g ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    groups_free(g);
    return 0;
}

static size_t listed(unsigned view)
{
    struct group_row *rows = NULL;
    size_t n = 0;
    assert_int_equal(groups_list(g, view, &rows, &n), 0);
    for (size_t i = 0; i < n; i++)
        assert_true(groups_find(g, view, rows[i].name) == rows[i].ino);
    free(rows);
    return n;
}

static void the_statuses_are_always_there(void **state)
{
    (void)state;
    assert_int_equal(listed(VIEW_STATUS), 5);
    assert_true(groups_find(g, VIEW_STATUS, "Success") == NODE_SUCCESS);
    assert_int_equal(groups_find(g, VIEW_STATUS, "Pausing"), NODE_NONE);
    for (uint64_t ino = NODE_INIT; ino <= NODE_FAILED; ino++) {
        assert_true(groups_has(g, ino));
        assert_false(groups_hide(g, ino));
    }
}

static void a_group_is_there_from_shown_to_hidden(void **state)
{
    (void)state;
    char name[NAME_MAX + 1];
    assert_int_equal(groups_find(g, VIEW_DATE, "2026-03-01"), NODE_NONE);
    assert_true(groups_show(g, DAY, "2026-03-01"));
    assert_true(groups_find(g, VIEW_DATE, "2026-03-01") == DAY);
    assert_int_equal(groups_find(g, VIEW_DATE, "2026-03-02"), NODE_NONE);
    assert_int_equal(groups_find(g, VIEW_PROJECT, "2026-03-01"), NODE_NONE);
    assert_true(groups_name(g, DAY, name));
    assert_string_equal(name, "2026-03-01");
    assert_int_equal(listed(VIEW_DATE), 1);
    assert_int_equal(listed(VIEW_PROJECT), 0);
    assert_true(groups_hide(g, DAY));
    assert_false(groups_hide(g, DAY));
    assert_false(groups_has(g, DAY) || groups_name(g, DAY, name));
    assert_int_equal(listed(VIEW_DATE), 0);
}

static void a_group_with_links_does_not_go(void **state)
{
    (void)state;
    groups_show(g, DAY, "2026-03-01");
    assert_int_equal(groups_count(g, DAY, 1), 1);
    assert_int_equal(groups_count(g, DAY, 1), 2);
    assert_false(groups_hide(g, DAY));
    assert_int_equal(groups_count(g, DAY, -1), 1);
    assert_false(groups_hide(g, DAY));
    assert_int_equal(groups_count(g, DAY, -1), 0);
    assert_int_equal(groups_count(g, DAY, -1), 0); /* no less than none */
    assert_true(groups_hide(g, DAY));
    assert_int_equal(groups_count(g, DAY, 1), 0); /* nobody's */
}

static void of_two_projects_with_one_number_the_first_has_it(void **state)
{
    (void)state;
    const struct job_facts first = {.id = ID, .project = "project-1"},
                           second = {.id = ID, .project = "project-1"};
    assert_true(groups_place(g, VIEW_PROJECT, &first) == PROJECT);
    assert_true(groups_show(g, PROJECT, "another")); /* as if their hashes were the same */
    assert_true(groups_show(g, PROJECT, "another"));
    assert_false(groups_show(g, PROJECT, "project-1"));
    assert_int_equal(groups_place(g, VIEW_PROJECT, &second), NODE_NONE);
    assert_int_equal(groups_find(g, VIEW_PROJECT, "project-1"), NODE_NONE);
    assert_true(groups_hide(g, PROJECT));
    assert_true(groups_place(g, VIEW_PROJECT, &second) == PROJECT);
}

static void a_job_belongs_in_a_group_of_each_view(void **state)
{
    (void)state;
    const struct job_facts facts = {.id = ID,
                                    .project = "project-1",
                                    .create_s = 1608730420,
                                    .status = JOB_STATUS_FAILED},
                           none = {.id = ID, .project = "", .create_s = JOB_NO_TIME};
    const uint64_t places[VIEWS] = {NODE_FAILED, PROJECT, node_date_named("2020-12-23")};
    const char *const names[VIEWS] = {"Failed", "project-1", "2020-12-23"};
    for (unsigned view = 0; view < VIEWS; view++) {
        char name[NAME_MAX + 1];
        assert_true(groups_place(g, view, &facts) == places[view]);
        assert_int_equal(view_of_group(places[view]), view);
        assert_int_equal(view_of_dir(views[view].dir), view);
        assert_int_equal(view_of_link(node_make(1, views[view].link)), view);
        view_group_name(view, &facts, name);
        assert_string_equal(name, names[view]);
        assert_true(views[view].named(name) == places[view]);
        assert_int_equal(groups_place(g, view, &none), NODE_NONE);
    }
    assert_int_equal(view_of_group(NODE_JOBS), VIEWS);
    assert_int_equal(view_of_group(node_make(1, 16)), VIEWS);
    assert_int_equal(view_of_dir(NODE_JOBS), VIEWS);
}

static void groups_of_known_jobs_are_there_from_the_start(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench);
    cache_group_by(bench.c, view_label);
    for (int i = 0; i < 3; i++) {
        char id[JOB_ID_MAX + 1];
        snprintf(id, sizeof id, "%032x", i);
        struct job_facts *facts =
            job_facts_new(&(struct job_facts){.id = id,
                                              .project = i ? "project-1" : "",
                                              .create_s = 1608730420 + i * 86400,
                                              .status = JOB_STATUS_SUCCESS});
        const struct cache_restored job = {.facts = facts};
        assert_int_equal(cache_restore(bench.c, &job), 0);
        job_facts_unref(facts);
    }
    assert_int_equal(groups_restore(g, bench.c, NULL), 0);
    assert_int_equal(listed(VIEW_DATE), 3);
    assert_int_equal(listed(VIEW_PROJECT), 1);
    assert_int_equal(groups_count(g, PROJECT, 0), 2);
    assert_int_equal(groups_count(g, node_date_named("2020-12-24"), 0), 1);
    bench_close(&bench);
}

static void without_memory_nothing_is_half_done(void **state)
{
    (void)state;
    for (unsigned n = 1;; n++) {
        struct err err = {""};
        alloc_fail_at(n);
        struct groups *made = groups_new(&err);
        bool fired = alloc_fail_fired();
        assert_int_equal(made == NULL, fired);
        groups_free(made);
        if (!fired)
            break;
        assert_non_null(strstr(err.text, "memory"));
    }
    alloc_fail_at(1);
    assert_false(groups_show(g, DAY, "2026-03-01"));
    assert_true(alloc_fail_fired());
    assert_false(groups_has(g, DAY));
    struct group_row *rows;
    size_t n;
    alloc_fail_at(1);
    assert_int_equal(groups_list(g, VIEW_DATE, &rows, &n), -1);
    assert_true(alloc_fail_fired());
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_statuses_are_always_there),
        TEST(a_group_is_there_from_shown_to_hidden),
        TEST(a_group_with_links_does_not_go),
        TEST(of_two_projects_with_one_number_the_first_has_it),
        TEST(a_job_belongs_in_a_group_of_each_view),
        TEST(groups_of_known_jobs_are_there_from_the_start),
        TEST(without_memory_nothing_is_half_done),
    };
    log_set_level(LOG_LEVEL_ERROR); /* a collision is warned of */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
