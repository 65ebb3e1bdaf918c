/* What is to be shown: changes first, and those that come or go get their turn. */
#include "fs/notes.h"
#include "support/alloc_fail.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct notes n;

static int set_up(void **state)
{
    (void)state;
    n = (struct notes){0};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    notes_free(&n);
    return 0;
}

static void add(enum cache_event event, uint64_t key)
{
    assert_true(notes_add(&n, event, key, "job-00001"));
}

/* The key of the next one; 0: none. */
static uint64_t next(void)
{
    struct note *note = notes_take(&n);
    uint64_t key = note ? note->key : 0;
    free(note);
    return key;
}

static void notes_come_in_order_of_arrival_and_once(void **state)
{
    (void)state;
    assert_true(notes_empty(&n));
    add(CACHE_CREATED, 3);
    add(CACHE_STAGED, 1);
    add(CACHE_STAGED, 3);
    assert_false(notes_empty(&n));
    assert_int_equal(next(), 3);
    assert_int_equal(next(), 1);
    assert_int_equal(next(), 0);
    assert_true(notes_empty(&n));
}

static void what_happens_to_a_job_meanwhile_falls_into_its_note(void **state)
{
    (void)state;
    add(CACHE_NOTHING, 1);
    add(CACHE_CREATED, 1);
    add(CACHE_STAGED, 1);
    add(CACHE_CHANGED, 1);
    assert_true(notes_settle(&n, 1));
    struct note *note = notes_take(&n);
    assert_true(note->created && note->staged && note->settle && note->changed);
    assert_false(note->nothing || note->unborn || note->leaving);
    assert_string_equal(note->id, "job-00001");
    free(note);
    assert_true(notes_settle(&n, 2));
    add(CACHE_STAGED, 2);
    note = notes_take(&n);
    assert_string_equal(note->id, "job-00001");
    free(note);
}

static void a_change_comes_before_thousands_that_were_discovered(void **state)
{
    (void)state;
    for (uint64_t key = 1; key <= 5000; key++)
        add(CACHE_UNBORN, key);
    assert_int_equal(next(), 1);
    add(CACHE_STAGED, 9001);
    add(CACHE_LEAVING, 9002);
    assert_int_equal(next(), 9001);
    assert_int_equal(next(), 2);
}

static void those_that_were_discovered_get_their_turn_among_changes_without_end(void **state)
{
    (void)state;
    unsigned born = 0;
    for (uint64_t key = 1; key <= 10; key++)
        add(CACHE_UNBORN, key);
    for (unsigned i = 0; i < 200; i++) {
        add(CACHE_STAGED, 1000 + i);
        add(CACHE_STAGED, 2000 + i);
        born += next() <= 10;
    }
    assert_int_equal(born, 10);
}

static void a_discovered_job_that_is_named_comes_up_with_the_changes(void **state)
{
    (void)state;
    for (uint64_t key = 1; key <= 10; key++)
        add(CACHE_UNBORN, key);
    add(CACHE_STAGED, 11);
    add(CACHE_CREATED, 7);
    assert_int_equal(next(), 11);
    struct note *note = notes_take(&n);
    assert_int_equal(note->key, 7);
    assert_true(note->unborn && note->created);
    free(note);
    assert_int_equal(next(), 1);
}

static void without_memory_there_is_no_note(void **state)
{
    (void)state;
    alloc_fail_at(1);
    assert_false(notes_add(&n, CACHE_STAGED, 1, "job-00001"));
    assert_true(alloc_fail_fired());
    assert_true(notes_empty(&n));
    alloc_fail_at(1);
    assert_false(notes_settle(&n, 1));
    assert_true(alloc_fail_fired());
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(notes_come_in_order_of_arrival_and_once),
        TEST(what_happens_to_a_job_meanwhile_falls_into_its_note),
        TEST(a_change_comes_before_thousands_that_were_discovered),
        TEST(those_that_were_discovered_get_their_turn_among_changes_without_end),
        TEST(a_discovered_job_that_is_named_comes_up_with_the_changes),
        TEST(without_memory_there_is_no_note),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
