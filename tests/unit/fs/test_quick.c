/* What the listener answers itself, and what it calls another worker for. */
#include "fs/node.h"
#include "fs/quick.h"
#include <linux/fuse.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static bool quick(uint32_t opcode, uint64_t nodeid)
{
    struct fuse_in_header in = {.len = sizeof in, .opcode = opcode, .nodeid = nodeid};
    return request_is_quick(&in, sizeof in);
}

static void what_concerns_one_job_is_quick(void **state)
{
    (void)state;
    static const uint32_t ops[] = {FUSE_LOOKUP,  FUSE_GETATTR, FUSE_OPEN,     FUSE_READ,
                                   FUSE_RELEASE, FUSE_OPENDIR, FUSE_READDIR,  FUSE_READDIRPLUS,
                                   FUSE_ACCESS,  FUSE_STATFS,  FUSE_GETXATTR, FUSE_RELEASEDIR};
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
        assert_true(quick(ops[i], node_make(77, 20)));
}

static void the_steps_of_a_path_are_quick(void **state)
{
    (void)state;
    assert_true(quick(FUSE_LOOKUP, NODE_JOBS));
    assert_true(quick(FUSE_GETATTR, NODE_JOBS));
    assert_true(quick(FUSE_FORGET, NODE_ROOT));
    assert_true(quick(FUSE_BATCH_FORGET, 0));
    assert_true(quick(FUSE_INTERRUPT, 0));
}

static void what_is_made_of_all_jobs_may_take_long(void **state)
{
    (void)state;
    assert_false(quick(FUSE_READDIR, NODE_JOBS));
    assert_false(quick(FUSE_READDIRPLUS, NODE_JOBS));
    assert_false(quick(FUSE_OPEN, NODE_METRICS));
    assert_false(quick(FUSE_READ, NODE_EVENTS));
    assert_false(quick(FUSE_READDIR, NODE_SUCCESS));
    assert_false(quick(FUSE_LOOKUP, NODE_ROOT)); /* of a file whose size is that of what is made */
}

static void what_is_no_request_is_not_quick(void **state)
{
    (void)state;
    struct fuse_in_header in = {.opcode = FUSE_FORGET};
    assert_false(request_is_quick(&in, sizeof in - 1));
    assert_int_equal(request_asker(&in, sizeof in - 1), 0);
    assert_false(quick(9999, NODE_ROOT));
}

static void a_request_tells_who_asks(void **state)
{
    (void)state;
    struct fuse_in_header in = {.opcode = FUSE_OPEN, .pid = 4711};
    assert_int_equal(request_asker(&in, sizeof in), 4711);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_concerns_one_job_is_quick),
        cmocka_unit_test(the_steps_of_a_path_are_quick),
        cmocka_unit_test(what_is_made_of_all_jobs_may_take_long),
        cmocka_unit_test(a_request_tells_who_asks),
        cmocka_unit_test(what_is_no_request_is_not_quick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
