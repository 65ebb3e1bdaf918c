/* The HTTP engine on a bad network: each fault has its class, its text, and ends in time. */
#include "api/http.h"
#include "base/clock.h"
#include "base/thread.h"
#include "support/cert.h"
#include "support/http_client.h"
#include "support/httpd.h"
#include "support/rawd.h"
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

static void answer(void *arg, const struct httpd_request *req, struct httpd_response *resp)
{
    (void)req;
    *resp = *(const struct httpd_response *)arg;
}

static void expect_failure(const struct got *g, enum api_net net, const char *text)
{
    assert_int_equal(g->reply.net, net);
    assert_int_equal(g->reply.status, 0);
    assert_int_equal(g->reply.body.len, 0);
    if (!strstr(g->reply.error.text, text))
        fail_msg("'%s' does not say '%s'", g->reply.error.text, text);
}

/* Serve `response`, ask with `req` (its URL is filled in), expect a failure. */
static void expect(struct httpd_response response, struct http_request req, enum api_net net,
                   const char *text)
{
    struct httpd *server = httpd_start(answer, &response);
    struct http *h = new_engine(NULL);
    req.url = httpd_url(server);
    struct got g = call(h, &req);
    expect_failure(&g, net, text);
    got_free(&g);
    http_free(h);
    httpd_stop(server);
}

/* The same with bytes instead of a server that knows HTTP. */
static void expect_raw(const char *bytes, struct http_request req, enum api_net net,
                       const char *text)
{
    struct raw_step step = {bytes, 0};
    struct rawd *server = rawd_start(&step, 1, NULL);
    struct http *h = new_engine(NULL);
    req.url = rawd_url(server);
    struct got g = call(h, &req);
    expect_failure(&g, net, text);
    got_free(&g);
    http_free(h);
    rawd_stop(server);
}

static void a_refused_connection_names_the_host_and_no_secret_of_the_url(void **state)
{
    (void)state;
    struct http *h = new_engine(NULL);
    struct http_request req = post_to("http://user:hunter2@127.0.0.1:1/path?SecurityToken=abc");
    struct got g = call(h, &req);
    assert_int_equal(g.reply.net, API_NET_UNREACHABLE);
    assert_string_equal(g.reply.error.text, "cannot connect to 127.0.0.1:1: Connection refused");
    got_free(&g);
    http_free(h);
}

static void a_proxy_that_refuses_is_said_to_be_one(void **state)
{
    (void)state;
    struct http *h = new_engine(&(struct http_config){.proxy = "http://127.0.0.1:1"});
    struct http_request req = post_to("http://ice.test/");
    struct got g = call(h, &req);
    expect_failure(&g, API_NET_UNREACHABLE, "cannot connect to ice.test through the proxy: ");
    got_free(&g);
    http_free(h);
}

static void an_unknown_name_is_unreachable(void **state)
{
    (void)state;
    struct http *h = new_engine(NULL);
    struct http_request req = post_to("http://unknown.test/");
    struct got g = call(h, &req);
    expect_failure(&g, API_NET_UNREACHABLE, "cannot find the address of unknown.test: ");
    got_free(&g);
    http_free(h);
}

static void a_server_that_never_answers_ends_at_the_total_deadline(void **state)
{
    (void)state;
    int64_t begun = clock_mono_ms();
    expect((struct httpd_response){.hang = true},
           (struct http_request){.method = "POST", .timeout_ms = 60}, API_NET_TIMEOUT,
           " within 60 ms");
    assert_in_range(clock_mono_ms() - begun, 60, 3000);
}

static void silence_ends_a_transfer_long_before_the_total_deadline(void **state)
{
    (void)state;
    struct http_request req = {.method = "POST", .timeout_ms = 60000, .stall_timeout_ms = 50};
    int64_t begun = clock_mono_ms();
    expect((struct httpd_response){.hang = true}, req, API_NET_TIMEOUT, "fell silent for 50 ms");
    expect((struct httpd_response){.body = "0123456789", .cut_after = 4, .stall = true}, req,
           API_NET_TIMEOUT, "fell silent for 50 ms");
    assert_in_range(clock_mono_ms() - begun, 100, 5000);
}

static void an_answer_that_trickles_is_not_silent_but_has_its_deadline(void **state)
{
    (void)state;
    static const struct raw_step steps[] = {{"HTTP/1.1 200 OK\r\n", 40},
                                            {"Content-Length: 3\r\n\r\n", 40},
                                            {"a", 40},
                                            {"b", 40},
                                            {"c", 0}};
    struct rawd *server = rawd_start(steps, ARRAY_LEN(steps), NULL);
    struct http *h = new_engine(NULL);
    struct http_request req = {
        .method = "GET", .url = rawd_url(server), .timeout_ms = 4000, .stall_timeout_ms = 120};
    struct got g = call(h, &req);
    assert_string_equal(buf_str(&g.reply.body), "abc");
    assert_in_range(g.reply.took_ms, 150, 4000);
    got_free(&g);
    req.timeout_ms = 100;
    g = call(h, &req);
    expect_failure(&g, API_NET_TIMEOUT, "no whole answer from 127.0.0.1:");
    got_free(&g);
    http_free(h);
    rawd_stop(server);
}

static void waiting_for_a_free_connection_counts_against_the_deadline(void **state)
{
    (void)state;
    struct httpd_response response = {.hang = true};
    struct httpd *server = httpd_start(answer, &response);
    struct http *h = new_engine(&(struct http_config){.proxy = "", .max_connections = 1});
    struct http_request req = post_to(httpd_url(server));
    struct got first = {0}, second = {0}, third = {0};
    assert_int_equal(http_submit(h, &req, got_reply, &first, NULL), 0);
    assert_int_equal(http_submit(h, &req, got_reply, &second, NULL), 0);
    req.timeout_ms = 30;
    assert_int_equal(http_submit(h, &req, got_reply, &third, NULL), 0);
    pump_until(h, &third);
    expect_failure(&third, API_NET_TIMEOUT, "no free connection to 127.0.0.1:");
    assert_int_equal(first.times + second.times, 0);
    http_free(h);
    assert_int_equal(first.times + second.times, 2);
    got_free(&first);
    got_free(&second);
    got_free(&third);
    httpd_stop(server);
}

/* A listener that accepts nobody: its full queue leaves the next one's SYN without an answer. */
static void a_connection_that_is_never_made_ends_at_the_connect_deadline(void **state)
{
    (void)state;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    CLEANUP_FD int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&a, len), 0);
    assert_int_equal(listen(listener, 0), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &len), 0);
    CLEANUP_FD int filler = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(filler, (struct sockaddr *)&a, len), 0);
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", ntohs(a.sin_port));
    struct http *h = new_engine(NULL);
    struct http_request req = post_to(url);
    req.connect_timeout_ms = 60;
    struct got g = call(h, &req);
    expect_failure(&g, API_NET_TIMEOUT, "no connection to 127.0.0.1:");
    assert_in_range(g.reply.took_ms, 60, 3000);
    got_free(&g);
    http_free(h);
}

static void an_answer_that_is_cut_empty_or_no_http_is_broken(void **state)
{
    (void)state;
    struct http_request req = post_to(NULL);
    expect((struct httpd_response){.body = "0123456789", .cut_after = 4}, req, API_NET_BROKEN,
           "broke off");
    expect((struct httpd_response){.close_early = true}, req, API_NET_BROKEN, "broke off");
    expect_raw("SSH-2.0-OpenSSH_9.2\r\n", req, API_NET_BROKEN, "broke off");
    expect_raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n", req, API_NET_BROKEN,
               "broke off");
}

static void an_answer_past_the_ceiling_is_refused_announced_or_not(void **state)
{
    (void)state;
    struct http_request req = post_to(NULL);
    req.max_reply = 8;
    expect((struct httpd_response){.body = "123456789"}, req, API_NET_TOO_BIG, "more than 8 bytes");
    expect_raw("HTTP/1.1 200 OK\r\n\r\n123456789", req, API_NET_TOO_BIG, "more than 8 bytes");
    req.secret_reply = true;
    expect_raw("HTTP/1.1 200 OK\r\n\r\n123456789", req, API_NET_TOO_BIG, "more than 8 bytes");
}

static void a_flood_of_headers_is_refused(void **state)
{
    (void)state;
    struct buf flood = BUF_INIT((size_t)1 << 20);
    assert_int_equal(buf_adds(&flood, "HTTP/1.1 200 OK\r\n"), 0);
    for (int i = 0; i < 9000; i++)
        assert_int_equal(buf_addf(&flood, "X-%d: y\r\n", i), 0);
    assert_int_equal(buf_adds(&flood, "Content-Length: 0\r\n\r\n"), 0);
    expect_raw(buf_str(&flood), post_to(NULL), API_NET_TOO_BIG, "very many headers");
    buf_free(&flood);
}

static void a_body_of_exactly_the_ceiling_comes_whole_in_many_pieces_secret_or_not(void **state)
{
    (void)state;
    size_t n = 300000;
    CLEANUP_FREE char *body = malloc(n + 1);
    assert_non_null(body);
    for (size_t i = 0; i < n; i++)
        body[i] = (char)('a' + i % 23);
    body[n] = '\0';
    struct httpd_response response = {.body = body};
    struct httpd *server = httpd_start(answer, &response);
    struct http *h = new_engine(NULL);
    struct http_request req = post_to(httpd_url(server));
    req.max_reply = n;
    for (int secret = 0; secret < 2; secret++) {
        req.secret_reply = secret;
        struct got g = call(h, &req);
        assert_int_equal(g.reply.body.len, n);
        assert_memory_equal(g.reply.body.data, body, n + 1);
        got_free(&g);
    }
    http_free(h);
    httpd_stop(server);
}

static void a_redirect_is_an_answer_and_not_followed(void **state)
{
    (void)state;
    struct httpd_response response = {.status = 302, .headers = "Location: /elsewhere"};
    struct httpd *server = httpd_start(answer, &response);
    struct http *h = new_engine(NULL);
    struct http_request req = post_to(httpd_url(server));
    struct got g = call(h, &req);
    assert_int_equal(g.reply.net, API_NET_NONE);
    assert_int_equal(g.reply.status, 302);
    assert_int_equal(httpd_requests(server), 1);
    got_free(&g);
    http_free(h);
    httpd_stop(server);
}

/* Ask a TLS server whose certificate is for `names`; trust it, or leave it unknown. */
static struct got call_tls(const char *names, bool trusted)
{
    struct httpd_response response = {.body = "{}"};
    struct cert *cert = cert_new(names);
    struct httpd *server = httpd_start_tls(answer, &response, cert->cert_pem, cert->key_pem);
    struct http *h =
        new_engine(&(struct http_config){.proxy = "", .ca_file = trusted ? cert->path : NULL});
    struct http_request req = post_to(httpd_url(server));
    struct got g = call(h, &req);
    http_free(h);
    httpd_stop(server);
    cert_free(cert);
    return g;
}

static void only_a_trusted_certificate_of_the_right_name_is_talked_to(void **state)
{
    (void)state;
    struct got g = call_tls("IP:127.0.0.1", true);
    assert_int_equal(g.reply.net, API_NET_NONE);
    assert_int_equal(g.reply.status, 200);
    got_free(&g);
    g = call_tls("IP:127.0.0.1", false);
    expect_failure(&g, API_NET_TLS, "no trust in 127.0.0.1:");
    assert_non_null(strstr(g.reply.error.text, "self-signed certificate"));
    got_free(&g);
    g = call_tls("DNS:ice.cn-shanghai.aliyuncs.com", true);
    expect_failure(&g, API_NET_TLS, "no trust in 127.0.0.1:");
    got_free(&g);
}

static void a_server_that_speaks_no_tls_is_said_to_be_one(void **state)
{
    (void)state;
    struct raw_step step = {"HTTP/1.1 400 Bad Request\r\n\r\n", 0};
    struct rawd *server = rawd_start(&step, 1, NULL);
    struct http *h = new_engine(NULL);
    char url[64];
    snprintf(url, sizeof url, "https%s", rawd_url(server) + strlen("http"));
    struct http_request req = post_to(url);
    struct got g = call(h, &req);
    expect_failure(&g, API_NET_TLS, "no TLS with 127.0.0.1:");
    got_free(&g);
    http_free(h);
    rawd_stop(server);
}

static void a_ca_file_of_no_use_is_named_before_anything_is_sent(void **state)
{
    (void)state;
    struct err err = {""};
    assert_null(http_new(&(struct http_config){.ca_file = "/nonexistent"}, &err));
    assert_string_equal(err.text,
                        "cannot read the CA file /nonexistent: No such file or directory");
    assert_null(http_new(&(struct http_config){.ca_file = "/tmp"}, &err));
    assert_string_equal(err.text, "cannot read the CA file /tmp: Is a directory");
    assert_null(http_new(&(struct http_config){.ca_file = "/dev/null"}, &err));
    assert_string_equal(err.text, "cannot use the CA file /dev/null: it is empty");
}

/* libcurl's name look-ups come by here: one name is unknown, one takes until it is let go. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool let_go;
    unsigned inside;
} resolver;

static int look_up_slowly(void)
{
    LOCK_SCOPE(&resolver.lock);
    int64_t deadline = clock_mono_ms() + 20000;
    resolver.inside++;
    while (!resolver.let_go && cond_wait_until(&resolver.cond, &resolver.lock, deadline))
        ;
    resolver.inside--;
    cond_broadcast(&resolver.cond);
    return EAI_AGAIN;
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **result)
{
    if (node && strcmp(node, "unknown.test") == 0)
        return EAI_NONAME;
    if (node && strcmp(node, "slow.test") == 0)
        return look_up_slowly();
    __typeof__(getaddrinfo) *real = (__typeof__(getaddrinfo) *)dlsym(RTLD_NEXT, "getaddrinfo");
    return real(node, service, hints, result);
}

static void a_name_look_up_that_hangs_keeps_nobody_waiting(void **state)
{
    (void)state;
    int64_t begun = clock_mono_ms();
    struct http *h = new_engine(NULL);
    struct http_request req = post_to("http://slow.test/");
    req.connect_timeout_ms = 50;
    struct got by_curl = call(h, &req), by_us = {0}, at_end = {0};
    expect_failure(&by_curl, API_NET_TIMEOUT, "no connection to slow.test within 50 ms");
    req.connect_timeout_ms = 0;
    req.timeout_ms = 50;
    by_us = call(h, &req);
    expect_failure(&by_us, API_NET_TIMEOUT, "no connection to slow.test within 50 ms");
    req.timeout_ms = 60000;
    assert_int_equal(http_submit(h, &req, got_reply, &at_end, NULL), 0);
    http_pump(h, 0);
    http_free(h);
    assert_int_equal(at_end.times, 1);
    assert_in_range(clock_mono_ms() - begun, 100, 5000);
    got_free(&by_curl);
    got_free(&by_us);
    got_free(&at_end);

    int64_t deadline = clock_mono_ms() + 5000;
    mutex_lock(&resolver.lock);
    resolver.let_go = true;
    cond_broadcast(&resolver.cond);
    while (resolver.inside > 0 && cond_wait_until(&resolver.cond, &resolver.lock, deadline))
        ;
    assert_int_equal(resolver.inside, 0);
    mutex_unlock(&resolver.lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refused_connection_names_the_host_and_no_secret_of_the_url),
        cmocka_unit_test(a_proxy_that_refuses_is_said_to_be_one),
        cmocka_unit_test(an_unknown_name_is_unreachable),
        cmocka_unit_test(a_server_that_never_answers_ends_at_the_total_deadline),
        cmocka_unit_test(silence_ends_a_transfer_long_before_the_total_deadline),
        cmocka_unit_test(an_answer_that_trickles_is_not_silent_but_has_its_deadline),
        cmocka_unit_test(waiting_for_a_free_connection_counts_against_the_deadline),
        cmocka_unit_test(a_connection_that_is_never_made_ends_at_the_connect_deadline),
        cmocka_unit_test(an_answer_that_is_cut_empty_or_no_http_is_broken),
        cmocka_unit_test(an_answer_past_the_ceiling_is_refused_announced_or_not),
        cmocka_unit_test(a_flood_of_headers_is_refused),
        cmocka_unit_test(a_body_of_exactly_the_ceiling_comes_whole_in_many_pieces_secret_or_not),
        cmocka_unit_test(a_redirect_is_an_answer_and_not_followed),
        cmocka_unit_test(only_a_trusted_certificate_of_the_right_name_is_talked_to),
        cmocka_unit_test(a_server_that_speaks_no_tls_is_said_to_be_one),
        cmocka_unit_test(a_ca_file_of_no_use_is_named_before_anything_is_sent),
        cmocka_unit_test(a_name_look_up_that_hangs_keeps_nobody_waiting),
    };
    mutex_init(&resolver.lock);
    cond_init(&resolver.cond);
    struct err err = {""};
    if (http_global_init(&err) < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
