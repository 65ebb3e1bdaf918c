/* The small parts: window, clock, map, writer, XML, sockets, command line. */
#include "base/clock.h"
#include "sim/answer.h"
#include "sim/clock.h"
#include "sim/listen.h"
#include "sim/map.h"
#include "sim/options.h"
#include "sim/out.h"
#include "sim/window.h"
#include "sim/xml.h"
#include "support/alloc_fail.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cmocka.h>

/* --- window --- */

static void a_second_slides(void **state)
{
    (void)state;
    struct sim_window w = {0};
    for (int i = 0; i < 10; i++)
        assert_int_equal(sim_window_add(&w, i * 100 * NS_PER_MS), 0);
    assert_int_equal(sim_window_count(&w, 999 * NS_PER_MS), 10);
    assert_int_equal(sim_window_count(&w, NS_PER_S), 9);
    assert_int_equal(sim_window_count(&w, 1450 * NS_PER_MS), 5);
    assert_int_equal(sim_window_count(&w, 1900 * NS_PER_MS), 0);
    sim_window_free(&w);
}

static void a_window_grows_around_its_seam_and_to_its_ceiling(void **state)
{
    (void)state;
    struct sim_window w = {0};
    for (int i = 0; i < 50; i++)
        assert_int_equal(sim_window_add(&w, i), 0);
    for (int i = 0; i < 200; i++)
        assert_int_equal(sim_window_add(&w, NS_PER_S + i * 10), 0);
    assert_int_equal(sim_window_count(&w, NS_PER_S + 2000), 200);
    while (w.n < SIM_WINDOW_MAX)
        assert_int_equal(sim_window_add(&w, NS_PER_S + 2000), 0);
    assert_int_equal(sim_window_add(&w, NS_PER_S + 2000), -1);
    assert_int_equal(errno, EFBIG);
    sim_window_free(&w);
    alloc_fail_at(1);
    assert_int_equal(sim_window_add(&w, 0), -1);
    assert_true(alloc_fail_fired());
}

/* --- clock --- */

static void simulated_time_runs_jumps_and_stands(void **state)
{
    (void)state;
    struct sim_clock c = {5000, 0, 10, false};
    assert_int_equal(sim_clock_ms(&c, NS_PER_S), 15000);
    sim_clock_advance(&c, NS_PER_S, 1000);
    assert_int_equal(sim_clock_ms(&c, NS_PER_S), 16000);
    sim_clock_set(&c, 2 * NS_PER_S, 1, true);
    assert_int_equal(sim_clock_ms(&c, 9 * NS_PER_S), 26000);
    sim_clock_advance(&c, 9 * NS_PER_S, 5);
    sim_clock_set(&c, 9 * NS_PER_S, 0.5, false);
    assert_int_equal(sim_clock_ms(&c, 11 * NS_PER_S), 27005);
    assert_int_equal(sim_clock_ms(&c, 0), 26005);
}

/* --- map --- */

static void a_map_keeps_what_was_put_up_to_its_ceiling(void **state)
{
    (void)state;
    struct sim_map m = {.max = 1000};
    char key[16];
    assert_null(sim_map_find(&m, "k1"));
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(key, sizeof(key), "k%u", i);
        uint64_t *value = sim_map_put(&m, key);
        assert_non_null(value);
        *value += i;
    }
    assert_null(sim_map_put(&m, "one more"));
    assert_int_equal(errno, EFBIG);
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(key, sizeof(key), "k%u", i);
        assert_int_equal(*sim_map_find(&m, key), i);
        assert_ptr_equal(sim_map_put(&m, key), sim_map_find(&m, key));
    }
    sim_map_clear(&m);
    assert_null(sim_map_find(&m, "k1"));
    for (unsigned n = 1; n <= 2; n++) {
        alloc_fail_at(n);
        assert_null(sim_map_put(&m, "a"));
        assert_true(alloc_fail_fired());
        sim_map_clear(&m);
    }
}

/* --- writing JSON --- */

static void strings_are_escaped_as_utf8_or_as_ascii(void **state)
{
    (void)state;
    static const char text[] = "\"\\\n\t\x01 中😀 \xff\xe4\xb8";
    struct buf CLEANUP_BUF utf8 = BUF_INIT(256);
    struct buf CLEANUP_BUF ascii = BUF_INIT(256);
    struct sim_out a = {.buf = &utf8};
    struct sim_out b = {.buf = &ascii, .ascii = true};
    sim_out_string(&a, text, sizeof(text) - 1);
    sim_out_string(&b, text, sizeof(text) - 1);
    assert_string_equal(buf_str(&utf8), "\"\\\"\\\\\\n\\t\\u0001 中😀 \xff\xe4\xb8\"");
    assert_string_equal(buf_str(&ascii),
                        "\"\\\"\\\\\\n\\t\\u0001 \\u4e2d\\ud83d\\ude00 \xff\xe4\xb8\"");
    assert_int_equal(sim_out_end(&a), 0);
}

static void a_failed_append_sticks(void **state)
{
    (void)state;
    struct buf CLEANUP_BUF small = BUF_INIT(8);
    struct sim_out o = {.buf = &small};
    sim_out_text(&o, "123456789");
    sim_out_text(&o, "1");
    assert_int_equal(small.len, 0);
    assert_int_equal(sim_out_end(&o), -1);
}

static void xml_mirrors_json(void **state)
{
    (void)state;
    struct buf CLEANUP_BUF out = BUF_INIT(4096);
    const char *json =
        "{\"A\":\"<&>\",\"B\":{\"C\":1.5,\"D\":null,\"E\":true},\"F\":[{\"G\":1},2]}";
    assert_int_equal(sim_xml_document(&out, "Root", json), 0);
    assert_string_equal(buf_str(&out),
                        "<?xml version='1.0' encoding='UTF-8'?><Root><A>&lt;&amp;&gt;</A><B>"
                        "<C>1.5</C><D></D><E>true</E></B><F><F><G>1</G></F><F>2</F></F></Root>");
    assert_int_equal(sim_xml_document(&out, "Root", "[1]"), -1);
    assert_int_equal(errno, EINVAL);
}

/* --- answers --- */

static void dates_are_those_of_http(void **state)
{
    (void)state;
    char date[SIM_DATE_LEN];
    int64_t back;
    sim_answer_date(784111777, date);
    assert_string_equal(date, "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_int_equal(clock_parse_http_date(date, &back), 0);
    assert_int_equal(back, 784111777);
}

static size_t read_all(const struct sim_reply *r, char *out, size_t piece)
{
    size_t at = 0;
    for (size_t n; at < 1000 && (n = sim_answer_piece(r, at, out + at, piece)) > 0;)
        at += n;
    out[at < 1000 ? at : 999] = '\0';
    return at;
}

static void bodies_are_cut_dripped_and_blown_up(void **state)
{
    (void)state;
    char out[1001];
    struct sim_reply r = {.body = BUF_INIT(100)};
    assert_int_equal(buf_adds(&r.body, "{\"a\":{\"b\":\""), 0);
    r.wire = SIM_WIRE_CUT;
    r.part = 4;
    assert_int_equal(sim_answer_length(&r), 11);
    assert_int_equal(read_all(&r, out, 3), 4);
    r.part = 50;
    assert_true(sim_answer_length(&r) > read_all(&r, out, 3));
    r.wire = SIM_WIRE_SLOW;
    r.part = 2;
    assert_int_equal(sim_answer_piece(&r, 0, out, 100), 2);
    assert_int_equal(read_all(&r, out, 100), sim_answer_length(&r));
    r.wire = SIM_WIRE_HUGE;
    r.total = 30;
    assert_int_equal(sim_answer_length(&r), 30);
    out[read_all(&r, out, 7)] = '\0';
    assert_string_equal(out, "{\"a\":{\"b\":\"AAAAAAAAAAAAAAAA\"}}");
    r.total = 0;
    out[read_all(&r, out, 7)] = '\0';
    assert_string_equal(out, "{\"a\":{\"b\":\"\"}}");
    sim_reply_free(&r);
}

/* --- sockets --- */

static void a_port_is_found_and_named(void **state)
{
    (void)state;
    struct sim_listener l;
    struct err err;
    assert_int_equal(sim_listen("127.0.0.1:0", &l, &err), 0);
    assert_int_equal(strncmp(l.address, "127.0.0.1:", 10), 0);
    assert_string_not_equal(l.address, "127.0.0.1:0");
    assert_false(l.is_unix);
    struct sim_listener again;
    assert_int_equal(sim_listen(l.address, &again, &err), -1);
    assert_non_null(strstr(err.text, "in use"));
    sim_listener_close(&l);
    assert_int_equal(l.fd, -1);
}

static void addresses_that_are_none_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      ":0",
                                      "localhost",
                                      "127.0.0.1:99999999",
                                      "[]:0",
                                      "unix:",
                                      "unix:/proc/no/such/place",
                                      "256.0.0.1:0"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct sim_listener l;
        struct err err = {""};
        assert_int_equal(sim_listen(bad[i], &l, &err), -1);
        assert_int_equal(strncmp(err.text, "listening at ", 13), 0);
    }
}

static void a_socket_file_is_private_replaced_when_stale_and_removed(void **state)
{
    (void)state;
    char dir[] = "/tmp/sim-test-XXXXXX";
    char where[64];
    struct sim_listener l;
    struct sim_listener second;
    struct err err;
    struct stat st;
    assert_non_null(mkdtemp(dir));
    snprintf(where, sizeof(where), "unix:%s/s", dir);
    assert_int_equal(sim_listen(where, &l, &err), 0);
    assert_int_equal(stat(where + 5, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_string_equal(l.address, where);
    assert_int_equal(sim_listen(where, &second, &err), -1);
    assert_non_null(strstr(err.text, "already"));
    close(l.fd); /* as a killed one leaves it */
    assert_int_equal(sim_listen(where, &second, &err), 0);
    sim_listener_close(&second);
    assert_int_equal(stat(where + 5, &st), -1);
    fclose(fopen(where + 5, "w"));
    assert_int_equal(sim_listen(where, &l, &err), -1);
    assert_int_equal(unlink(where + 5), 0);
    assert_int_equal(rmdir(dir), 0);
}

/* --- command line --- */

static int parse(struct sim_options *o, struct err *err, const char *a, const char *b,
                 const char *c, const char *d)
{
    const char *argv[] = {"icejobfs-sim", a, b, c, d, NULL};
    int argc = 1;
    while (argv[argc])
        argc++;
    return sim_options_parse(argc, (char **)(uintptr_t)argv, o, err);
}

static void options_are_taken_in_both_spellings(void **state)
{
    (void)state;
    struct sim_options o;
    struct err err = {""};
    assert_int_equal(parse(&o, &err, "--listen", "127.0.0.1:0", "--jobs=5", "--speed=2.5"), 0);
    assert_string_equal(o.listen, "127.0.0.1:0");
    assert_int_equal(o.config.jobs, 5);
    assert_true(o.config.speed == 2.5);
    assert_int_equal(o.ready_fd, -1);
    assert_int_equal(parse(&o, &err, "--listen=unix:/x", "--seed=9", "--qps=3", "--ready-fd=7"), 0);
    assert_int_equal(o.config.seed, 9);
    assert_int_equal(o.config.qps, 3);
    assert_int_equal(o.ready_fd, 7);
    assert_int_equal(parse(&o, &err, "--listen=unix:/x", "--span=2h", "--every=1m", NULL), 0);
    assert_int_equal(o.config.span_ms, 7200000);
    assert_int_equal(o.config.every_ms, 60000);
    assert_int_equal(parse(&o, &err, "--listen=unix:/x", "--tls-cert=c", "--tls-key=k", NULL), 0);
    assert_string_equal(o.tls_cert, "c");
    assert_string_equal(o.tls_key, "k");
    assert_int_equal(parse(&o, &err, "--help", NULL, NULL, NULL), 0);
    assert_int_equal(o.run, SIM_RUN_HELP);
    assert_int_equal(parse(&o, &err, "--version", NULL, NULL, NULL), 0);
    assert_int_equal(o.run, SIM_RUN_VERSION);
}

static void wrong_options_are_named(void **state)
{
    (void)state;
    static const char *const bad[][3] = {{"--what", NULL, "--what"},
                                         {"--jobs", NULL, "--jobs"},
                                         {"--jobs=-1", NULL, "-1"},
                                         {"--speed=0", NULL, "--speed"},
                                         {"--speed=5s", NULL, "5s"},
                                         {"--help=1", NULL, "--help"},
                                         {"--listen=a:1", "--tls-key=k", "--tls-cert"},
                                         {"--jobs=1", NULL, "--listen"},
                                         {"--ready-fd=x", NULL, "--ready-fd"}};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct sim_options o;
        struct err err = {""};
        assert_int_equal(parse(&o, &err, bad[i][0], bad[i][1], NULL, NULL), -1);
        assert_non_null(strstr(err.text, bad[i][2]));
    }
}

static void help_tells_every_option(void **state)
{
    (void)state;
    static const char *const all[] = {"--listen",  "--jobs",     "--span", "--every",
                                      "--speed",   "--seed",     "--qps",  "--tls-cert",
                                      "--tls-key", "--ready-fd", "--help"};
    struct buf CLEANUP_BUF text = BUF_INIT(8192);
    assert_int_equal(sim_options_help(&text), 0);
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        assert_non_null(strstr(buf_str(&text), all[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_slides),
        cmocka_unit_test(a_window_grows_around_its_seam_and_to_its_ceiling),
        cmocka_unit_test(simulated_time_runs_jumps_and_stands),
        cmocka_unit_test(a_map_keeps_what_was_put_up_to_its_ceiling),
        cmocka_unit_test(strings_are_escaped_as_utf8_or_as_ascii),
        cmocka_unit_test(a_failed_append_sticks),
        cmocka_unit_test(xml_mirrors_json),
        cmocka_unit_test(dates_are_those_of_http),
        cmocka_unit_test(bodies_are_cut_dripped_and_blown_up),
        cmocka_unit_test(a_port_is_found_and_named),
        cmocka_unit_test(addresses_that_are_none_are_refused),
        cmocka_unit_test(a_socket_file_is_private_replaced_when_stale_and_removed),
        cmocka_unit_test(options_are_taken_in_both_spellings),
        cmocka_unit_test(wrong_options_are_named),
        cmocka_unit_test(help_tells_every_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
