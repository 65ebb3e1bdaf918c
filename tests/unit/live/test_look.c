/* The look-ups' places, what is said aloud, and memory that fails anywhere on the way of a read. */
#include "live/fixture.h"
#include "live/live_private.h"
#include "support/alloc_fail.h"
#include <stdlib.h>

static struct look *add(struct looks *s, enum look_place place, int64_t due_ms)
{
    assert_int_equal(looks_reserve(s), 0);
    struct look *k = look_new(s, NULL, LOOK_READY);
    k->due_ms = due_ms;
    look_move(s, k, place);
    return k;
}

static void the_delayed_come_out_in_the_order_of_their_times(void **state)
{
    (void)state;
    struct looks s = {0};
    uint64_t seed = 5;
    for (int i = 0; i < 1000; i++) {
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
        add(&s, LOOK_DELAYED, (int64_t)(seed >> 40) % 500);
    }
    int64_t last = -1;
    for (int i = 0; i < 1000; i++) {
        struct look *k = s.delayed[0];
        assert_true(k->due_ms >= last);
        last = k->due_ms;
        look_free(&s, k);
    }
    assert_int_equal(s.n_delayed, 0);
    assert_int_equal(s.n, 0);
    looks_free(&s);
}

static void a_list_is_first_come_first_served(void **state)
{
    (void)state;
    struct looks s = {0};
    struct look *a = add(&s, LOOK_READY, 1), *b = add(&s, LOOK_READY, 2),
                *c = add(&s, LOOK_READY, 3);
    look_move(&s, b, LOOK_FLYING);
    assert_ptr_equal(s.lists[LOOK_READY].head, a);
    assert_ptr_equal(a->next, c);
    assert_ptr_equal(s.lists[LOOK_READY].tail, c);
    assert_int_equal(s.lists[LOOK_READY].n, 2);
    look_move(&s, a, LOOK_READY); /* once more to the end */
    assert_ptr_equal(s.lists[LOOK_READY].head, c);
    add(&s, LOOK_RENEWING, 4);
    add(&s, LOOK_DELAYED, 5);
    looks_free(&s);
    assert_null(b->live); /* its call still comes back */
    free(b);
}

static void what_is_said_aloud_is_said_once_an_hour_for_each_code(void **state)
{
    (void)state;
    static const int64_t hour = 3600000;
    struct loud l = {0};
    assert_true(loud_now(&l, "Forbidden.RAM", 1));
    assert_false(loud_now(&l, "Forbidden.RAM", hour));
    assert_true(loud_now(&l, "NoPermission", 2));
    assert_true(loud_now(&l, "Forbidden.RAM", hour + 1));
    assert_false(loud_now(&l, "Forbidden.RAM", hour + 2));
    char code[32];
    for (int i = 0; i < LOUD_CODES; i++) { /* more than there is room for: the oldest goes */
        snprintf(code, sizeof(code), "Code%d", i);
        assert_true(loud_now(&l, code, hour + 10 + i));
    }
    assert_true(loud_now(&l, "Forbidden.RAM", hour + 100));
    assert_false(loud_now(&l, "Code5", hour + 101));
}

/* One read, all of live's work on this thread. Returns whether an allocation failed. */
static bool read_once(unsigned n)
{
    static const struct step ok[] = {{0}};
    struct world w = world_with_keys();
    world_make(&w, ok, 1, (struct setting){.timeout_ms = 1000, .qps = 1000});
    struct reader r;
    reader_start(&w, &r, ID);
    alloc_fail_at(n);
    for (int64_t until = clock_mono_ms() + 5000; !r.done;) {
        assert_true(clock_mono_ms() < until);
        live_turn(w.live);
    }
    bool fired = alloc_fail_fired();
    reader_wait(&r);
    if (!fired)
        assert_int_equal(r.got.verdict, CACHE_CONTENT);
    else
        assert_true(r.got.verdict == CACHE_CONTENT || r.got.verdict == CACHE_FAULT);
    world_close(&w);
    return fired;
}

static void a_read_is_answered_whichever_allocation_fails(void **state)
{
    (void)state;
    unsigned n = 1;
    while (read_once(n))
        n++;
    assert_true(n > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_delayed_come_out_in_the_order_of_their_times),
        cmocka_unit_test(a_list_is_first_come_first_served),
        cmocka_unit_test(what_is_said_aloud_is_said_once_an_hour_for_each_code),
        cmocka_unit_test(a_read_is_answered_whichever_allocation_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
