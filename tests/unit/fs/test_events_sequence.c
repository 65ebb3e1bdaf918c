/* Numbers of events never go back. */
#include "base/log.h"
#include "fs/events_sequence.h"
#include "support/alloc_fail.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define NOW_NS     (INT64_C(1608730420) * 1000000000)
#define NOW        (UINT64_C(1608730420) * 1000000)
#define NS_PER_DAY (INT64_C(86400) * 1000000000)

static char dir[64], file[128];

static int set_up(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/icejobfs-test-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(file, sizeof file, "%s/sequence", dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    remove(file);
    return remove(dir);
}

/* The first number of a run that begins at a time. */
static uint64_t first(int64_t now_ns)
{
    struct events_sequence s;
    assert_int_equal(events_sequence_init(&s, file, now_ns, NULL), 0);
    uint64_t number = events_sequence_next(&s);
    assert_true(events_sequence_next(&s) == number + 1);
    events_sequence_free(&s);
    return number;
}

static void write_file(const char *text)
{
    FILE *f = fopen(file, "we");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void numbers_begin_with_the_clock_and_have_no_gaps(void **state)
{
    (void)state;
    struct events_sequence s;
    assert_int_equal(events_sequence_init(&s, NULL, NOW_NS, NULL), 0);
    for (uint64_t i = 0; i < 100; i++)
        assert_true(events_sequence_next(&s) == NOW + i);
    events_sequence_free(&s);
}

static void a_clock_that_was_set_back_does_not_set_the_numbers_back(void **state)
{
    (void)state;
    uint64_t once = first(NOW_NS);
    uint64_t again = first(NOW_NS - NS_PER_DAY);
    uint64_t later = first(NOW_NS - 2 * NS_PER_DAY);
    assert_true(once == NOW);
    assert_true(again > once + 1);
    assert_true(later > again + 1);
}

static void a_run_past_what_it_reserved_reserves_more(void **state)
{
    (void)state;
    struct events_sequence s;
    assert_int_equal(events_sequence_init(&s, file, NOW_NS, NULL), 0);
    events_sequence_next(&s);
    s.next = s.reserved; /* a million numbers later */
    uint64_t last = events_sequence_next(&s);
    events_sequence_free(&s);
    assert_true(first(0) > last);
}

static void a_file_without_a_number_is_done_without(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "x\n", "-1\n", "99999999999999999999\n",
                                        "18014398509481984\n"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        write_file(texts[i]);
        assert_true(first(NOW_NS) == NOW);
    }
}

static void a_file_that_cannot_be_read_or_written_is_done_without(void **state)
{
    (void)state;
    struct events_sequence s;
    char name[5000];
    assert_int_equal(events_sequence_init(&s, dir, NOW_NS, NULL), 0); /* a directory */
    assert_null(s.file);
    assert_true(events_sequence_next(&s) == NOW);
    events_sequence_free(&s);

    snprintf(name, sizeof name, "%s/none/sequence", dir);
    assert_int_equal(events_sequence_init(&s, name, NOW_NS, NULL), 0);
    assert_non_null(s.file);
    assert_true(events_sequence_next(&s) == NOW);
    assert_null(s.file);
    events_sequence_free(&s);

    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(events_sequence_init(&s, name, NOW_NS, NULL), 0);
    assert_true(events_sequence_next(&s) == NOW);
    events_sequence_free(&s);
}

static void the_file_is_replaced_whole(void **state)
{
    (void)state;
    struct stat before, after;
    char text[64] = "";
    write_file("12\n");
    assert_int_equal(stat(file, &before), 0);
    first(NOW_NS);
    assert_int_equal(stat(file, &after), 0);
    assert_true(before.st_ino != after.st_ino);
    FILE *f = fopen(file, "re");
    assert_non_null(f);
    assert_non_null(fgets(text, sizeof text, f));
    fclose(f);
    assert_true(strtoull(text, NULL, 10) == NOW + EVENTS_SEQUENCE_AHEAD);
}

static void beginning_without_memory_is_an_error(void **state)
{
    (void)state;
    struct events_sequence s;
    struct err err = {""};
    alloc_fail_at(1);
    assert_int_equal(events_sequence_init(&s, file, NOW_NS, &err), -1);
    assert_true(alloc_fail_fired());
    assert_non_null(strstr(err.text, "no memory"));
    events_sequence_free(&s);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(numbers_begin_with_the_clock_and_have_no_gaps),
        CASE(a_clock_that_was_set_back_does_not_set_the_numbers_back),
        CASE(a_run_past_what_it_reserved_reserves_more),
        CASE(a_file_without_a_number_is_done_without),
        CASE(a_file_that_cannot_be_read_or_written_is_done_without),
        CASE(the_file_is_replaced_whole),
        CASE(beginning_without_memory_is_an_error),
    };
    log_set_level(LOG_LEVEL_ERROR); /* what is done without is warned of */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
