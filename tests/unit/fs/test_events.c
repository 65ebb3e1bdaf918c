/* The log of changes and its readers. */
#include "base/buf.h"
#include "base/clock.h"
#include "fs/events.h"
#include "fs/events_line.h"
#include "job/name.h"
#include "support/alloc_fail.h"
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define T0_NS (INT64_C(1608730420) * 1000000000) /* 2020-12-23T13:33:40Z */

static struct events *e;

static int set_up(void **state)
{
    (void)state;
    e = events_new(NULL, NULL);
    return e ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    events_free(e);
    return 0;
}

static void append(const char *job)
{
    struct event event = {
        .kind = EVENT_CHANGED, .job = job, .status = "Processing", .time_ns = T0_NS};
    events_append(e, &event);
}

/* The number in a line. */
static uint64_t seq_of(const char *line)
{
    unsigned long long seq = 0;
    assert_int_equal(sscanf(line, "{\"seq\":%llu,", &seq), 1);
    return seq;
}

static uint64_t last_seq(void)
{
    struct events_stat s;
    events_stat(e, &s);
    return s.last_seq;
}

/* ---- lines ---- */

static void assert_line(const struct event *event, const char *want)
{
    struct buf line = BUF_INIT(EVENTS_LINE_MAX);
    assert_int_equal(events_line_change(&line, 7, event), 0);
    assert_string_equal(buf_str(&line), want);
    buf_free(&line);
}

static void a_line_tells_of_the_job_its_status_and_the_files_that_changed(void **state)
{
    (void)state;
    const struct job_change changes[] = {{.name = "media_url"}, {.name = "status"}};
    const struct event event = {.kind = EVENT_CHANGED,
                                .job = "job-0001",
                                .status = "Success",
                                .was = "Processing",
                                .changes = changes,
                                .n_changes = 2,
                                .time_ns = T0_NS};
    assert_line(&event, "{\"seq\":7,\"time\":\"2020-12-23T13:33:40Z\",\"job\":\"job-0001\","
                        "\"event\":\"changed\",\"status\":\"Success\",\"was\":\"Processing\","
                        "\"fields\":[\"media_url\",\"status\"]}\n");
}

static void what_is_not_there_is_null_and_an_empty_list(void **state)
{
    (void)state;
    const struct event created = {.kind = EVENT_CREATED, .job = "job-0001"};
    const struct event removed = {.kind = EVENT_REMOVED, .job = "job-0001"};
    assert_line(&created, "{\"seq\":7,\"time\":\"1970-01-01T00:00:00Z\",\"job\":\"job-0001\","
                          "\"event\":\"created\",\"status\":null,\"was\":null,\"fields\":[]}\n");
    assert_line(&removed, "{\"seq\":7,\"time\":\"1970-01-01T00:00:00Z\",\"job\":\"job-0001\","
                          "\"event\":\"removed\",\"status\":null,\"was\":null,\"fields\":[]}\n");
}

static void texts_are_escaped_and_utf8_passes(void **state)
{
    (void)state;
    const struct event event = {
        .kind = EVENT_CHANGED, .job = "job-0001", .status = "a\"b\\c\n\x7f\x01 \xe6\x88\x90"};
    assert_line(&event, "{\"seq\":7,\"time\":\"1970-01-01T00:00:00Z\",\"job\":\"job-0001\","
                        "\"event\":\"changed\",\"status\":\"a\\\"b\\\\c\\u000a\\u007f\\u0001 "
                        "\xe6\x88\x90\",\"was\":null,\"fields\":[]}\n");
}

static void a_long_text_is_cut_at_a_character(void **state)
{
    (void)state;
    char text[400];
    memset(text, 'x', sizeof text);
    memcpy(text + 255, "\xe6\x88\x90\xe6\x88\x90", 7);
    const struct event event = {.kind = EVENT_CHANGED, .job = "job-0001", .status = text};
    struct buf line = BUF_INIT(EVENTS_LINE_MAX);
    assert_int_equal(events_line_change(&line, 7, &event), 0);
    const char *cut = strstr(buf_str(&line), "xxx");
    assert_int_equal(strspn(cut, "x"), 255);
    assert_memory_equal(cut + 255, "\",", 2);
    buf_free(&line);
}

static void a_line_past_its_ceiling_says_how_many_names_it_left_out(void **state)
{
    (void)state;
    enum { N = 600 };
    static struct job_change changes[N];
    char name[JOB_NAME_MAX + 1];
    memset(name, 'n', JOB_NAME_MAX);
    name[JOB_NAME_MAX] = '\0';
    for (size_t i = 0; i < N; i++)
        changes[i].name = name;
    const struct event event = {
        .kind = EVENT_CHANGED, .job = "job-0001", .changes = changes, .n_changes = N};
    struct buf line = BUF_INIT(EVENTS_LINE_MAX);
    assert_int_equal(events_line_change(&line, UINT64_MAX, &event), 0);
    assert_in_range(line.len, EVENTS_LINE_MAX - 1024, EVENTS_LINE_MAX);
    unsigned more = 0, named = 0;
    assert_int_equal(sscanf(strstr(buf_str(&line), "],\"more\":"), "],\"more\":%u}", &more), 1);
    for (const char *p = buf_str(&line); (p = strstr(p, name)); p += strlen(name))
        named++;
    assert_int_equal(named + more, N);
    assert_int_equal(line.data[line.len - 1], '\n');
    buf_free(&line);
}

static void a_line_without_memory_is_an_error(void **state)
{
    (void)state;
    const struct job_change changes[] = {{.name = "media_url"}, {.name = "status"}};
    const struct event event = {
        .kind = EVENT_CHANGED, .job = "j", .status = "\x01", .changes = changes, .n_changes = 2};
    for (size_t room = 1; room < 115; room++) {
        struct buf line = BUF_INIT(room);
        assert_int_equal(events_line_change(&line, 7, &event), -1);
        buf_free(&line);
    }
}

/* ---- the log ---- */

static void the_log_grows_and_has_the_time_of_its_last_line(void **state)
{
    (void)state;
    struct events_stat s;
    char text[4096];
    uint64_t base = 0;
    events_stat(e, &s);
    assert_int_equal(s.size, 0);
    assert_true(s.last_seq == 0);
    assert_true(s.mtime_ns > T0_NS);
    append("job-0001");
    append("job-0002");
    events_stat(e, &s);
    assert_true(s.mtime_ns == T0_NS);
    size_t n = events_read_log(e, &base, 0, text, sizeof text);
    assert_int_equal(n, s.size);
    text[n] = '\0';
    const char *second = strchr(text, '\n') + 1;
    assert_true(seq_of(second) == seq_of(text) + 1);
    assert_true(seq_of(second) == s.last_seq);
    assert_non_null(strstr(second, "job-0002"));
    assert_int_equal(events_read_log(e, &base, s.size, text, sizeof text), 0);
    assert_int_equal(events_read_log(e, &base, INT64_MAX, text, sizeof text), 0);
}

/* A line that makes the log full soon. */
static size_t append_long(void)
{
    enum { N = 200 };
    static struct job_change changes[N];
    static char name[JOB_NAME_MAX + 1];
    memset(name, 'n', JOB_NAME_MAX);
    for (size_t i = 0; i < N; i++)
        changes[i].name = name;
    struct event event = {.kind = EVENT_CHANGED,
                          .job = "job-long",
                          .changes = changes,
                          .n_changes = N,
                          .time_ns = T0_NS};
    struct events_stat before, after;
    events_stat(e, &before);
    events_append(e, &event);
    events_stat(e, &after);
    return (size_t)(after.base + after.size - before.base - before.size);
}

static void append_until_cut(void)
{
    struct events_stat s, t;
    events_stat(e, &s);
    do {
        append_long();
        events_stat(e, &t);
    } while (t.base == s.base);
}

static void a_full_log_is_cut_to_its_newer_half_at_a_line(void **state)
{
    (void)state;
    struct events_stat s;
    char start[64];
    uint64_t base = 0;
    size_t line = append_long();
    append_until_cut();
    events_stat(e, &s);
    assert_in_range(s.size, EVENTS_LOG_MAX / 2 - line, EVENTS_LOG_MAX / 2 + line);
    assert_int_equal(s.base % line, 0);
    events_read_log(e, &base, 0, start, sizeof start - 1);
    start[sizeof start - 1] = '\0';
    assert_true(seq_of(start) == s.last_seq + 1 - s.size / line);
    for (int i = 0; i < 3; i++) { /* it is as good as new */
        append_until_cut();
        events_stat(e, &s);
        assert_in_range(s.size, EVENTS_LOG_MAX / 2 - line, EVENTS_LOG_MAX / 2 + line);
    }
}

static void a_cut_does_not_shift_the_bytes_under_who_reads_the_log(void **state)
{
    (void)state;
    char before[256], after[256];
    uint64_t base = 0, mine = 0;
    append_long();
    struct events_stat s;
    do { /* nearly full */
        append_long();
        events_stat(e, &s);
    } while (s.size < EVENTS_LOG_MAX - EVENTS_LINE_MAX);
    size_t at = s.size - 1000;
    events_read_log(e, &mine, at, before, sizeof before);
    append_until_cut();
    assert_int_equal(events_read_log(e, &mine, at, after, sizeof after), sizeof after);
    assert_memory_equal(before, after, sizeof after);
    assert_true(mine == 0);
    /* From its start it is read as it is now; and so is one whose place is gone. */
    events_read_log(e, &base, 0, before, sizeof before);
    assert_true(base > 0);
    assert_int_equal(events_read_log(e, &mine, 1, after, sizeof after), sizeof after);
    assert_true(mine == base);
    assert_memory_equal(before + 1, after, sizeof after - 1);
}

/* ---- the stream ---- */

static void a_reader_sees_what_comes_after_it_and_every_reader_all_of_it(void **state)
{
    (void)state;
    char text[3][4096];
    append("job-0001");
    struct events_reader *r[3];
    for (int i = 0; i < 3; i++) {
        r[i] = events_reader_new(e);
        assert_int_equal(events_reader_take(r[i], text[i], sizeof text[i]), 0);
        assert_false(events_reader_ready(r[i]));
    }
    append("job-0002");
    append("job-0003");
    for (int i = 0; i < 3; i++) {
        assert_true(events_reader_ready(r[i]));
        size_t n = events_reader_take(r[i], text[i], sizeof text[i]);
        assert_true(n > 0);
        text[i][n] = '\0';
        assert_true(seq_of(text[i]) == last_seq() - 1);
        assert_non_null(strstr(text[i], "job-0003"));
        assert_string_equal(text[i], text[0]);
        assert_false(events_reader_ready(r[i]));
        events_reader_free(r[i]);
    }
}

static void a_read_gives_whole_lines_as_long_as_one_fits(void **state)
{
    (void)state;
    char text[4096];
    struct events_reader *r = events_reader_new(e);
    append("job-0001");
    append("job-0002");
    struct events_stat s;
    events_stat(e, &s);
    assert_int_equal(events_reader_take(r, text, s.size - 1), s.size / 2);
    assert_int_equal(events_reader_take(r, text, s.size / 2), s.size / 2);
    assert_int_equal(events_reader_take(r, text, sizeof text), 0);
    events_reader_free(r);
}

static void a_byte_at_a_time_gives_the_same_text_even_when_the_log_is_cut_meanwhile(void **state)
{
    (void)state;
    char whole[512], piece[512] = "";
    struct events_reader *a = events_reader_new(e), *b = events_reader_new(e);
    append("job-0001");
    size_t n = events_reader_take(a, whole, sizeof whole - 1);
    whole[n] = '\0';
    for (size_t i = 0; i < n; i++) {
        if (i == n / 2)
            append_until_cut();
        assert_true(events_reader_ready(b));
        assert_int_equal(events_reader_take(b, piece + i, 1), 1);
    }
    assert_string_equal(piece, whole);
    events_reader_free(a);
    events_reader_free(b);
}

static void who_fell_behind_goes_on_with_the_first_line_there_is(void **state)
{
    (void)state;
    static char text[EVENTS_LINE_MAX + 1];
    struct events_reader *r = events_reader_new(e);
    append_until_cut();
    size_t line = append_long();
    struct events_stat s;
    events_stat(e, &s);
    size_t n = events_reader_take(r, text, EVENTS_LINE_MAX);
    text[n] = '\0';
    assert_int_equal(n % line, 0);
    assert_true(seq_of(text) == s.last_seq + 1 - s.size / line);
    events_reader_free(r);
}

/* ---- waiting ---- */

struct call {
    struct events_waiter w; /* first */
    int woken;
};

static void on_wake(struct events_waiter *w)
{
    ((struct call *)w)->woken++;
}

static void everyone_who_waits_is_woken_once_by_a_line(void **state)
{
    (void)state;
    enum { N = 40 };
    struct call calls[N] = {0};
    char text[512];
    for (int i = 0; i < N; i++) {
        calls[i].w =
            (struct events_waiter){.wake = on_wake, .events = e, .reader = events_reader_new(e)};
        assert_int_equal(events_park(&calls[i].w, 1000), EVENTS_PARKED);
    }
    append("job-0001");
    append("job-0002");
    for (int i = 0; i < N; i++) {
        assert_int_equal(calls[i].woken, 1);
        assert_int_equal(events_park(&calls[i].w, 1000), EVENTS_READY);
        assert_true(events_reader_take(calls[i].w.reader, text, sizeof text) > 0);
        assert_true(seq_of(text) == last_seq() - 1);
        events_reader_free(calls[i].w.reader);
    }
    assert_true(events_expire(e, INT64_MAX - 1) == INT64_MAX);
}

static void who_waits_for_the_next_line_is_woken_by_it_whatever_was_not_read(void **state)
{
    (void)state;
    struct events_reader *r = events_reader_new(e);
    struct call call = {.w = {.wake = on_wake, .events = e}};
    append("job-0001");
    assert_int_equal(events_park(&call.w, INT64_MAX), EVENTS_PARKED);
    assert_true(events_expire(e, INT64_MAX - 1) == INT64_MAX);
    assert_int_equal(call.woken, 0);
    append("job-0002");
    assert_int_equal(call.woken, 1);
    assert_int_equal(events_park(&call.w, 1000), EVENTS_PARKED);
    assert_true(events_expire(e, 1000) == INT64_MAX);
    assert_int_equal(call.woken, 2);
    events_shutdown(e);
    assert_int_equal(events_park(&call.w, INT64_MAX), EVENTS_READY);
    events_reader_free(r);
}

static void who_waits_too_long_gets_a_heartbeat_with_the_number_of_the_last_change(void **state)
{
    (void)state;
    char text[512];
    append("job-0001");
    struct call a = {.w = {.wake = on_wake, .events = e, .reader = events_reader_new(e)}};
    struct call b = {.w = {.wake = on_wake, .events = e, .reader = events_reader_new(e)}};
    struct call forever = {.w = {.wake = on_wake, .events = e, .reader = a.w.reader}};
    events_park(&a.w, 1000);
    events_park(&b.w, 2000);
    events_park(&forever.w, INT64_MAX);
    assert_true(events_expire(e, 999) == 1000);
    assert_int_equal(a.woken, 0);
    assert_true(events_expire(e, 1000) == 2000);
    assert_int_equal(a.woken, 1);
    assert_int_equal(b.woken, 0);
    assert_int_equal(forever.woken, 0);
    size_t n = events_reader_take(a.w.reader, text, sizeof text);
    text[n] = '\0';
    assert_true(seq_of(text) == last_seq());
    assert_non_null(strstr(text, "Z\",\"event\":\"heartbeat\"}\n"));
    assert_int_equal(events_reader_take(a.w.reader, text, sizeof text), 0);
    struct events_stat s;
    events_stat(e, &s);
    append("job-0002"); /* which is the next number, and the heartbeat is in no log */
    assert_true(last_seq() == s.last_seq + 1);
    assert_int_equal(b.woken, 1);
    assert_int_equal(forever.woken, 1);
    events_reader_free(a.w.reader);
    events_reader_free(b.w.reader);
}

static void two_who_wait_on_one_reader_share_a_heartbeat(void **state)
{
    (void)state;
    char text[512];
    struct events_reader *r = events_reader_new(e);
    struct call a = {.w = {.wake = on_wake, .events = e, .reader = r}},
                b = {.w = {.wake = on_wake, .events = e, .reader = r}};
    events_park(&a.w, 1000);
    events_park(&b.w, 1000);
    events_expire(e, 1000);
    assert_int_equal(a.woken + b.woken, 2);
    size_t n = events_reader_take(r, text, sizeof text);
    assert_int_equal(text[n - 1], '\n');
    assert_int_equal(events_reader_take(r, text, sizeof text), 0);
    assert_int_equal(events_park(&b.w, 1000), EVENTS_PARKED); /* past its time: again at once */
    assert_true(events_expire(e, 1000) == INT64_MAX);
    assert_int_equal(b.woken + a.woken, 3);
    events_reader_free(r);
}

static int rung;

static void on_alarm(void *arg)
{
    assert_ptr_equal(arg, &rung);
    rung++;
}

static void the_alarm_is_for_an_earlier_deadline_than_was_told(void **state)
{
    (void)state;
    struct call calls[3] = {0};
    struct events_reader *r = events_reader_new(e);
    rung = 0;
    events_set_alarm(e, on_alarm, &rung);
    for (int i = 0; i < 3; i++)
        calls[i].w = (struct events_waiter){.wake = on_wake, .events = e, .reader = r};
    events_park(&calls[0].w, 1000);
    assert_int_equal(rung, 1);
    events_park(&calls[1].w, 1000);
    assert_int_equal(rung, 1);
    events_park(&calls[2].w, 500);
    assert_int_equal(rung, 2);
    for (int i = 0; i < 3; i++)
        assert_true(events_cancel(&calls[i].w));
    assert_true(events_expire(e, 2000) == INT64_MAX); /* nobody is left */
    assert_int_equal(calls[0].woken + calls[1].woken + calls[2].woken, 0);
    assert_false(events_reader_ready(r));
    events_reader_free(r);
}

static void an_interrupt_has_the_waiter_back_or_keeps_it_from_parking(void **state)
{
    (void)state;
    struct events_reader *r = events_reader_new(e);
    struct call parked = {.w = {.wake = on_wake, .events = e, .reader = r}};
    struct call early = parked, woken = parked;
    assert_int_equal(events_park(&parked.w, 1000), EVENTS_PARKED);
    assert_true(events_cancel(&parked.w));
    assert_false(events_cancel(&parked.w));
    assert_false(events_cancel(&early.w));
    assert_int_equal(events_park(&early.w, 1000), EVENTS_INTERRUPTED);
    assert_int_equal(events_park(&woken.w, 1000), EVENTS_PARKED);
    append("job-0001");
    assert_int_equal(woken.woken, 1);
    assert_false(events_cancel(&woken.w)); /* between being woken and parking again */
    char text[512];
    events_reader_take(r, text, sizeof text);
    assert_int_equal(events_park(&woken.w, 1000), EVENTS_INTERRUPTED);
    assert_int_equal(parked.woken, 0);
    assert_int_equal(early.woken, 0);
    events_reader_free(r);
}

static void the_end_wakes_everyone_and_leaves_what_was_not_read(void **state)
{
    (void)state;
    char text[512];
    struct events_reader *behind = events_reader_new(e);
    append("job-0001");
    struct call call = {.w = {.wake = on_wake, .events = e, .reader = events_reader_new(e)}};
    events_park(&call.w, 1000);
    assert_false(events_is_shut(e));
    events_shutdown(e);
    assert_true(events_is_shut(e));
    assert_int_equal(call.woken, 1);
    assert_int_equal(events_park(&call.w, 1000), EVENTS_READY);
    assert_true(events_reader_ready(call.w.reader));
    assert_int_equal(events_reader_take(call.w.reader, text, sizeof text), 0);
    assert_true(events_reader_take(behind, text, sizeof text) > 0);
    events_reader_free(behind);
    events_reader_free(call.w.reader);
}

/* ---- memory ---- */

static void without_memory_a_line_is_lost_and_its_number_shows_it(void **state)
{
    (void)state;
    char text[512];
    struct events_reader *r = events_reader_new(e);
    append("job-0001");
    struct event event = {.kind = EVENT_CHANGED, .job = "job-0002"};
    struct events *fresh = events_new(NULL, NULL);
    struct events_stat s;
    alloc_fail_at(1);
    events_append(fresh, &event);
    assert_true(alloc_fail_fired());
    events_stat(fresh, &s);
    assert_int_equal(s.size, 0);
    events_append(fresh, &event);
    events_stat(fresh, &s);
    assert_true(s.last_seq > 0);
    events_free(fresh);
    assert_true(events_reader_take(r, text, sizeof text) > 0);
    events_reader_free(r);
}

static void making_one_survives_every_failing_allocation(void **state)
{
    (void)state;
    for (unsigned n = 1;; n++) {
        struct err err = {""};
        alloc_fail_at(n);
        struct events *made = events_new(NULL, &err);
        bool fired = alloc_fail_fired();
        assert_int_equal(made == NULL, fired);
        if (made) {
            alloc_fail_at(1);
            assert_null(events_reader_new(made));
            assert_true(alloc_fail_fired());
        }
        events_free(made);
        if (!fired)
            break;
        assert_string_not_equal(err.text, "");
    }
}

/* ---- numbers ---- */

static uint64_t used[8];
static size_t n_used;

static void on_used(void *arg, uint64_t number)
{
    assert_ptr_equal(arg, used);
    used[n_used++] = number;
}

static void numbers_begin_where_their_keeper_says_and_each_is_told_of(void **state)
{
    (void)state;
    const struct events_numbers numbers = {.first = 41, .used = on_used, .arg = used};
    struct events *kept = events_new(&numbers, NULL);
    struct event event = {.kind = EVENT_CHANGED, .job = "job-0001"};
    char text[1024] = "";
    uint64_t base = 0;
    n_used = 0;
    for (int i = 0; i < 3; i++)
        events_append(kept, &event);
    assert_int_equal(n_used, 3);
    for (uint64_t i = 0; i < 3; i++)
        assert_true(used[i] == 41 + i);
    assert_true(events_read_log(kept, &base, 0, text, sizeof text - 1) > 0);
    assert_true(seq_of(text) == 41);
    events_free(kept);
}

static void without_a_keeper_numbers_begin_with_the_microseconds_of_now(void **state)
{
    (void)state;
    uint64_t now_us = (uint64_t)clock_real_ns() / 1000;
    append("job-0001");
    assert_true(last_seq() <= now_us);
    assert_true(now_us - last_seq() < UINT64_C(60000000)); /* made by set_up */
    append("job-0001");
    append("job-0001");
    uint64_t third = last_seq();
    append("job-0001");
    assert_true(last_seq() == third + 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(numbers_begin_where_their_keeper_says_and_each_is_told_of),
        CASE(without_a_keeper_numbers_begin_with_the_microseconds_of_now),
        cmocka_unit_test(a_line_tells_of_the_job_its_status_and_the_files_that_changed),
        cmocka_unit_test(what_is_not_there_is_null_and_an_empty_list),
        cmocka_unit_test(texts_are_escaped_and_utf8_passes),
        cmocka_unit_test(a_long_text_is_cut_at_a_character),
        cmocka_unit_test(a_line_past_its_ceiling_says_how_many_names_it_left_out),
        cmocka_unit_test(a_line_without_memory_is_an_error),
        CASE(the_log_grows_and_has_the_time_of_its_last_line),
        CASE(a_full_log_is_cut_to_its_newer_half_at_a_line),
        CASE(a_cut_does_not_shift_the_bytes_under_who_reads_the_log),
        CASE(a_reader_sees_what_comes_after_it_and_every_reader_all_of_it),
        CASE(a_read_gives_whole_lines_as_long_as_one_fits),
        CASE(a_byte_at_a_time_gives_the_same_text_even_when_the_log_is_cut_meanwhile),
        CASE(who_fell_behind_goes_on_with_the_first_line_there_is),
        CASE(everyone_who_waits_is_woken_once_by_a_line),
        CASE(who_waits_for_the_next_line_is_woken_by_it_whatever_was_not_read),
        CASE(who_waits_too_long_gets_a_heartbeat_with_the_number_of_the_last_change),
        CASE(two_who_wait_on_one_reader_share_a_heartbeat),
        CASE(the_alarm_is_for_an_earlier_deadline_than_was_told),
        CASE(an_interrupt_has_the_waiter_back_or_keeps_it_from_parking),
        CASE(the_end_wakes_everyone_and_leaves_what_was_not_read),
        CASE(without_memory_a_line_is_lost_and_its_number_shows_it),
        cmocka_unit_test(making_one_survives_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
