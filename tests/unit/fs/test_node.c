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
    static const uint16_t numbers[] = {0, 1, 16, 65535};
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_of_a_job_gives_back_its_key_and_number),
        cmocka_unit_test(fixed_nodes_are_never_taken_for_those_of_jobs),
        cmocka_unit_test(every_fixed_node_is_found_by_name_and_listed_once_in_its_parent),
        cmocka_unit_test(each_documented_status_has_a_directory_of_its_name),
        cmocka_unit_test(a_field_has_a_number_above_those_kept_for_links),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
