/* A full table of names, in a process of its own: it never empties again. */
#include "job/name.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "job/samples.h"

static void the_table_is_bounded_and_a_full_one_drops_only_new_keys(void **state)
{
    (void)state;
    char name[32];
    unsigned added = 0;
    job_unref(get(REPLY(",\"KnownBefore\":1")));
    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof name, "filler_%d", i);
        added += job_name_number(name) != 0;
    }
    /* the 20 documented names and known_before came first */
    assert_int_equal(added, 4096 - 21);
    assert_int_equal(job_name_number("one_more"), 0);
    assert_int_equal(job_name_find("one_more"), 0);
    assert_int_not_equal(job_name_number("filler_0"), 0);

    struct caught log = catch_log();
    struct job *j = get(REPLY(",\"OneMore\":\"x\",\"KnownBefore\":2,\"Status\":\"Init\""));
    assert_int_equal(caught_lines(&log, "OneMore"), 1);
    assert_file(j, "one_more", NULL);
    assert_file(j, "known_before", "2\n");
    assert_file(j, "status", "Init\n");
    job_unref(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_bounded_and_a_full_one_drops_only_new_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
