/* The HTTP engine: what is sent, what comes back, who is told, and on how many connections. */
#include "api/http.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/thread.h"
#include "support/alloc_fail.h"
#include "support/http_client.h"
#include "support/httpd.h"
#include "support/rawd.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct server {
    struct httpd *httpd;
    struct httpd_response response; /* given to everybody */
    atomic_uint inside, most_inside;
    char seen[2048]; /* the last request, as text; read after its answer */
};

static void answer(void *arg, const struct httpd_request *req, struct httpd_response *resp)
{
    struct server *s = arg;
    unsigned inside = atomic_fetch_add(&s->inside, 1) + 1;
    unsigned most = atomic_load(&s->most_inside);
    while (inside > most && !atomic_compare_exchange_weak(&s->most_inside, &most, inside))
        ;
    if (s->response.delay_ms == 0) { /* else several write at once */
        const char *names[] = {"Host",          "Accept", "Content-Type", "Content-Length",
                               "Authorization", "Expect", "X-Empty"};
        int n = snprintf(s->seen, sizeof s->seen, "%s %s?%s\n", req->method, req->path, req->query);
        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
            const char *value = httpd_header(req, names[i]);
            n += snprintf(s->seen + n, sizeof s->seen - (size_t)n, "%s: %s\n", names[i],
                          value ? value : "(none)");
        }
        snprintf(s->seen + n, sizeof s->seen - (size_t)n, "%.*s", (int)req->body_len, req->body);
    }
    *resp = s->response;
    atomic_fetch_sub(&s->inside, 1);
}

static struct server *serve(struct httpd_response response)
{
    struct server *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->response = response;
    s->httpd = httpd_start(answer, s);
    return s;
}

static void stop(struct server *s)
{
    httpd_stop(s->httpd);
    free(s);
}

static void url_of(const struct server *s, const char *rest, char out[256])
{
    snprintf(out, 256, "%s%s", httpd_url(s->httpd), rest);
}

static void a_request_without_a_body_goes_out_as_given_and_with_nothing_curl_would_add(void **state)
{
    (void)state;
    struct server *s = serve((struct httpd_response){.body = "{}"});
    struct http *h = new_engine(NULL);
    char url[256], expected[512];
    url_of(s, "/?JobId=a%2Fb&E=", url);
    struct http_header headers[] = {{"Authorization", "ACS3 x"}, {"X-Empty", ""}};
    struct http_request req = post_to(url);
    req.headers = headers;
    req.n_headers = 2;
    struct got g = call(h, &req);
    snprintf(expected, sizeof expected,
             "POST /?JobId=a%%2Fb&E=\nHost: 127.0.0.1:%d\nAccept: application/json\n"
             "Content-Type: (none)\nContent-Length: 0\nAuthorization: ACS3 x\nExpect: (none)\n"
             "X-Empty: \n",
             httpd_port(s->httpd));
    assert_string_equal(s->seen, expected);
    got_free(&g);
    http_free(h);
    stop(s);
}

static void methods_bodies_and_given_headers_are_kept(void **state)
{
    (void)state;
    struct server *s = serve((struct httpd_response){.body = "{}"});
    struct http *h = new_engine(NULL);
    char url[256];
    url_of(s, "/latest", url);
    struct http_header headers[] = {{"content-type", "text/plain"}, {"accept", "*/*"}};
    struct http_request req = post_to(url);
    req.method = "PUT";
    req.body = "a=1";
    req.body_len = 3;
    req.headers = headers;
    req.n_headers = 2;
    struct got g = call(h, &req);
    assert_non_null(strstr(s->seen, "PUT /latest?\n"));
    assert_non_null(strstr(s->seen, "Accept: */*\nContent-Type: text/plain\nContent-Length: 3\n"));
    assert_non_null(strstr(s->seen, "\na=1"));
    got_free(&g);
    /* The same handle is used again: nothing of the last request may stay on it. */
    req = post_to(url);
    req.method = "GET";
    g = call(h, &req);
    assert_non_null(strstr(s->seen, "GET /latest?\n"));
    assert_non_null(strstr(s->seen, "Content-Type: (none)\nContent-Length: (none)\n"));
    got_free(&g);
    http_free(h);
    stop(s);
}

static void an_answer_brings_status_body_type_date_and_the_wish_to_wait(void **state)
{
    (void)state;
    struct server *s = serve((struct httpd_response){
        .status = 503,
        .body = "nul\0inside",
        .body_len = 10,
        .headers = "Content-Type: text/xml;charset=utf-8\nDate: Sun, 06 Nov 1994 08:49:37 GMT\n"
                   "X-Acs-Retry-After: 1500"});
    struct http *h = new_engine(NULL);
    struct http_request req = post_to(httpd_url(s->httpd));
    struct got g = call(h, &req);
    assert_int_equal(g.reply.net, API_NET_NONE);
    assert_int_equal(g.reply.status, 503);
    assert_int_equal(g.reply.body.len, 10);
    assert_memory_equal(g.reply.body.data, "nul\0inside", 11);
    assert_string_equal(g.reply.content_type, "text/xml;charset=utf-8");
    assert_int_equal(g.reply.date_unix_s, 784111777);
    assert_int_equal(g.reply.retry_after_ms, 1500);
    assert_in_range(g.reply.took_ms, 0, 5000);
    got_free(&g);
    http_free(h);
    stop(s);
}

static void an_interim_answer_and_malformed_headers_leave_no_trace(void **state)
{
    (void)state;
    static const struct raw_step steps[] = {
        {"HTTP/1.1 103 Early Hints\r\nx-acs-retry-after: 5\r\nContent-Type: a/b\r\n"
         "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\nHTTP/1.1 200 OK\r\n"
         "Date: yesterday\r\nx-acs-retry-after: -7\r\nContent-Length: 2\r\n\r\nok",
         0}};
    struct rawd *r = rawd_start(steps, 1, NULL);
    struct http *h = new_engine(NULL);
    struct http_request req = post_to(rawd_url(r));
    struct got g = call(h, &req);
    assert_int_equal(g.reply.status, 200);
    assert_string_equal(buf_str(&g.reply.body), "ok");
    assert_null(g.reply.content_type);
    assert_int_equal(g.reply.date_unix_s, 0);
    assert_int_equal(g.reply.retry_after_ms, 0);
    got_free(&g);
    http_free(h);
    rawd_stop(r);
}

static void calls_one_after_the_other_share_one_connection(void **state)
{
    (void)state;
    struct server *s = serve((struct httpd_response){.body = "{}"});
    struct http *h = new_engine(NULL);
    struct http_request req = post_to(httpd_url(s->httpd));
    for (int i = 0; i < 20; i++) {
        struct got g = call(h, &req);
        assert_int_equal(g.reply.status, 200);
        got_free(&g);
    }
    assert_int_equal(httpd_requests(s->httpd), 20);
    assert_int_equal(httpd_connections(s->httpd), 1);
    http_free(h);
    stop(s);
}

static void no_more_connections_than_configured_and_nobody_is_forgotten(void **state)
{
    (void)state;
    struct server *s = serve((struct httpd_response){.body = "{}", .delay_ms = 5});
    struct http *h = new_engine(&(struct http_config){.proxy = "", .max_connections = 3});
    struct http_request req = post_to(httpd_url(s->httpd));
    struct got g[12] = {0};
    for (size_t i = 0; i < ARRAY_LEN(g); i++)
        assert_int_equal(http_submit(h, &req, got_reply, &g[i], NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(g); i++) {
        pump_until(h, &g[i]);
        assert_int_equal(g[i].reply.status, 200);
        got_free(&g[i]);
    }
    assert_in_range(httpd_connections(s->httpd), 1, 3);
    http_free(h);
    stop(s);
}

static void a_unix_socket_stands_in_for_the_host(void **state)
{
    (void)state;
    static const struct raw_step steps[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nunix", 0}};
    char path[64];
    snprintf(path, sizeof path, "/tmp/icejobfs-test-%d.sock", (int)getpid());
    struct rawd *r = rawd_start(steps, 1, path);
    struct http *h = new_engine(&(struct http_config){.unix_socket = path});
    struct http_request req = post_to("http://ice.cn-shanghai.aliyuncs.com/");
    struct got g = call(h, &req);
    assert_string_equal(buf_str(&g.reply.body), "unix");
    got_free(&g);
    rawd_stop(r);
    g = call(h, &req);
    assert_int_equal(g.reply.net, API_NET_UNREACHABLE);
    assert_non_null(strstr(g.reply.error.text, path));
    got_free(&g);
    http_free(h);
}

static void what_must_not_be_sent_is_refused_at_once_and_without_a_callback(void **state)
{
    (void)state;
    static const struct {
        const char *method, *url, *name, *value;
        int64_t timeout_ms;
    } bad[] = {
        {"POST", "ftp://127.0.0.1/", "A", "b", 1000},
        {"POST", "file:///etc/passwd", "A", "b", 1000},
        {"POST", "http://", "A", "b", 1000},
        {"POST", "https:///path", "A", "b", 1000},
        {"POST", "http://127.0.0.1/ HTTP/1.1\r\nX: y", "A", "b", 1000},
        {"POST", "http://127.0.0.1/\xe4", "A", "b", 1000},
        {"DELETE", "http://127.0.0.1/", "A", "b", 1000},
        {"POST", "http://127.0.0.1/", "A", "b\r\nX: y", 1000},
        {"POST", "http://127.0.0.1/", "A", "b\n", 1000},
        {"POST", "http://127.0.0.1/", "A\nB", "b", 1000},
        {"POST", "http://127.0.0.1/", "A:", "b", 1000},
        {"POST", "http://127.0.0.1/", "", "b", 1000},
        {"POST", "http://127.0.0.1/", "A", "b", 0},
    };
    struct http *h = new_engine(NULL);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct http_header header = {bad[i].name, bad[i].value};
        struct http_request req = {.method = bad[i].method,
                                   .url = bad[i].url,
                                   .headers = &header,
                                   .n_headers = 1,
                                   .timeout_ms = bad[i].timeout_ms};
        struct got g = {0};
        struct err err = {""};
        assert_int_equal(http_submit(h, &req, got_reply, &g, &err), -1);
        assert_string_not_equal(err.text, "");
        http_pump(h, 0);
        assert_int_equal(g.times, 0);
    }
    http_free(h);
}

static void a_deferred_callback_comes_on_the_pump_even_while_every_slot_is_taken(void **state)
{
    (void)state;
    struct server *s = serve((struct httpd_response){.hang = true});
    struct http *h = new_engine(&(struct http_config){.proxy = "", .max_connections = 1});
    struct http_request req = post_to(httpd_url(s->httpd));
    struct got hung = {0}, queued = {0}, deferred = {0};
    assert_int_equal(http_submit(h, &req, got_reply, &hung, NULL), 0);
    assert_int_equal(http_submit(h, &req, got_reply, &queued, NULL), 0);
    http_pump(h, 0);
    assert_int_equal(http_defer(h, got_reply, &deferred, NULL), 0);
    assert_int_equal(deferred.times, 0);
    pump_until(h, &deferred);
    assert_int_equal(deferred.reply.net, API_NET_NONE);
    assert_int_equal(deferred.reply.status, 0);
    assert_int_equal(hung.times + queued.times, 0);
    http_free(h);
    got_free(&hung);
    got_free(&queued);
    got_free(&deferred);
    stop(s);
}

struct resubmit {
    struct got got;
    struct http *http;
    const struct http_request *req;
    int rc;
    struct err err;
};

static void submit_again(void *arg, struct http_reply *reply)
{
    struct resubmit *again = arg;
    again->got.times++;
    again->got.reply.error = reply->error;
    again->rc = http_submit(again->http, again->req, submit_again, again, &again->err);
}

static void the_end_answers_all_that_is_queued_running_or_deferred_and_takes_no_more(void **state)
{
    (void)state;
    struct server *s = serve((struct httpd_response){.hang = true});
    struct http *h = new_engine(&(struct http_config){.proxy = "", .max_connections = 2});
    struct http_request req = post_to(httpd_url(s->httpd));
    struct got g[5] = {0}, deferred = {0};
    for (size_t i = 0; i < ARRAY_LEN(g); i++)
        assert_int_equal(http_submit(h, &req, got_reply, &g[i], NULL), 0);
    http_pump(h, 0);
    struct resubmit again = {.http = h, .req = &req};
    assert_int_equal(http_submit(h, &req, submit_again, &again, NULL), 0);
    assert_int_equal(http_defer(h, got_reply, &deferred, NULL), 0);
    http_free(h);
    for (size_t i = 0; i < ARRAY_LEN(g); i++) {
        assert_int_equal(g[i].times, 1);
        assert_int_equal(g[i].reply.net, API_NET_BROKEN);
        assert_non_null(strstr(g[i].reply.error.text, "shutting down"));
        got_free(&g[i]);
    }
    assert_int_equal(deferred.times, 1);
    got_free(&deferred);
    assert_int_equal(again.got.times, 1);
    assert_int_equal(again.rc, -1);
    assert_non_null(strstr(again.err.text, "shutting down"));
    stop(s);
}

#define SUBMITTERS 4
#define EACH       25

struct submitter {
    struct http *http;
    const char *url;
    struct got got[EACH];
    atomic_uint *answered;
};

struct counted {
    struct got *got;
    atomic_uint *answered;
};

static void *submit_many(void *arg)
{
    struct submitter *s = arg;
    struct http_request req = post_to(s->url);
    for (int i = 0; i < EACH; i++)
        if (http_submit(s->http, &req, got_reply, &s->got[i], NULL) < 0)
            abort();
    return NULL;
}

static void submissions_from_many_threads_are_each_answered_once(void **state)
{
    (void)state;
    struct server *s = serve((struct httpd_response){.body = "{}", .delay_ms = 1});
    struct http *h = new_engine(&(struct http_config){.proxy = "", .max_connections = 8});
    struct submitter *many = calloc(SUBMITTERS, sizeof *many);
    pthread_t threads[SUBMITTERS];
    assert_non_null(many);
    for (int i = 0; i < SUBMITTERS; i++) {
        many[i].http = h;
        many[i].url = httpd_url(s->httpd);
        assert_int_equal(thread_start(&threads[i], "submitter", submit_many, &many[i], NULL), 0);
    }
    for (int i = 0; i < SUBMITTERS; i++)
        for (int k = 0; k < EACH; k++)
            pump_until(h, &many[i].got[k]);
    for (int i = 0; i < SUBMITTERS; i++)
        thread_join(threads[i]);
    http_free(h);
    for (int i = 0; i < SUBMITTERS; i++)
        for (int k = 0; k < EACH; k++) {
            assert_int_equal(many[i].got[k].times, 1);
            assert_int_equal(many[i].got[k].reply.status, 200);
            got_free(&many[i].got[k]);
        }
    assert_int_equal(httpd_requests(s->httpd), SUBMITTERS * EACH);
    free(many);
    stop(s);
}

static void *wake(void *arg)
{
    http_wakeup(arg);
    return NULL;
}

static void a_wakeup_ends_the_wait_and_silence_does_not(void **state)
{
    (void)state;
    struct http *h = new_engine(NULL);
    int64_t begun = clock_mono_ms();
    http_pump(h, 30);
    assert_in_range(clock_mono_ms() - begun, 29, 2000);
    pthread_t t;
    begun = clock_mono_ms();
    assert_int_equal(thread_start(&t, "wake", wake, h, NULL), 0);
    http_pump(h, 20000);
    assert_in_range(clock_mono_ms() - begun, 0, 5000);
    thread_join(t);
    http_free(h);
}

static void a_fetch_needs_no_pump_and_always_fills_the_reply(void **state)
{
    (void)state;
    struct server *s = serve((struct httpd_response){.body = "secret"});
    struct http_config config = {.proxy = ""};
    struct http_request req = post_to(httpd_url(s->httpd));
    req.secret_reply = true;
    struct http_reply reply;
    http_fetch(&config, &req, &reply);
    assert_int_equal(reply.net, API_NET_NONE);
    assert_string_equal(buf_str(&reply.body), "secret");
    http_reply_free(&reply, true);
    assert_null(reply.body.data);

    req.url = "gopher://127.0.0.1/";
    http_fetch(&config, &req, &reply);
    assert_int_equal(reply.net, API_NET_BROKEN);
    assert_non_null(strstr(reply.error.text, "not an http or https URL"));
    http_reply_free(&reply, true);

    config.ca_file = "/nonexistent/ca.pem";
    http_fetch(&config, &req, &reply);
    assert_string_equal(reply.error.text,
                        "cannot read the CA file /nonexistent/ca.pem: No such file or directory");
    http_reply_free(&reply, true);
    stop(s);
}

static void want_of_memory_is_an_error_and_never_a_lost_callback(void **state)
{
    (void)state;
    struct server *s = serve((struct httpd_response){.body = "{}", .headers = "Content-Type: a/b"});
    struct http_request req = post_to(httpd_url(s->httpd));
    struct http_header header = {"X-A", "b"};
    req.headers = &header;
    req.n_headers = 1;
    req.secret_reply = true;
    struct http_config config = {.proxy = "", .ca_file = "/dev/zero", .unix_socket = NULL};
    bool fired = true;
    unsigned n;
    for (n = 1; fired; n++) {
        assert_in_range(n, 1, 200);
        struct got g = {0};
        alloc_fail_at(n);
        struct http *h = http_new(&config, NULL);
        int rc = h ? http_submit(h, &req, got_reply, &g, NULL) : -1;
        while (rc == 0 && !g.times)
            http_pump(h, 1000);
        if (h && http_defer(h, got_reply, &(struct got){0}, NULL) == 0)
            http_pump(h, 1000);
        fired = alloc_fail_fired();
        http_free(h);
        assert_int_equal(g.times, rc == 0 ? 1 : 0);
        got_free(&g);
    }
    assert_in_range(n, 10, 200);
    stop(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_request_without_a_body_goes_out_as_given_and_with_nothing_curl_would_add),
        cmocka_unit_test(methods_bodies_and_given_headers_are_kept),
        cmocka_unit_test(an_answer_brings_status_body_type_date_and_the_wish_to_wait),
        cmocka_unit_test(an_interim_answer_and_malformed_headers_leave_no_trace),
        cmocka_unit_test(calls_one_after_the_other_share_one_connection),
        cmocka_unit_test(no_more_connections_than_configured_and_nobody_is_forgotten),
        cmocka_unit_test(a_unix_socket_stands_in_for_the_host),
        cmocka_unit_test(what_must_not_be_sent_is_refused_at_once_and_without_a_callback),
        cmocka_unit_test(a_deferred_callback_comes_on_the_pump_even_while_every_slot_is_taken),
        cmocka_unit_test(the_end_answers_all_that_is_queued_running_or_deferred_and_takes_no_more),
        cmocka_unit_test(submissions_from_many_threads_are_each_answered_once),
        cmocka_unit_test(a_wakeup_ends_the_wait_and_silence_does_not),
        cmocka_unit_test(a_fetch_needs_no_pump_and_always_fills_the_reply),
        cmocka_unit_test(want_of_memory_is_an_error_and_never_a_lost_callback),
    };
    struct err err = {""};
    if (http_global_init(&err) < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
