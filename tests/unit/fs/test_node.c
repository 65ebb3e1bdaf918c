/* Inode numbers are derived from names: the same after a remount, apart from one another. */
#include "fs/node.h"
#include "job/name.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void a_node_of_a_job_gives_back_its_key_and_number(void **state)
{
    (void)state;
    static const uint64_t keys[] = {1, 0xabcdef012345, 0xffffffffffff};
    static const uint16_t numbers[] = {0, 1, 16, 65535}; /* not that of projects */
    for (size_t k = 0; k < 3; k++) {
        for (size_t n = 0; n < 4; n++) {
            uint64_t ino = node_make(keys[k], numbers[n]);
            assert_true(node_is_job(ino));
            assert_true(node_key(ino) == keys[k]);
            assert_int_equal(node_number(ino), numbers[n]);
        }
    }
}

static void fixed_nodes_are_never_taken_for_those_of_jobs(void **state)
{
    (void)state;
    for (uint64_t ino = NODE_ROOT; ino < NODE_FIXED_END; ino++) {
        assert_false(node_is_job(ino));
        if (ino != NODE_STATUS) /* the place of the status that has no directory */
            assert_non_null(fixed_get(ino));
    }
    assert_null(fixed_get(NODE_FIXED_END));
    assert_null(fixed_get(NODE_NONE));
}

static void every_fixed_node_is_found_by_name_and_listed_once_in_its_parent(void **state)
{
    (void)state;
    for (uint64_t ino = NODE_ROOT + 1; ino < NODE_FIXED_END; ino++) {
        const struct fixed_entry *node = fixed_get(ino);
        if (ino == NODE_STATUS)
            continue;
        assert_ptr_equal(fixed_find(node->parent, node->name), node);
        assert_true(fixed_get(node->parent)->is_dir);
        unsigned listed = 0;
        for (size_t i = 0; fixed_child(node->parent, i); i++)
            listed += fixed_child(node->parent, i) == node;
        assert_int_equal(listed, node->hidden ? 0 : 1);
    }
    assert_null(fixed_find(NODE_ROOT, "no-such-name"));
    assert_null(fixed_find(NODE_JOBS, "metrics"));
}

static void a_field_has_a_number_above_those_kept_for_links(void **state)
{
    (void)state;
    assert_true(job_name_number("status") >= 16);
}

static void each_documented_status_has_a_directory_of_its_name(void **state)
{
    (void)state;
    for (int s = JOB_STATUS_INIT; s <= JOB_STATUS_FAILED; s++) {
        const struct fixed_entry *node = fixed_get(node_of_status((enum job_status)s));
        assert_int_equal(node->parent, NODE_BY_STATUS);
        assert_string_equal(node->name, job_status_name((enum job_status)s));
        assert_int_equal(status_of_node(node->node), s);
    }
    assert_int_equal(node_of_status(JOB_STATUS_OTHER), NODE_NONE);
    assert_int_equal(status_of_node(NODE_JOBS), JOB_STATUS_OTHER);
}

static void a_jobs_links_and_fields_are_told_apart(void **state)
{
    (void)state;
    assert_true(node_is_job_dir(node_make(7, 0)));
    assert_false(node_is_job_dir(node_make(7, 16)));
    assert_false(node_is_link(node_make(7, 0)));
    assert_false(node_is_link(node_make(7, 16)));
    for (uint16_t i = 1; i <= NODE_LINKS; i++)
        assert_true(node_is_link(node_make(7, i)));
    assert_false(node_is_link(1));
    assert_false(node_is_job_dir(1));
}

/* ---- groups ---- */

static void a_project_has_a_directory_of_its_own_that_is_no_jobs(void **state)
{
    (void)state;
    uint64_t one = node_of_project("0123456789abcdef0123456789abcdef"),
             two = node_of_project("\xe6\x98\xa5\xe5\xa4\xa9 2026");
    assert_true(node_is_project(one) && node_is_project(two));
    assert_true(one != two);
    assert_true(one == node_of_project("0123456789abcdef0123456789abcdef"));
    assert_false(node_is_job(one) || node_is_date(one));
    assert_false(node_is_project(node_make(7, 0)) || node_is_project(NODE_PROJECT));
}

static void a_project_id_that_cannot_be_a_name_has_no_directory(void **state)
{
    (void)state;
    char longest[257];
    memset(longest, 'p', sizeof longest);
    longest[256] = '\0';
    static const char *const none[] = {"", ".", "..", "a/b", "/", "a\nb", "\x01", "a\x7f"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_int_equal(node_of_project(none[i]), NODE_NONE);
    assert_int_equal(node_of_project(longest), NODE_NONE);
    longest[255] = '\0';
    assert_true(node_is_project(node_of_project(longest)));
    assert_true(node_is_project(node_of_project("...")));
}

static void a_day_has_a_directory_named_after_it_and_back(void **state)
{
    (void)state;
    static const struct {
        int64_t unix_s;
        const char *name;
    } days[] = {{0, "1970-01-01"},          {86399, "1970-01-01"},      {86400, "1970-01-02"},
                {1608730420, "2020-12-23"}, {1709164800, "2024-02-29"}, {5616604799, "2147-12-25"}};
    for (size_t i = 0; i < sizeof days / sizeof *days; i++) {
        char name[NODE_DATE_LEN];
        uint64_t ino = node_of_date(days[i].unix_s);
        assert_true(node_is_date(ino));
        assert_false(node_is_job(ino) || node_is_project(ino));
        assert_null(fixed_get(ino));
        node_date_name(ino, name);
        assert_string_equal(name, days[i].name);
        assert_true(node_date_named(name) == ino);
    }
}

static void days_have_the_numbers_up_to_the_first_of_a_job_and_none_beyond(void **state)
{
    (void)state;
    int64_t last = 65535 - NODE_DATE_BASE;
    assert_true(node_of_date(last * 86400 + 86399) == 65535);
    assert_int_equal(node_of_date((last + 1) * 86400), NODE_NONE);
    assert_int_equal(node_of_date(-1), NODE_NONE);
    assert_int_equal(node_of_date(INT64_MIN), NODE_NONE);
    assert_int_equal(node_of_date(INT64_MAX), NODE_NONE);
    assert_false(node_is_date(65536) || node_is_date(NODE_DATE_BASE - 1));
}

static void what_is_no_day_is_no_name_of_one(void **state)
{
    (void)state;
    static const char *const none[] = {"",           "2026-3-1",    "2026-02-30", "2026-13-01",
                                       "2026-03-1x", "2026-03-010", "1969-12-31", "2500-01-01",
                                       "2026/03/01", "+026-03-01"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_int_equal(node_date_named(none[i]), NODE_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_of_a_job_gives_back_its_key_and_number),
        cmocka_unit_test(fixed_nodes_are_never_taken_for_those_of_jobs),
        cmocka_unit_test(every_fixed_node_is_found_by_name_and_listed_once_in_its_parent),
        cmocka_unit_test(each_documented_status_has_a_directory_of_its_name),
        cmocka_unit_test(a_jobs_links_and_fields_are_told_apart),
        cmocka_unit_test(a_project_has_a_directory_of_its_own_that_is_no_jobs),
        cmocka_unit_test(a_project_id_that_cannot_be_a_name_has_no_directory),
        cmocka_unit_test(a_day_has_a_directory_named_after_it_and_back),
        cmocka_unit_test(days_have_the_numbers_up_to_the_first_of_a_job_and_none_beyond),
        cmocka_unit_test(what_is_no_day_is_no_name_of_one),
        cmocka_unit_test(a_field_has_a_number_above_those_kept_for_links),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
