/* Random numbers: of the form that is promised, and no two the same, whoever asks for them. */
#include "base/attr.h"
#include "base/err.h"
#include "base/random.h"
#include "base/thread.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define THREADS 4
#define EACH    2000

static char nonces[THREADS][EACH][33];

static void *draw(void *mine)
{
    char(*to)[33] = mine;
    for (size_t i = 0; i < EACH; i++)
        random_hex32(to[i]);
    return NULL;
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void no_two_nonces_are_the_same_in_any_thread(void **state)
{
    (void)state;
    pthread_t thread[THREADS];
    struct err err;
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(thread_start(&thread[i], "draw", draw, nonces[i], &err), 0);
    for (size_t i = 0; i < THREADS; i++)
        thread_join(thread[i]);
    char(*all)[33] = nonces[0];
    qsort(all, (size_t)THREADS * EACH, sizeof *all, compare);
    for (size_t i = 0; i < (size_t)THREADS * EACH; i++) {
        assert_int_equal(strspn(all[i], "0123456789abcdef"), 32);
        assert_int_equal(strlen(all[i]), 32);
        assert_true(i == 0 || strcmp(all[i - 1], all[i]) != 0);
    }
}

static void numbers_use_all_their_bits(void **state)
{
    (void)state;
    uint64_t any = 0, every = UINT64_MAX;
    for (int i = 0; i < 1000; i++) {
        uint64_t v = random_u64();
        any |= v;
        every &= v;
    }
    assert_true(any == UINT64_MAX && every == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_two_nonces_are_the_same_in_any_thread),
        cmocka_unit_test(numbers_use_all_their_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
