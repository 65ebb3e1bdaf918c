/* The schedule over simulated days: pace, order, turns, what rounds cost, and when asking ends. */
#include "live/schedule_world.h"
#include "support/alloc_fail.h"

#define SLOWEST (REFRESH * SCHEDULE_SLOWEST)
#define LEAD    100 /* calls go out so much early, at most */

/* ---- pace ---- */

static void a_job_that_waits_is_asked_less_and_less_often_but_never_beyond_the_slowest(void **state)
{
    (void)state;
    struct world *w = world_new(1, 10);
    w->lists_denied = true;
    name_job(w, 0);
    int64_t gaps[] = {REFRESH, 2 * REFRESH, 4 * REFRESH, 8 * REFRESH, SLOWEST, SLOWEST};
    int64_t last = 0;
    for (size_t i = 0; i < 6; i++) {
        while (w->jobs[0].gets == i)
            run_for(w, 50);
        int64_t gap = w->jobs[0].last_get_ms - last;
        assert_in_range(gap, gaps[i] - LEAD, gaps[i]);
        last = w->jobs[0].last_get_ms;
    }
    forget_counts(w);
    run_for(w, DAY_MS);
    assert_in_range(w->jobs[0].most_gap_ms, SLOWEST - LEAD, SLOWEST);
    assert_in_range(w->gets, DAY_MS / SLOWEST, DAY_MS / (SLOWEST - LEAD) + 1);
    world_free(w);
}

static void a_job_that_keeps_changing_is_asked_at_the_full_pace(void **state)
{
    (void)state;
    struct world *w = world_new(1, 10);
    w->jobs[0].work_ms = 0;
    w->jobs[0].step_ms = 3000;
    name_job(w, 0);
    run_for(w, 3600000);
    assert_in_range(w->jobs[0].most_gap_ms, REFRESH - LEAD, REFRESH);
    assert_int_equal(w->pages, 0); /* Gets show the status too */
    world_free(w);
}

static void a_change_makes_it_fast_again(void **state)
{
    (void)state;
    struct world *w = world_new(1, 10);
    w->lists_denied = true;
    w->jobs[0].queue_ms = 3600000 - 1000;
    name_job(w, 0);
    while (w->jobs[0].seen == JOB_STATUS_INIT)
        run_for(w, 10);
    int64_t told = w->jobs[0].told_ms;
    assert_in_range(told, 3600000 - 1000, 3600000 - 1000 + SLOWEST);
    run_until(w, told + REFRESH - LEAD - 50);
    unsigned gets = w->jobs[0].gets;
    run_until(w, told + REFRESH);
    assert_int_equal(w->jobs[0].gets, gets + 1);
    world_free(w);
}

static void a_job_in_use_is_asked_at_the_full_pace_until_its_use_is_over(void **state)
{
    (void)state;
    struct world *w = world_new(1, 10);
    w->lists_denied = true;
    name_job(w, 0);
    run_for(w, 3600000);
    schedule_touch(w->s, 1, w->now_ms); /* long not asked: at once */
    unsigned before = w->jobs[0].gets;
    run_for(w, 20);
    assert_int_equal(w->jobs[0].gets, before + 1);
    assert_false(health_at(w, w->now_ms).behind);
    forget_counts(w);
    for (int i = 0; i < 720; i++) {
        schedule_touch(w->s, 1, w->now_ms);
        run_for(w, REFRESH);
    }
    assert_in_range(w->jobs[0].gets, 719, 720 * REFRESH / (REFRESH - LEAD) + 1);
    assert_in_range(w->jobs[0].most_gap_ms, REFRESH - LEAD, REFRESH);
    forget_counts(w);
    run_for(w, DAY_MS);
    assert_in_range(w->gets, DAY_MS / SLOWEST, DAY_MS / (SLOWEST - LEAD) + 10);
    world_free(w);
}

static void readers_who_ask_often_make_it_no_slower(void **state)
{
    (void)state;
    struct world *w = world_new(1, 100);
    w->lists_denied = true;
    name_job(w, 0);
    for (int i = 0; i < 40; i++) { /* unchanged, unchanged, unchanged, ... */
        run_for(w, 100);
        send_get(w, 0);
    }
    forget_counts(w);
    run_for(w, 3 * REFRESH);
    assert_in_range(w->gets, 1, 2);
    world_free(w);
}

/* ---- short calls ---- */

static void when_calls_are_short_every_job_gets_its_turn_and_health_says_so(void **state)
{
    (void)state;
    enum { N = 1000, USED = 20 };
    struct world *w = world_new(N, 10);
    w->lists_denied = true;
    for (size_t i = 0; i < N; i++) {
        w->jobs[i].work_ms = 0;
        w->jobs[i].step_ms = 1000; /* each wants one Get in 5 s: 200 a second of 8 */
        name_job(w, i);
    }
    run_for(w, 600000);
    for (int64_t t = 0; t < DAY_MS / 4; t += REFRESH) {
        for (size_t i = 0; i < USED; i++)
            schedule_touch(w->s, i + 1, w->now_ms);
        run_for(w, REFRESH);
        if (t == 2 * REFRESH) /* each in use has had its first */
            forget_counts(w);
    }
    /* 8 calls a second: those in use want 4, and may have 6; 980 share the rest. */
    int64_t slowest_used = 0, slowest_idle = 0;
    for (size_t i = 0; i < N; i++) {
        int64_t *most = i < USED ? &slowest_used : &slowest_idle;
        assert_true(w->jobs[i].gets > 0);
        if (w->jobs[i].most_gap_ms > *most)
            *most = w->jobs[i].most_gap_ms;
    }
    assert_in_range(slowest_used, REFRESH - LEAD, 2 * REFRESH);
    assert_in_range(slowest_idle, 200000, 300000);
    struct schedule_health h = health_at(w, w->now_ms);
    assert_true(h.behind);
    assert_int_equal(schedule_marks(w->s).jobs, N);
    assert_true(h.lag_ms > REFRESH);
    assert_true(h.late_ms > REFRESH);
    assert_in_range(busiest_second(w), 8, 10);
    world_free(w);
}

static void with_enough_calls_health_says_nothing_is_behind(void **state)
{
    (void)state;
    struct world *w = world_new(100, 100);
    for (size_t i = 0; i < 100; i++) {
        name_job(w, i);
        run_for(w, 20);
    }
    for (int i = 0; i < 1000; i++) {
        run_for(w, 1700);
        struct schedule_health h = health_at(w, w->now_ms);
        assert_false(h.behind);
        assert_in_range(h.lag_ms, 0, REFRESH + 50);
    }
    world_free(w);
}

/* ---- rounds ---- */

static void three_jobs_at_work_take_three_gets_a_round_and_no_list(void **state)
{
    (void)state;
    struct world *w = world_new(3, 10);
    for (size_t i = 0; i < 3; i++) {
        w->jobs[i].work_ms = 0;
        w->jobs[i].step_ms = 2000;
        name_job(w, i);
    }
    run_for(w, 3600000);
    assert_int_equal(w->pages, 0);
    assert_in_range(w->gets, 3 * 3600000 / REFRESH, 3 * 3600000 / (REFRESH - LEAD) + 3);
    world_free(w);
}

static void a_thousand_jobs_that_wait_take_ten_lists_a_round(void **state)
{
    (void)state;
    struct world *w = world_new(1000, 100);
    for (size_t i = 0; i < 1000; i++) {
        w->jobs[i].born_ms = 0;
        w->jobs[i].queue_ms = 0;
        name_job(w, i);
    }
    run_for(w, 600000);
    forget_counts(w);
    run_for(w, 3600000);
    assert_in_range(w->rounds, 3600000 / REFRESH, 3600000 / (REFRESH - LEAD) + 1);
    assert_in_range(w->pages, w->rounds * 10 - 10, w->rounds * 10);
    /* Each still has its Get at the slowest pace. */
    assert_in_range(w->gets, 59000, 62000);
    world_free(w);
}

static void a_status_is_known_within_refresh_and_forty_milliseconds(void **state)
{
    (void)state;
    enum { N = 1000, SPAN = 3600000 };
    struct world *w = world_new(N, 400);
    uint64_t seed = 11;
    for (size_t i = 0; i < N; i++) {
        struct sim_job *j = &w->jobs[i];
        j->queue_ms = draw(&seed, SPAN / 3) + 10000;
        j->work_ms = j->queue_ms + draw(&seed, SPAN / 3);
        j->end_ms = j->work_ms + draw(&seed, SPAN / 3);
        j->step_ms = i % 3 ? 7000 : 0;
        name_job(w, i);
    }
    run_for(w, SPAN + 60000);
    assert_in_range(w->n_delays, 2900, 3000); /* a few stages pass unseen */
    int64_t delay = delay_99(w);
    print_message("99 of 100 changes of status known after %d ms\n", (int)delay);
    assert_true(delay <= REFRESH + 40);
    assert_in_range(busiest_second(w), 1, 400);
    for (size_t i = 0; i < N; i++)
        assert_true(w->jobs[i].ended);
    world_free(w);
}

static void status_lists_serve_among_thousands_that_have_ended(void **state)
{
    (void)state;
    enum { N = 8000, ALIVE = 300 };
    struct world *w = world_new(N, 100);
    int64_t hour = 3600000;
    w->now_ms = hour;
    for (size_t i = 0; i < N; i++) {
        struct sim_job *j = &w->jobs[i];
        bool alive = i % (N / ALIVE) == 0;
        j->born_ms = j->queue_ms = j->work_ms = hour * (int64_t)i / N;
        j->end_ms = alive ? (i % 2 ? NEVER : 4 * hour + (int64_t)i) : j->born_ms;
        j->unknown = !alive;
        if (alive)
            name_job(w, i);
    }
    run_for(w, 600000);
    forget_counts(w);
    run_for(w, hour);
    /* Four pages of Processing, where all jobs would be eighty; after an hour's rounds the list of
     * all is tried again. */
    assert_in_range(w->pages, w->rounds * 3, w->rounds * 6);
    run_until(w, 4 * hour + N);
    forget_counts(w);
    run_for(w, 2 * REFRESH);
    for (size_t i = 0; i < N; i += N / ALIVE)
        if (w->jobs[i].end_ms != NEVER)
            assert_true(w->jobs[i].ended);
    world_free(w);
}

static void a_job_that_lists_no_longer_show_is_asked_at_once(void **state)
{
    (void)state;
    enum { N = 200 };
    struct world *w = world_new(N + 3000, 100);
    for (size_t i = 0; i < N + 3000; i++) {
        w->jobs[i].queue_ms = w->jobs[i].work_ms = 0;
        w->jobs[i].end_ms = i < N ? NEVER : 0;
        w->jobs[i].queue_ms = w->jobs[i].work_ms = 0;
        if (i < N)
            name_job(w, i);
    }
    run_for(w, 900000);
    assert_int_equal(w->cover.n, 1);
    assert_int_equal(w->cover.lists[0], COVER_PROCESSING);
    w->jobs[7].end_ms = w->now_ms + 1;
    run_for(w, REFRESH + 40);
    assert_true(w->jobs[7].ended);
    assert_in_range(w->jobs[7].told_ms - w->jobs[7].end_ms, 0, REFRESH + 40);
    world_free(w);
}

static void a_job_far_older_than_the_others_is_left_to_gets(void **state)
{
    (void)state;
    enum { ENDED = 5000, ALIVE = 50 };
    struct world *w = world_new(1 + ENDED + ALIVE, 100);
    int64_t hour = 3600000;
    for (size_t i = 0; i < w->n; i++) {
        struct sim_job *j = &w->jobs[i];
        bool alive = i == 0 || i > ENDED;
        j->born_ms = i == 0 ? 0 : alive ? 20 * hour : (int64_t)i * 19 * hour / ENDED;
        j->queue_ms = j->born_ms;
        j->end_ms = alive ? NEVER : j->born_ms;
    }
    w->now_ms = 20 * hour + 1000;
    name_job(w, 0);
    for (size_t i = ENDED + 1; i < w->n; i++)
        name_job(w, i);
    run_for(w, 600000); /* one dear round teaches it */
    forget_counts(w);
    run_for(w, hour / 4);
    assert_in_range(w->pages, w->rounds - 1, w->rounds + 1);
    assert_int_equal(w->jobs[0].lists, 0);
    assert_in_range(w->jobs[0].most_gap_ms, 1, SLOWEST);
    world_free(w);
}

static void jobs_outside_the_window_are_left_to_gets(void **state)
{
    (void)state;
    struct world *w = world_new(200, 100);
    int64_t hour = 3600000;
    w->window_s = 3600;
    w->now_ms = 3 * hour;
    for (size_t i = 0; i < 200; i++) {
        w->jobs[i].born_ms = i < 100 ? 0 : 3 * hour - 1000;
        w->jobs[i].queue_ms = w->jobs[i].born_ms;
        name_job(w, i);
    }
    run_for(w, hour / 2);
    assert_true(w->pages > 300);
    for (size_t i = 0; i < 200; i++)
        assert_int_equal(w->jobs[i].lists > 0, i >= 100);
    run_for(w, hour); /* now all are too old */
    forget_counts(w);
    run_for(w, hour / 2);
    assert_int_equal(w->pages, 0);
    for (size_t i = 0; i < 200; i++)
        assert_in_range(w->jobs[i].most_gap_ms, 1, SLOWEST + 2000);
    world_free(w);
}

static void a_job_without_a_create_time_or_never_on_lists_is_left_to_gets(void **state)
{
    (void)state;
    struct world *w = world_new(2, 10);
    const struct schedule_job timeless = {.status = JOB_STATUS_QUEUING,
                                          .create_s = SCHEDULE_NO_TIME};
    assert_int_equal(schedule_add(w->s, 1, &timeless, 0), 0);
    const struct schedule_means means = {.real_s = EPOCH_S, .pace = 10};
    int64_t begin = 2 * REFRESH;
    assert_int_equal(schedule_begin_round(w->s, &means, begin).n, 0);
    name_job(w, 1);
    const struct schedule_job facts = facts_at(&w->jobs[1], 0);
    schedule_asked(w->s, 2, REFRESH);
    schedule_got(w->s, 2, &facts, false, REFRESH); /* its next Get is two intervals away */
    assert_int_equal(schedule_begin_round(w->s, &means, begin).n, 1);
    schedule_end_round(w->s, true, begin + 10, add_changed, w);
    assert_int_equal(w->n_changed, 1); /* the list has not shown it */
    assert_int_equal(w->changed[0], 1);
    begin += REFRESH;
    assert_int_equal(schedule_begin_round(w->s, &means, begin).n, 0);
    begin += SLOWEST; /* and is tried again */
    schedule_asked(w->s, 2, begin);
    schedule_got(w->s, 2, &facts, false, begin);
    assert_int_equal(schedule_begin_round(w->s, &means, begin + 1).n, 1);
    schedule_end_round(w->s, false, begin + 10, add_changed, w);
    assert_int_equal(w->n_changed, 1); /* it was not seen to its end: nothing is missing */
    world_free(w);
}

/* ---- the end ---- */

static void a_job_that_has_ended_is_asked_no_more(void **state)
{
    (void)state;
    struct world *w = world_new(2, 10);
    w->jobs[0].work_ms = 0;
    w->jobs[0].end_ms = w->jobs[0].duration_ms = 3600000;
    w->jobs[1].end_ms = 0; /* ended before it was named, and has its Duration */
    name_job(w, 0);
    name_job(w, 1);
    assert_false(schedule_has(w->s, 2));
    run_for(w, 3600000 + SLOWEST);
    assert_true(w->jobs[0].ended);
    assert_false(schedule_has(w->s, 1));
    forget_counts(w);
    run_for(w, 2 * DAY_MS);
    assert_int_equal(w->gets + w->pages, 0);
    assert_int_equal(schedule_marks(w->s).jobs, 0);
    world_free(w);
}

static void a_duration_that_is_late_is_asked_for_once(void **state)
{
    (void)state;
    struct world *w = world_new(2, 10);
    w->jobs[0].end_ms = w->jobs[1].end_ms = 0;
    w->jobs[0].duration_ms = 10000;
    w->jobs[1].duration_ms = NEVER;
    name_job(w, 0);
    name_job(w, 1);
    run_for(w, SLOWEST - 1);
    assert_int_equal(w->gets, 0);
    assert_false(health_at(w, w->now_ms).behind);
    assert_int_equal(schedule_marks(w->s).jobs, 0);
    run_for(w, DAY_MS);
    assert_int_equal(w->jobs[0].gets, 1);
    assert_int_equal(w->jobs[1].gets, 1);
    assert_int_equal(w->pages, 0);
    world_free(w);
}

static void a_job_known_from_a_list_gets_its_first_get_at_once(void **state)
{
    (void)state;
    struct world *w = world_new(1, 10);
    const struct schedule_job facts = {
        .status = JOB_STATUS_QUEUING, .create_s = EPOCH_S, .partial = true};
    assert_int_equal(schedule_add(w->s, 1, &facts, 0), 0);
    run_for(w, 1000);
    assert_int_equal(w->jobs[0].gets, 1);
    assert_int_equal(w->pages, 0);
    world_free(w);
}

/* ---- jobs that had ended before they were known ---- */

static const struct schedule_job ended_before = {
    .status = JOB_STATUS_SUCCESS, .create_s = EPOCH_S, .partial = true};

static void thousands_that_had_ended_are_never_due_and_delay_nobody(void **state)
{
    (void)state;
    enum { N = 100, ENDED = 50000 };
    struct world *w = world_new(N, 100), *alone = world_new(N, 100);
    for (uint64_t key = 1; key <= ENDED; key++)
        assert_int_equal(schedule_add(w->s, N + key, &ended_before, 0), 0);
    assert_int_equal(schedule_next_ms(w->s), INT64_MAX);
    assert_int_equal(schedule_marks(w->s).jobs, 0);
    for (size_t i = 0; i < N; i++) {
        name_job(w, i);
        name_job(alone, i);
    }
    for (int i = 0; i < 600; i++) {
        run_for(w, 1000);
        run_for(alone, 1000);
        struct schedule_health h = health_at(w, w->now_ms), a = health_at(alone, alone->now_ms);
        assert_int_equal(h.behind, a.behind);
        assert_int_equal(h.lag_ms, a.lag_ms);
        assert_int_equal(h.late_ms, a.late_ms);
    }
    assert_int_equal(w->gets, alone->gets);
    assert_int_equal(w->pages, alone->pages);
    assert_int_equal(schedule_ended_count(w->s), ENDED);
    world_free(w);
    world_free(alone);
}

static void those_that_had_ended_come_in_the_order_in_which_they_were_shown(void **state)
{
    (void)state;
    struct world *w = world_new(1, 10);
    uint64_t key, out = 1, in = 1, seed = 5;
    assert_int_equal(schedule_ended_ms(w->s), INT64_MAX);
    assert_false(schedule_next_ended(w->s, 0, &key));
    for (int i = 0; i < 20000; i++) {
        if (draw(&seed, 5) < 3 && in < 8000)
            assert_int_equal(schedule_add(w->s, in++, &ended_before, 0), 0);
        else if (schedule_next_ended(w->s, 0, &key))
            assert_int_equal(key, out++);
        assert_int_equal(schedule_ended_count(w->s), in - out);
        assert_false(schedule_has(w->s, in - 1));
    }
    assert_int_equal(out, in);
    assert_int_equal(schedule_ended_ms(w->s), INT64_MAX);
    world_free(w);
}

static void one_that_fails_goes_behind_the_others_and_all_wait_a_while(void **state)
{
    (void)state;
    struct world *w = world_new(1, 10);
    uint64_t key;
    for (key = 1; key <= 3; key++)
        assert_int_equal(schedule_add(w->s, key, &ended_before, 0), 0);
    assert_true(schedule_next_ended(w->s, 100, &key));
    schedule_put_back(w->s, key, 0, 100);
    assert_int_equal(schedule_ended_ms(w->s), 100 + SCHEDULE_ENDED_MS);
    assert_false(schedule_next_ended(w->s, 99 + SCHEDULE_ENDED_MS, &key));
    int64_t now = 100 + SCHEDULE_ENDED_MS;
    for (uint64_t want = 2; want <= 4; want++) {
        assert_true(schedule_next_ended(w->s, now, &key));
        assert_int_equal(key, want <= 3 ? want : 1);
    }
    schedule_put_back(w->s, key, 10 * SCHEDULE_ENDED_MS, now);
    assert_int_equal(schedule_ended_ms(w->s), now + 10 * SCHEDULE_ENDED_MS);
    world_free(w);
}

static void without_memory_one_that_had_ended_waits_for_a_reader(void **state)
{
    (void)state;
    struct world *w = world_new(1, 10);
    alloc_fail_at(1);
    assert_int_equal(schedule_add(w->s, 1, &ended_before, 0), -1);
    assert_true(alloc_fail_fired());
    alloc_fail_at(1);
    schedule_put_back(w->s, 1, 0, 0);
    assert_true(alloc_fail_fired());
    assert_int_equal(schedule_ended_count(w->s), 0);
    world_free(w);
}

/* ---- failures ---- */

static void failures_make_it_rarer_and_success_ends_that(void **state)
{
    (void)state;
    struct world *w = world_new(1, 10);
    name_job(w, 0);
    int64_t now = 0, pauses[] = {1, 2, 4, 8, 12, 12};
    for (size_t i = 0; i < 6; i++) {
        schedule_asked(w->s, 1, now);
        schedule_failed(w->s, 1, 0, false, now);
        assert_true(schedule_next_ms(w->s) - now == pauses[i] * REFRESH);
        schedule_touch(w->s, 1, now); /* use does not overrule that */
        assert_true(schedule_next_ms(w->s) - now == pauses[i] * REFRESH);
        now = schedule_next_ms(w->s);
    }
    schedule_failed(w->s, 1, 300000, false, now);
    assert_true(schedule_next_ms(w->s) - now == 300000);
    schedule_resume(w->s, now + 100); /* the service is up again */
    assert_true(schedule_next_ms(w->s) == now + 100);
    assert_true(schedule_round_ms(w->s) == now + 100);
    schedule_failed(w->s, 1, 0, true, now + 200); /* it knows no such job: no fault */
    assert_true(schedule_next_ms(w->s) == now + 200 + SLOWEST);
    assert_true(health_at(w, now + 300).lag_ms == 100);
    world_free(w);
}

static void a_get_that_came_too_early_is_followed_by_another(void **state)
{
    (void)state;
    struct world *w = world_new(1, 10);
    name_job(w, 0);
    schedule_asked(w->s, 1, 100);
    schedule_again(w->s, 1, 105);
    schedule_asked(w->s, 1, 106);
    const struct schedule_job facts = facts_at(&w->jobs[0], 110);
    schedule_got(w->s, 1, &facts, false, 110);
    assert_true(schedule_next_ms(w->s) == 110);
    schedule_asked(w->s, 1, 111);
    schedule_got(w->s, 1, &facts, false, 120); /* once */
    assert_true(schedule_next_ms(w->s) > 110 + REFRESH - 2 * LEAD);
    world_free(w);
}

static void what_it_does_not_know_does_nothing(void **state)
{
    (void)state;
    struct world *w = world_new(1, 10);
    const struct schedule_job facts = facts_at(&w->jobs[0], 0);
    uint64_t key;
    schedule_asked(w->s, 9, 0);
    schedule_got(w->s, 9, &facts, true, 0);
    schedule_failed(w->s, 9, 0, false, 0);
    schedule_listed(w->s, 9, SCHEDULE_SAME, 0);
    schedule_again(w->s, 9, 0);
    schedule_touch(w->s, 9, 0);
    assert_false(schedule_has(w->s, 9));
    assert_false(schedule_next(w->s, NEVER, &key));
    assert_true(schedule_next_ms(w->s) == INT64_MAX);
    schedule_end_round(w->s, true, 0, NULL, NULL);
    schedule_free(NULL);
    world_free(w);
}

/* Jobs come and go in any order; a heap, a table and a list agree on what there is. */
static void jobs_come_and_go(void **state)
{
    (void)state;
    enum { N = 500 };
    struct world *w = world_new(N, 1000);
    uint64_t seed = 3;
    for (int i = 0; i < 20000; i++) {
        size_t k = (size_t)draw(&seed, N);
        w->now_ms += draw(&seed, 20);
        w->jobs[k].end_ms = draw(&seed, 4) ? NEVER : w->now_ms;
        w->jobs[k].duration_ms = 0;
        const struct schedule_job facts = facts_at(&w->jobs[k], w->now_ms);
        switch (draw(&seed, 4)) {
        case 0:
            assert_int_equal(schedule_add(w->s, k + 1, &facts, w->now_ms), 0);
            break;
        case 1:
            schedule_got(w->s, k + 1, &facts, draw(&seed, 2) == 0, w->now_ms);
            if (job_status_final(facts.status))
                assert_false(schedule_has(w->s, k + 1));
            break;
        case 2:
            schedule_touch(w->s, k + 1, w->now_ms);
            break;
        default:
            schedule_listed(w->s, k + 1, SCHEDULE_CHANGED, w->now_ms);
        }
        size_t has = 0;
        for (size_t j = 0; i % 100 == 0 && j < N; j++)
            has += schedule_has(w->s, j + 1);
        if (i % 100 == 0)
            assert_int_equal(schedule_marks(w->s).jobs, has);
    }
    /* They come out in the order of their times, each once. */
    uint64_t key;
    size_t out = 0, has = schedule_marks(w->s).jobs;
    int64_t far = w->now_ms + 2 * SLOWEST;
    while (schedule_next(w->s, far, &key)) {
        schedule_failed(w->s, key, SLOWEST, false, far);
        out++;
    }
    assert_int_equal(out, has);
    world_free(w);
}

static void without_memory_a_job_is_not_taken_in(void **state)
{
    (void)state;
    const struct schedule_config config = {.refresh_ms = REFRESH, .interest_ms = REFRESH};
    const struct schedule_job facts = {.status = JOB_STATUS_INIT, .create_s = EPOCH_S};
    struct err err = {""};
    alloc_fail_at(1);
    assert_null(schedule_new(&config, &err));
    assert_non_null(strstr(err.text, "out of memory"));
    alloc_fail_fired();
    struct schedule *s = schedule_new(&config, NULL);
    unsigned failures = 0;
    for (uint64_t key = 1; key <= 65; key++) {
        int rc = -1;
        for (unsigned n = 1; rc < 0; n++) {
            alloc_fail_at(n);
            rc = schedule_add(s, key, &facts, 0);
            if (alloc_fail_fired()) {
                assert_int_equal(rc, -1);
                assert_false(schedule_has(s, key));
                failures++;
            }
        }
        assert_true(schedule_has(s, key));
    }
    assert_int_equal(failures, 65 + 2 * 4); /* growing, twice, is four more */
    schedule_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_job_that_waits_is_asked_less_and_less_often_but_never_beyond_the_slowest),
        cmocka_unit_test(a_job_that_keeps_changing_is_asked_at_the_full_pace),
        cmocka_unit_test(a_change_makes_it_fast_again),
        cmocka_unit_test(a_job_in_use_is_asked_at_the_full_pace_until_its_use_is_over),
        cmocka_unit_test(readers_who_ask_often_make_it_no_slower),
        cmocka_unit_test(when_calls_are_short_every_job_gets_its_turn_and_health_says_so),
        cmocka_unit_test(with_enough_calls_health_says_nothing_is_behind),
        cmocka_unit_test(three_jobs_at_work_take_three_gets_a_round_and_no_list),
        cmocka_unit_test(a_thousand_jobs_that_wait_take_ten_lists_a_round),
        cmocka_unit_test(a_status_is_known_within_refresh_and_forty_milliseconds),
        cmocka_unit_test(status_lists_serve_among_thousands_that_have_ended),
        cmocka_unit_test(a_job_that_lists_no_longer_show_is_asked_at_once),
        cmocka_unit_test(a_job_far_older_than_the_others_is_left_to_gets),
        cmocka_unit_test(jobs_outside_the_window_are_left_to_gets),
        cmocka_unit_test(a_job_without_a_create_time_or_never_on_lists_is_left_to_gets),
        cmocka_unit_test(a_job_that_has_ended_is_asked_no_more),
        cmocka_unit_test(a_duration_that_is_late_is_asked_for_once),
        cmocka_unit_test(a_job_known_from_a_list_gets_its_first_get_at_once),
        cmocka_unit_test(thousands_that_had_ended_are_never_due_and_delay_nobody),
        cmocka_unit_test(those_that_had_ended_come_in_the_order_in_which_they_were_shown),
        cmocka_unit_test(one_that_fails_goes_behind_the_others_and_all_wait_a_while),
        cmocka_unit_test(without_memory_one_that_had_ended_waits_for_a_reader),
        cmocka_unit_test(failures_make_it_rarer_and_success_ends_that),
        cmocka_unit_test(a_get_that_came_too_early_is_followed_by_another),
        cmocka_unit_test(what_it_does_not_know_does_nothing),
        cmocka_unit_test(jobs_come_and_go),
        cmocka_unit_test(without_memory_a_job_is_not_taken_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
