/* The table of jobs: keys, collisions, ceilings, the listing, and every allocation failing.
 */
#include <errno.h>

#include "base/hash.h"
#include "cache/cache_private.h"
#include "cache/fixture.h"
#include "support/alloc_fail.h"

static uint64_t hash_same(const char *id)
{
    (void)id;
    return UINT64_C(0x123456789abc) << 16;
}

static uint64_t hash_zero(const char *id)
{
    (void)id;
    return 0xffff;
}

static uint64_t hash_last(const char *id)
{
    (void)id;
    return UINT64_MAX;
}

/* Many runs of neighbours in the table. */
static uint64_t hash_crowded(const char *id)
{
    return (hash_text(id) % 512 + 1) << 16;
}

static const char *name(char out[32], unsigned n)
{
    snprintf(out, 32, "job-%08u", n);
    return out;
}

static void the_key_is_the_upper_48_bits_of_the_hash(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    assert_int_equal(key_of_name(&b, ID, 0), hash_text(ID) >> 16);
    bench_close(&b);
}

static void colliding_ids_keep_keys_of_their_own(void **state)
{
    (void)state;
    uint64_t (*const hashes[])(const char *) = {hash_same, hash_zero, hash_last};
    for (size_t h = 0; h < ARRAY_LEN(hashes); h++) {
        struct bench b;
        bench_open(&b);
        b.c->hash = hashes[h];
        uint64_t keys[CACHE_PROBES];
        char id[32], found[JOB_ID_MAX + 1];
        for (unsigned i = 0; i < CACHE_PROBES; i++) {
            keys[i] = key_of_name(&b, name(id, i), 0);
            assert_in_range(keys[i], 1, (UINT64_C(1) << 48) - 1);
            for (unsigned j = 0; j < i; j++)
                assert_int_not_equal(keys[i], keys[j]);
        }
        for (unsigned i = 0; i < CACHE_PROBES; i++) {
            assert_int_equal(key_of_name(&b, name(id, i), 1), keys[i]);
            assert_true(cache_id_of(b.c, keys[i], found));
            assert_string_equal(found, id);
        }
        uint64_t key;
        struct cache_answer a;
        assert_int_equal(lookup(b.c, "one-too-many", 0, &key, &a), CACHE_FAULT);
        assert_int_equal(a.error, ENFILE);
        bench_close(&b);
    }
}

static void a_collider_is_found_after_the_one_before_it_has_gone(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    b.c->hash = hash_same;
    uint64_t first = key_of_name(&b, "first-job", 0), second = known(&b, "second-job", "Init", 0);
    cache_put_missing(b.c, first, 0);
    cache_expire(b.c, MISSING);
    assert_int_equal(key_of_name(&b, "second-job", MISSING), second);
    assert_int_equal(key_of_name(&b, "third-job", MISSING), first); /* the free place */
    bench_close(&b);
}

static void names_come_and_go_in_a_crowded_table(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    b.c->hash = hash_crowded;
    uint64_t keys[400];
    bool there[400] = {false};
    char id[32], found[JOB_ID_MAX + 1];
    uint64_t seed = 1;
    for (int round = 0; round < 20000; round++) {
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
        unsigned i = (unsigned)(seed >> 33) % 400;
        if (there[i]) {
            assert_true(cache_id_of(b.c, keys[i], found));
            assert_string_equal(found, name(id, i));
            cache_put_missing(b.c, keys[i], 0);
            cache_expire(b.c, MISSING);
            assert_false(cache_id_of(b.c, keys[i], found));
            there[i] = false;
        } else {
            struct cache_answer a;
            there[i] = lookup(b.c, name(id, i), 0, &keys[i], &a) == CACHE_PARKED;
        }
        take_all(&b, NULL);
    }
    for (unsigned i = 0; i < 400; i++)
        if (there[i])
            assert_true(cache_id_of(b.c, keys[i], found));
    bench_close(&b);
}

static void a_listing_of_thousands_is_whole(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    struct job *job = job_new(ID, "Success", 100, NULL); /* one stands for all: speed */
    char id[32];
    enum { N = 20000 };
    for (unsigned i = 0; i < N; i++) {
        uint64_t key = key_of_name(&b, name(id, (i * 7919) % N), 0);
        if (i % 1000 == 0)
            take_all(&b, NULL);
        cache_put_job(b.c, key, job, 0, 0);
    }
    job_unref(job);
    struct cache_row *rows;
    size_t n;
    assert_int_equal(cache_list(b.c, &rows, &n), 0);
    assert_int_equal(n, N);
    cache_list_free(rows, n);
    bench_close(&b);
}

static void the_listing_holds_known_jobs_and_nothing_else(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    uint64_t before = cache_generation(b.c);
    static const char *const ids[] = {"delta-job", "alpha-job", "gamma-job", "bravo-job"};
    for (size_t i = 0; i < ARRAY_LEN(ids); i++)
        known(&b, ids[i], "Processing", 0);
    assert_int_not_equal(cache_generation(b.c), before);
    key_of_name(&b, "provisional-job", 0);
    struct cache_row *rows;
    size_t n;
    assert_int_equal(cache_list(b.c, &rows, &n), 0);
    assert_int_equal(n, 4);
    unsigned seen = 0;
    for (size_t i = 0; i < n; i++)
        for (unsigned k = 0; k < ARRAY_LEN(ids); k++)
            if (strcmp(rows[i].facts->id, ids[k]) == 0 && rows[i].key == key_of_name(&b, ids[k], 0))
                seen |= 1U << k;
    assert_int_equal(seen, 15);
    cache_list_free(rows, n);
    cache_list_free(NULL, 0);
    bench_close(&b);
}

static void names_without_content_have_a_ceiling(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    b.c->provisional_max = 4;
    char id[32], found[JOB_ID_MAX + 1];
    uint64_t keys[4], key;
    for (unsigned i = 0; i < 4; i++)
        keys[i] = key_of_name(&b, name(id, i), 0);
    struct cache_answer a;
    assert_int_equal(lookup(b.c, "one-too-many", 0, &key, &a), CACHE_FAULT);
    assert_int_equal(a.error, ENFILE);
    /* Those that came to nothing make room, the one asked for longest ago first. */
    cache_put_missing(b.c, keys[0], 10);
    cache_put_missing(b.c, keys[1], 11);
    assert_int_equal(lookup(b.c, "one-too-many", 12, &key, &a), CACHE_PARKED);
    assert_false(cache_id_of(b.c, keys[0], found));
    assert_true(cache_id_of(b.c, keys[1], found));
    /* What is known counts no more. */
    put_job(&b, keys[2], "Init", 0, 13);
    assert_int_equal(lookup(b.c, "one-more", 14, &key, &a), CACHE_PARKED);
    assert_true(cache_id_of(b.c, keys[1], found));
    bench_close(&b);
}

/* One life of a cache; whatever fails for want of memory is said and harms nothing. */
static void live_once(void)
{
    struct cache_config config = {.ttl_ms = TTL, .patience_ms = PATIENCE, .timeout_ms = TIMEOUT};
    struct err err = {""};
    struct cache *c = cache_new(&config, &err);
    if (!c) {
        assert_string_not_equal(err.text, "");
        return;
    }
    uint64_t key = 0;
    struct cache_answer a;
    if (lookup(c, ID, 0, &key, &a) == CACHE_PARKED) {
        cache_put_retry(c, key, API_TEMPORARY, API_NET_TIMEOUT, "slow", 0);
        assert_int_equal(cache_peek(c, key, CACHE_NEED_GET, 0, &a), CACHE_PARKED);
        cache_put_fault(c, key, API_DENIED, API_NET_NONE, "denied", 0);
        assert_int_equal(cache_peek(c, key, CACHE_NEED_GET, 0, &a), CACHE_FAULT);
        assert_int_equal(a.error, EACCES); /* with or without its text */
    } else {
        assert_int_equal(a.error, ENOMEM);
    }
    struct cache_row *rows;
    size_t n;
    if (cache_list(c, &rows, &n) == 0)
        cache_list_free(rows, n);
    cache_free(c);
}

static void every_failing_allocation_is_said_and_harms_nothing(void **state)
{
    (void)state;
    unsigned n = 1;
    for (;; n++) {
        alloc_fail_at(n);
        live_once();
        if (!alloc_fail_fired())
            break;
    }
    assert_true(n > 5);
    cache_free(NULL);
}

static void a_table_that_cannot_grow_takes_no_more_and_keeps_what_it_has(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    char id[32], found[JOB_ID_MAX + 1];
    uint64_t keys[100], key;
    struct cache_answer a = {0};
    unsigned n = 0, faults = 0;
    for (; n < 100 && faults == 0; n++) {
        alloc_fail_at(2); /* the entry is had, the wider table is not */
        faults += lookup(b.c, name(id, n), 0, &keys[n], &a) == CACHE_FAULT && n > 0;
        alloc_fail_fired();
    }
    assert_int_equal(faults, 1);
    assert_int_equal(a.error, ENOMEM);
    for (unsigned i = 1; i < n - 1; i++)
        assert_true(cache_id_of(b.c, keys[i], found));
    assert_int_equal(lookup(b.c, id, 0, &key, &a), CACHE_PARKED);
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_key_is_the_upper_48_bits_of_the_hash),
        cmocka_unit_test(colliding_ids_keep_keys_of_their_own),
        cmocka_unit_test(a_collider_is_found_after_the_one_before_it_has_gone),
        cmocka_unit_test(names_come_and_go_in_a_crowded_table),
        cmocka_unit_test(a_listing_of_thousands_is_whole),
        cmocka_unit_test(the_listing_holds_known_jobs_and_nothing_else),
        cmocka_unit_test(names_without_content_have_a_ceiling),
        cmocka_unit_test(every_failing_allocation_is_said_and_harms_nothing),
        cmocka_unit_test(a_table_that_cannot_grow_takes_no_more_and_keeps_what_it_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
