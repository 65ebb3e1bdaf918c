/* Buffers: a ceiling that holds, a NUL that is always there, and failures that change nothing. */
#include "base/buf.h"
#include "support/alloc_fail.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include <cmocka.h>

/* In the place of libc's: what was wiped last, and what it held. */
static struct {
    const void *at;
    size_t n;
    char held[16];
} wiped;

static void wipe(void *p, size_t n)
{
    wiped.at = p;
    wiped.n = n;
    memcpy(wiped.held, p, n < sizeof wiped.held ? n : sizeof wiped.held);
    memset(p, 0, n);
}

void explicit_bzero(void *p, size_t n)
{
    wipe(p, n);
}

/* What the same becomes with _FORTIFY_SOURCE. */
void __explicit_bzero_chk(void *p, size_t n, size_t size);
void __explicit_bzero_chk(void *p, size_t n, size_t size)
{
    assert_true(n <= size);
    wipe(p, n);
}

static void contents_are_appended_and_terminated(void **state)
{
    (void)state;
    CLEANUP_BUF struct buf b = BUF_INIT(100);
    assert_string_equal(buf_str(&b), "");
    assert_int_equal(buf_adds(&b, "one"), 0);
    assert_int_equal(buf_addc(&b, ' '), 0);
    assert_int_equal(buf_addf(&b, "%d%s", 2, "two"), 0);
    assert_int_equal(buf_add(&b, "\0x", 2), 0);
    assert_int_equal(buf_add(&b, NULL, 0), 0);
    assert_int_equal(b.len, 10);
    assert_memory_equal(b.data, "one 2two\0x", 11);
}

static void zeroed_memory_with_a_ceiling_is_an_empty_buffer(void **state)
{
    (void)state;
    struct buf b;
    memset(&b, 0, sizeof b);
    b.max = 3;
    assert_int_equal(buf_adds(&b, "abc"), 0);
    assert_string_equal(buf_str(&b), "abc");
    buf_free(&b);
}

static void the_ceiling_holds_and_leaves_the_buffer_as_it_was(void **state)
{
    (void)state;
    CLEANUP_BUF struct buf b = BUF_INIT(4);
    assert_int_equal(buf_adds(&b, "abcd"), 0);
    errno = 0;
    assert_int_equal(buf_addc(&b, 'e'), -1);
    assert_int_equal(errno, EFBIG);
    errno = 0;
    assert_int_equal(buf_addf(&b, "%s", "e"), -1);
    assert_int_equal(errno, EFBIG);
    assert_int_equal(buf_add(&b, "efghijk", SIZE_MAX), -1);
    assert_int_equal(buf_addf(&b, "%s", ""), 0);
    assert_string_equal(buf_str(&b), "abcd");
    assert_int_equal(b.len, 4);
}

static void text_is_formatted_whole_wherever_the_room_ends(void **state)
{
    (void)state;
    for (int n = 0; n < 200; n++) {
        CLEANUP_BUF struct buf b = BUF_INIT(200);
        char text[200 + 1];
        assert_int_equal(buf_adds(&b, "a"), 0);
        assert_int_equal(buf_addf(&b, "%*d", n, 7), 0);
        snprintf(text, sizeof text, "a%*d", n, 7);
        assert_string_equal(buf_str(&b), text);
        assert_int_equal(b.len, strlen(text));
        assert_int_equal(buf_addf(&b, "%*d", 200 - n + 1, 7), -1);
        assert_string_equal(buf_str(&b), text);
    }
}

static void what_cannot_be_held_or_formatted_is_refused(void **state)
{
    (void)state;
    CLEANUP_BUF struct buf b = BUF_INIT(SIZE_MAX);
    assert_int_equal(buf_adds(&b, "abc"), 0);
    errno = 0;
    assert_int_equal(buf_add(&b, "", SIZE_MAX - 3), -1);
    assert_int_equal(errno, EFBIG);
    assert_int_equal(buf_add(&b, "", (size_t)PTRDIFF_MAX), -1);
    errno = 0;
    /* vsnprintf fails, here over a wide character that has no bytes in this locale. */
    assert_int_equal(buf_addf(&b, "begun %ls", L"\xdc80"), -1);
    assert_int_equal(errno, EFBIG);
    assert_string_equal(buf_str(&b), "abc");
}

static void growth_keeps_every_byte(void **state)
{
    (void)state;
    struct buf kinds[] = {BUF_INIT(100000), BUF_SECRET_INIT(100000)};
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        for (unsigned i = 0; i < 100000; i++)
            assert_int_equal(buf_addc(&kinds[k], (char)(i * 7)), 0);
        assert_int_equal(kinds[k].len, 100000);
        for (unsigned i = 0; i < 100000; i++)
            if (kinds[k].data[i] != (char)(i * 7))
                fail_msg("byte %u", i);
        buf_free(&kinds[k]);
    }
}

static void room_that_was_made_is_used_and_the_ceiling_holds_for_it(void **state)
{
    (void)state;
    CLEANUP_BUF struct buf b = BUF_INIT(1000);
    assert_int_equal(buf_reserve(&b, 900), 0);
    assert_int_equal(b.len, 0);
    const char *at = b.data;
    for (int i = 0; i < 900; i++)
        assert_int_equal(buf_addc(&b, 'x'), 0);
    assert_ptr_equal(b.data, at);
    errno = 0;
    assert_int_equal(buf_reserve(&b, 101), -1);
    assert_int_equal(errno, EFBIG);
    assert_int_equal(b.len, 900);
}

static void reset_keeps_the_memory_and_free_the_buffer(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(10);
    buf_reset(&b);
    assert_string_equal(buf_str(&b), "");
    assert_int_equal(buf_adds(&b, "abc"), 0);
    const char *data = b.data;
    buf_reset(&b);
    assert_ptr_equal(b.data, data);
    assert_string_equal(buf_str(&b), "");
    buf_free(&b);
    assert_null(b.data);
    assert_int_equal(buf_adds(&b, "again"), 0);
    buf_wipe(&b);
    buf_wipe(&b);
    buf_free(&b);
    assert_int_equal(b.max, 10);
}

static void take_gives_the_contents_away(void **state)
{
    (void)state;
    struct buf b = BUF_SECRET_INIT(10);
    CLEANUP_FREE char *empty = buf_take(&b);
    assert_string_equal(empty, "");
    assert_int_equal(buf_adds(&b, "abc"), 0);
    CLEANUP_FREE char *text = buf_take(&b);
    assert_string_equal(text, "abc");
    assert_int_equal(b.len, 0);
    assert_null(b.data);
    assert_int_equal(b.max, 10);
    assert_true(b.secret);
    alloc_fail_at(1);
    assert_null(buf_take(&b));
    assert_true(alloc_fail_fired());
}

static void secret_memory_is_wiped_when_it_is_left(void **state)
{
    (void)state;
    struct buf b = BUF_SECRET_INIT(1000);
    assert_int_equal(buf_adds(&b, "hunter2"), 0);
    uintptr_t small = (uintptr_t)b.data;
    size_t small_cap = b.cap;
    assert_int_equal(buf_addf(&b, "%*d", (int)small_cap, 1), 0);
    assert_true((uintptr_t)wiped.at == small);
    assert_int_equal(wiped.n, small_cap);
    assert_string_equal(wiped.held, "hunter2");
    uintptr_t grown = (uintptr_t)b.data;
    size_t grown_cap = b.cap;
    buf_free(&b);
    assert_true((uintptr_t)wiped.at == grown);
    assert_int_equal(wiped.n, grown_cap);
}

static void reset_wipes_what_a_secret_buffer_held(void **state)
{
    (void)state;
    struct buf b = BUF_SECRET_INIT(1000);
    buf_reset(&b);
    assert_int_equal(buf_adds(&b, "hunter2"), 0);
    const char *data = b.data;
    buf_reset(&b);
    assert_ptr_equal(b.data, data);
    assert_ptr_equal(wiped.at, data);
    assert_int_equal(wiped.n, sizeof "hunter2" - 1);
    assert_memory_equal(data, "\0\0\0\0\0\0\0", sizeof "hunter2");
    buf_free(&b);
}

static void wipe_wipes_any_buffer_and_free_only_secret_ones(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(1000);
    wiped.at = NULL;
    assert_int_equal(buf_adds(&b, "plain"), 0);
    buf_free(&b);
    assert_null(wiped.at);
    assert_int_equal(buf_adds(&b, "plain"), 0);
    buf_wipe(&b);
    assert_non_null(wiped.at);
    assert_string_equal(wiped.held, "plain");
}

static int fill(struct buf *b)
{
    for (int i = 0; i < 300; i++)
        if (buf_addf(b, "%d,", i) < 0)
            return -1;
    return buf_adds(b, "end");
}

static void without_memory_the_buffer_is_as_it_was(void **state)
{
    (void)state;
    struct buf kinds[] = {BUF_INIT(100000), BUF_SECRET_INIT(100000)};
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
        for (unsigned n = 1;; n++) {
            CLEANUP_BUF struct buf b = kinds[k];
            alloc_fail_at(n);
            int rc = fill(&b);
            int error = errno;
            bool fired = alloc_fail_fired();
            assert_int_equal(rc, fired ? -1 : 0);
            assert_int_equal(strlen(buf_str(&b)), b.len);
            if (!fired) {
                assert_true(n > 3);
                break;
            }
            assert_int_equal(error, ENOMEM);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contents_are_appended_and_terminated),
        cmocka_unit_test(zeroed_memory_with_a_ceiling_is_an_empty_buffer),
        cmocka_unit_test(the_ceiling_holds_and_leaves_the_buffer_as_it_was),
        cmocka_unit_test(text_is_formatted_whole_wherever_the_room_ends),
        cmocka_unit_test(what_cannot_be_held_or_formatted_is_refused),
        cmocka_unit_test(growth_keeps_every_byte),
        cmocka_unit_test(room_that_was_made_is_used_and_the_ceiling_holds_for_it),
        cmocka_unit_test(reset_keeps_the_memory_and_free_the_buffer),
        cmocka_unit_test(take_gives_the_contents_away),
        cmocka_unit_test(secret_memory_is_wiped_when_it_is_left),
        cmocka_unit_test(reset_wipes_what_a_secret_buffer_held),
        cmocka_unit_test(wipe_wipes_any_buffer_and_free_only_secret_ones),
        cmocka_unit_test(without_memory_the_buffer_is_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
