/* What the kernel holds: counted exactly, and never forgotten too early. */
#include "base/thread.h"
#include "fs/held.h"
#include "support/alloc_fail.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct held *h;

static int set_up(void **state)
{
    (void)state;
    h = held_new(NULL);
    return h ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    held_free(h);
    return 0;
}

/* Reproducible, and good enough to mix things up. */
static uint64_t next(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    return *seed >> 33;
}

static void an_inode_is_held_until_all_its_look_ups_are_forgotten(void **state)
{
    (void)state;
    assert_false(held_has(h, 7));
    held_add(h, 7);
    held_add(h, 7);
    held_add(h, 7);
    held_forget(h, 7, 2);
    assert_true(held_has(h, 7));
    assert_int_equal(held_count(h), 1);
    held_forget(h, 7, 1);
    assert_false(held_has(h, 7));
    assert_int_equal(held_count(h), 0);
}

static void only_the_first_open_since_it_is_held_fills_and_others_wait_for_it(void **state)
{
    (void)state;
    held_add(h, 7);
    held_add(h, 7);
    assert_int_equal(held_open(h, 7), HELD_FILL);
    assert_int_equal(held_open(h, 7), HELD_BUSY);
    held_add(h, 8);
    assert_int_equal(held_open(h, 8), HELD_FILL); /* another file */
    held_filled(h, 7, true);
    assert_int_equal(held_open(h, 7), HELD_OPEN);
    held_close(h, 7);
    held_close(h, 7);
    held_forget(h, 7, 1);
    assert_int_equal(held_open(h, 7), HELD_OPEN); /* its pages are there */
    held_close(h, 7);
    held_forget(h, 7, UINT64_MAX);
    held_add(h, 7);
    assert_int_equal(held_open(h, 7), HELD_FILL);
    assert_int_equal(held_count(h), 2);
}

static void who_finds_it_open_does_not_fill_and_leaves_it_to_the_next(void **state)
{
    (void)state;
    held_add(h, 7);
    assert_int_equal(held_open(h, 7), HELD_FILL);
    held_filled(h, 7, false); /* there was nothing to give */
    assert_int_equal(held_open(h, 7), HELD_OPEN);
    held_close(h, 7);
    assert_int_equal(held_open(h, 7), HELD_OPEN); /* the first one is open */
    held_close(h, 7);
    held_close(h, 7);
    held_close(h, 7); /* nobody's */
    assert_int_equal(held_open(h, 7), HELD_FILL);
}

static void an_open_file_of_the_unknown_is_not_filled(void **state)
{
    (void)state;
    assert_int_equal(held_open(h, 7), HELD_OPEN);
    held_add(h, 8);
    assert_int_equal(held_open(h, 7), HELD_OPEN);
    held_filled(h, 7, true);
    held_close(h, 7);
    assert_int_equal(held_count(h), 1);
}

static void more_open_files_than_can_be_counted_are_never_filled(void **state)
{
    (void)state;
    held_add(h, 7);
    assert_int_equal(held_open(h, 7), HELD_FILL);
    held_filled(h, 7, false);
    for (unsigned i = 0; i < 1U << 19; i++)
        assert_int_equal(held_open(h, 7), HELD_OPEN);
    for (unsigned i = 0; i < 1U << 19; i++)
        held_close(h, 7);
    assert_int_equal(held_open(h, 7), HELD_OPEN);
    held_forget(h, 7, 1);
    assert_false(held_has(h, 7));
}

static void a_forget_of_the_unknown_changes_nothing(void **state)
{
    (void)state;
    held_forget(h, 7, 1); /* nothing at all is known yet */
    held_add(h, 8);
    held_forget(h, 7, UINT64_MAX);
    assert_true(held_has(h, 8));
    assert_int_equal(held_count(h), 1);
}

static void a_forget_of_more_than_there_is_forgets_all_and_no_more(void **state)
{
    (void)state;
    held_add(h, 7);
    held_forget(h, 7, UINT64_MAX);
    assert_false(held_has(h, 7));
    held_add(h, 7);
    assert_true(held_has(h, 7));
}

#define MANY 50000

/* As inode numbers are made: high bits of the job, low bits of the field. */
static uint64_t ino_of(uint64_t i)
{
    return (i / 20 + 1) * UINT64_C(0x9e3779b97f4a) % (UINT64_C(1) << 48) << 16 | (i % 20 + 16);
}

static void many_are_held_apart(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < MANY; i++)
        held_add(h, ino_of(i));
    assert_int_equal(held_count(h), MANY);
    for (uint64_t i = 0; i < MANY; i += 3)
        held_forget(h, ino_of(i), 1);
    for (uint64_t i = 0; i < MANY; i++)
        if (held_has(h, ino_of(i)) != (i % 3 != 0))
            fail_msg("number %u", (unsigned)i);
    for (uint64_t i = 0; i < MANY; i++)
        held_forget(h, ino_of(i), 1);
    assert_int_equal(held_count(h), 0);
}

#define NAMES 300

/* Whatever comes and goes, it says what a plain table of counts says. */
static void it_counts_as_a_plain_table_does(void **state)
{
    (void)state;
    uint64_t counts[NAMES] = {0}, seed = 1;
    for (unsigned step = 0; step < 200000; step++) {
        uint64_t i = next(&seed) % NAMES, n = next(&seed) % 3;
        if (next(&seed) % 2) {
            held_add(h, ino_of(i));
            counts[i]++;
        } else {
            held_forget(h, ino_of(i), n);
            counts[i] -= n < counts[i] ? n : counts[i];
        }
        if (held_has(h, ino_of(i)) != (counts[i] > 0))
            fail_msg("step %u", step);
    }
    size_t n = 0;
    for (size_t i = 0; i < NAMES; i++)
        n += counts[i] > 0;
    assert_int_equal(held_count(h), n);
}

static void without_memory_everything_counts_as_held(void **state)
{
    (void)state;
    alloc_fail_at(1);
    held_add(h, 7);
    assert_true(alloc_fail_fired());
    assert_true(held_has(h, 7));
    assert_true(held_has(h, 8));
    held_forget(h, 7, 1);
    assert_true(held_has(h, 7));
}

static void without_memory_to_grow_what_is_held_stays(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 500; i++)
        held_add(h, ino_of(i));
    for (uint64_t i = 500; i < 2000; i++) {
        alloc_fail_at(1);
        held_add(h, ino_of(i));
        alloc_fail_fired();
    }
    for (uint64_t i = 0; i < 2000; i++)
        assert_true(held_has(h, ino_of(i)));
    assert_true(held_count(h) >= 500);
}

static void without_memory_for_itself_it_says_so(void **state)
{
    (void)state;
    struct err err = {""};
    alloc_fail_at(1);
    assert_null(held_new(&err));
    assert_true(alloc_fail_fired());
    assert_non_null(strstr(err.text, "memory"));
    held_free(NULL);
}

#define THREADS 4
#define ROUNDS  4000

/* Each adds and forgets inodes of its own and one that all share. */
static void *add_and_forget(void *arg)
{
    uint64_t mine = (uint64_t)(uintptr_t)arg * 1000;
    for (uint64_t i = 0; i < ROUNDS; i++) {
        held_add(h, ino_of(mine + i % 500));
        held_add(h, 5);
        if (!held_has(h, 5) || !held_has(h, ino_of(mine + i % 500)))
            return NULL;
        held_forget(h, 5, 1);
        if (i % 2)
            held_forget(h, ino_of(mine + i % 500), 1);
    }
    return arg;
}

static void threads_lose_no_count(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(thread_start(&threads[i], "adds", add_and_forget, (void *)(i + 1), NULL),
                         0);
    for (uintptr_t i = 0; i < THREADS; i++) {
        void *result = NULL;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_ptr_equal(result, (void *)(i + 1));
    }
    assert_false(held_has(h, 5));
    assert_int_equal(held_count(h), THREADS * 250); /* the even ones */
    for (uint64_t t = 1; t <= THREADS; t++)
        for (uint64_t i = 0; i < 500; i += 2)
            held_forget(h, ino_of(t * 1000 + i), ROUNDS / 500);
    assert_int_equal(held_count(h), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_inode_is_held_until_all_its_look_ups_are_forgotten),
        TEST(only_the_first_open_since_it_is_held_fills_and_others_wait_for_it),
        TEST(who_finds_it_open_does_not_fill_and_leaves_it_to_the_next),
        TEST(an_open_file_of_the_unknown_is_not_filled),
        TEST(more_open_files_than_can_be_counted_are_never_filled),
        TEST(a_forget_of_the_unknown_changes_nothing),
        TEST(a_forget_of_more_than_there_is_forgets_all_and_no_more),
        TEST(many_are_held_apart),
        TEST(it_counts_as_a_plain_table_does),
        TEST(without_memory_everything_counts_as_held),
        TEST(without_memory_to_grow_what_is_held_stays),
        TEST(without_memory_for_itself_it_says_so),
        TEST(threads_lose_no_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
