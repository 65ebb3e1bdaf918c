/* The hash that inode numbers are made of: the same for ever, and well mixed. */
#include "base/attr.h"
#include "base/hash.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* Computed apart, in another language: a change would give every file a new inode number. */
static void values_never_change(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t hash;
    } cases[] = {
        {"", UINT64_C(0xefd01f60ba992926)},
        {"a", UINT64_C(0x82a2a958a9bece5b)},
        {"status", UINT64_C(0xc8ec7e10d593b0e3)},
        {"\xe4\xbb\xbb\xe5\x8a\xa1", UINT64_C(0xac1551f190d89794)},
        {"cdb3e74639973036bc84aaaabbbbcccc", UINT64_C(0x91ff1a63e43f44f5)},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_true(hash_text(cases[i].text) == cases[i].hash);
}

static void every_byte_counts_the_nul_too(void **state)
{
    (void)state;
    assert_true(hash_bytes("a\0b", 3) != hash_bytes("a\0c", 3));
    assert_true(hash_bytes("a\0", 2) != hash_bytes("a", 1));
    assert_true(hash_bytes("ab", 1) == hash_text("a"));
    assert_true(hash_bytes(NULL, 0) == hash_text(""));
}

static void similar_names_spread_over_high_and_low_bits(void **state)
{
    (void)state;
    unsigned low[64] = {0}, high[64] = {0};
    for (unsigned i = 0; i < 64000; i++) {
        char name[16];
        snprintf(name, sizeof name, "job%05u", i);
        uint64_t h = hash_text(name);
        low[h % 64]++;
        high[h >> 58]++;
    }
    for (size_t i = 0; i < 64; i++) {
        assert_in_range(low[i], 800, 1200);
        assert_in_range(high[i], 800, 1200);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_never_change),
        cmocka_unit_test(every_byte_counts_the_nul_too),
        cmocka_unit_test(similar_names_spread_over_high_and_low_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
