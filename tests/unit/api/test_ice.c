/* The two operations: what is signed and sent, what each answer comes to, and the clock. */
#include "api/acs3.h"
#include "api/creds.h"
#include "api/ice.h"
#include "api/ice_answer.h"
#include "api/ice_request.h"
#include "base/clock.h"
#include "base/log.h"
#include "support/alloc_fail.h"
#include "support/http_client.h"
#include "support/httpd.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define JOB    "cdb3e74639973036bc84aaaabbbbcccc"
#define KEY    "testid-0123456789"
#define SECRET "testsecret"
#define DATA   "{\"RequestId\":\"R\",\"MediaProducingJob\":{\"JobId\":\"" JOB "\"}}"

/* Signed by the SDKs, then x-acs-accesskey-id, host and accept. */
static const char *const sent_names[] = {"Host",
                                         "Accept",
                                         "User-Agent",
                                         "Content-Type",
                                         "Content-Length",
                                         "Authorization",
                                         "x-acs-action",
                                         "x-acs-version",
                                         "x-acs-date",
                                         "x-acs-signature-nonce",
                                         "x-acs-content-sha256",
                                         "x-acs-accesskey-id",
                                         "x-acs-security-token"};

struct world {
    const char *token;
    struct httpd_response response;
    char query[1024];                                      /* of the last request */
    char headers[sizeof sent_names / sizeof(char *)][512]; /* "" when absent */
    struct httpd *httpd;
    struct http *http;
    struct creds *creds;
    struct ice *ice;
};

static void answer(void *arg, const struct httpd_request *req, struct httpd_response *resp)
{
    struct world *w = arg;
    snprintf(w->query, sizeof w->query, "%s", req->query);
    for (size_t i = 0; i < ARRAY_LEN(sent_names); i++) {
        const char *value = httpd_header(req, sent_names[i]);
        snprintf(w->headers[i], sizeof w->headers[i], "%s", value ? value : "");
    }
    *resp = w->response;
}

static const char *sent(const struct world *w, const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(sent_names); i++)
        if (strcmp(sent_names[i], name) == 0)
            return w->headers[i];
    fail_msg("%s is not kept", name);
    return NULL;
}

static const char *fake_getenv(void *ctx, const char *name)
{
    const struct world *w = ctx;
    if (strcmp(name, "ALIBABA_CLOUD_ACCESS_KEY_ID") == 0)
        return KEY;
    if (strcmp(name, "ALIBABA_CLOUD_ACCESS_KEY_SECRET") == 0)
        return SECRET;
    return strcmp(name, "ALIBABA_CLOUD_SECURITY_TOKEN") == 0 ? w->token : NULL;
}

/* `load`: walk the chain; without it there are no keys. */
static struct world *world_new(const char *token, bool load)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    w->token = token;
    struct err err = {""};
    const struct creds_env env = {.getenv = fake_getenv, .ctx = w, .home = "/nonexistent"};
    w->httpd = httpd_start(answer, w);
    w->http = new_engine(NULL);
    w->creds = creds_new(&env, &err);
    if (!w->creds || (load && creds_load(w->creds, 5000, &err) < 0))
        fail_msg("%s", err.text);
    w->ice = ice_new(&(struct ice_config){httpd_url(w->httpd), w->http, w->creds}, &err);
    if (!w->ice)
        fail_msg("%s", err.text);
    return w;
}

static void world_free(struct world *w)
{
    http_free(w->http);
    ice_free(w->ice);
    creds_free(w->creds);
    httpd_stop(w->httpd);
    free(w);
}

struct told {
    unsigned times;
    struct ice_answer answer; /* with the body; keys are gone */
    bool had_keys;
};

static void on_answer(void *arg, struct ice_answer *a)
{
    struct told *t = arg;
    t->times++;
    t->answer = *a;
    t->had_keys = a->keys != NULL;
    a->body = BUF_INIT(a->body.max);
}

static void pump_until_told(struct world *w, const struct told *t)
{
    int64_t deadline = clock_mono_ms() + 6000;
    while (!t->times && clock_mono_ms() < deadline)
        http_pump(w->http, deadline - clock_mono_ms());
    assert_int_equal(t->times, 1);
}

static struct told get(struct world *w, struct httpd_response response)
{
    struct told t = {0};
    w->response = response;
    assert_int_equal(ice_get(w->ice, JOB, 5000, on_answer, &t, NULL), 0);
    pump_until_told(w, &t);
    return t;
}

static struct told get_text(struct world *w, int status, const char *body)
{
    return get(w, (struct httpd_response){.status = status, .body = body});
}

/* Sign what arrived once more, apart from ice.c's own list of headers. */
static void expect_right_signature(const struct world *w, const struct acs3_pair *query, size_t n)
{
    struct acs3_pair headers[ARRAY_LEN(sent_names)];
    size_t n_headers = 0;
    for (size_t i = 0; i < ARRAY_LEN(sent_names); i++)
        if (w->headers[i][0] && strcmp(sent_names[i], "Authorization") != 0)
            headers[n_headers++] = (struct acs3_pair){sent_names[i], w->headers[i]};
    struct acs3_request r = {.method = "POST",
                             .path = "/",
                             .query = query,
                             .n_query = n,
                             .headers = headers,
                             .n_headers = n_headers,
                             .key_id = KEY,
                             .key_secret = SECRET};
    struct acs3 *signer = acs3_new(NULL);
    struct buf expected = BUF_INIT(4096);
    assert_int_equal(acs3_authorization(signer, &r, &expected, NULL), 0);
    assert_string_equal(sent(w, "Authorization"), buf_str(&expected));
    buf_free(&expected);
    acs3_free(signer);
}

static void get_sends_what_it_signs_and_gives_the_body_as_it_came(void **state)
{
    (void)state;
    struct world *w = world_new(NULL, true);
    struct told t = get_text(w, 200, DATA "\n");
    assert_int_equal(t.answer.class, API_OK);
    assert_int_equal(t.answer.status, 200);
    assert_string_equal(buf_str(&t.answer.body), DATA "\n");
    assert_string_equal(t.answer.error.text, "");
    assert_true(t.had_keys);
    buf_free(&t.answer.body);

    assert_string_equal(w->query, "JobId=" JOB);
    assert_string_equal(sent(w, "x-acs-action"), "GetMediaProducingJob");
    assert_string_equal(sent(w, "x-acs-version"), "2020-11-09");
    assert_string_equal(sent(w, "Accept"), "application/json");
    assert_string_equal(sent(w, "Content-Type"), "");
    assert_string_equal(sent(w, "Content-Length"), "0");
    assert_string_equal(sent(w, "x-acs-security-token"), "");
    assert_memory_equal(sent(w, "User-Agent"), "icejobfs/", 9);
    assert_string_equal(sent(w, "x-acs-content-sha256"),
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    int64_t date_ns;
    assert_int_equal(clock_parse_iso(sent(w, "x-acs-date"), &date_ns), 0);
    assert_in_range((clock_real_ns() - date_ns) / NS_PER_S, 0, 10);
    expect_right_signature(w, &(struct acs3_pair){"JobId", JOB}, 1);
    world_free(w);
}

static void each_call_has_a_nonce_of_its_own(void **state)
{
    (void)state;
    struct world *w = world_new(NULL, true);
    char first[64];
    struct told t = get_text(w, 200, DATA);
    buf_free(&t.answer.body);
    snprintf(first, sizeof first, "%s", sent(w, "x-acs-signature-nonce"));
    t = get_text(w, 200, DATA);
    buf_free(&t.answer.body);
    assert_int_equal(strlen(first), 32);
    assert_string_not_equal(first, sent(w, "x-acs-signature-nonce"));
    world_free(w);
}

static void temporary_keys_bring_their_token_and_it_is_signed(void **state)
{
    (void)state;
    struct world *w = world_new("CAIS+token/==", true);
    struct told t = get_text(w, 200, DATA);
    buf_free(&t.answer.body);
    assert_string_equal(sent(w, "x-acs-security-token"), "CAIS+token/==");
    assert_string_equal(sent(w, "x-acs-accesskey-id"), KEY);
    assert_non_null(strstr(sent(w, "Authorization"), ";x-acs-security-token;"
                                                     "x-acs-signature-nonce;"));
    expect_right_signature(w, &(struct acs3_pair){"JobId", JOB}, 1);
    world_free(w);
}

static void list_sends_the_parameters_that_are_given_and_no_others(void **state)
{
    (void)state;
    struct world *w = world_new(NULL, true);
    w->response.body = "{\"MediaProducingJobList\":[]}";
    struct ice_list_query query = {.start_time = "2026-01-02T03:04:05Z",
                                   .sort_by = "CreationTime:Desc",
                                   .next_token = "a+b/c==",
                                   .keyword = "\xe7\x89\x87 1&2",
                                   .max_results = 100};
    struct told t = {0};
    assert_int_equal(ice_list(w->ice, &query, 5000, on_answer, &t, NULL), 0);
    pump_until_told(w, &t);
    assert_int_equal(t.answer.class, API_OK);
    buf_free(&t.answer.body);
    assert_string_equal(w->query,
                        "StartTime=2026-01-02T03%3A04%3A05Z&Keyword=%E7%89%87%201%262&"
                        "SortBy=CreationTime%3ADesc&NextToken=a%2Bb%2Fc%3D%3D&MaxResults=100");
    const struct acs3_pair signed_query[] = {{"StartTime", query.start_time},
                                             {"Keyword", query.keyword},
                                             {"SortBy", query.sort_by},
                                             {"NextToken", query.next_token},
                                             {"MaxResults", "100"}};
    expect_right_signature(w, signed_query, ARRAY_LEN(signed_query));

    t = (struct told){0};
    w->response.body = DATA; /* the other operation's */
    assert_int_equal(ice_list(w->ice, &(struct ice_list_query){0}, 5000, on_answer, &t, NULL), 0);
    pump_until_told(w, &t);
    assert_string_equal(w->query, "");
    assert_int_equal(t.answer.class, API_BROKEN);
    world_free(w);
}

static void an_error_of_the_service_is_classed_and_told_with_advice(void **state)
{
    (void)state;
    struct world *w = world_new(NULL, true);
    struct told t = get_text(w, 404,
                             "{\"RequestId\":\"ABC-1\",\"HostId\":\"h\",\"Code\":\"JobNotFound\","
                             "\"Message\":\"The job does not exist.\"}");
    assert_int_equal(t.answer.class, API_NOT_FOUND);
    assert_string_equal(t.answer.code, "JobNotFound");
    assert_string_equal(t.answer.request_id, "ABC-1");
    char expected[ERR_TEXT_MAX];
    snprintf(expected, sizeof expected,
             "GetMediaProducingJob " JOB ": 404 JobNotFound: The job does not exist.; %s "
             "(request ABC-1)",
             api_hint(404, "JobNotFound", API_NET_NONE));
    assert_string_equal(t.answer.error.text, expected);
    assert_int_equal(t.answer.body.len, 0);

    t = get_text(w, 503,
                 "<?xml version='1.0'?><Error><RequestId>X</RequestId>"
                 "<Code>ServiceUnavailable</Code><Message>m</Message></Error>");
    assert_int_equal(t.answer.class, API_TEMPORARY);
    assert_string_equal(t.answer.error.text,
                        "GetMediaProducingJob " JOB ": 503 ServiceUnavailable: m (request X)");
    t = get_text(w, 400, "{\"Code\":\"Throttling.User\"}");
    assert_int_equal(t.answer.class, API_THROTTLED);
    t = get_text(w, 200, "{\"Code\":\"JobNotFound\",\"Message\":\"no \\\"MediaProducingJob\\\"\"}");
    assert_int_equal(t.answer.class, API_NOT_FOUND);
    t = get_text(w, 502, "<html>Bad Gateway</html>");
    assert_int_equal(t.answer.class, API_TEMPORARY);
    assert_string_equal(t.answer.error.text,
                        "GetMediaProducingJob " JOB ": 502: the answer names no error code");
    world_free(w);
}

static void the_services_wish_to_wait_makes_it_throttling(void **state)
{
    (void)state;
    struct world *w = world_new(NULL, true);
    struct told t = get(w, (struct httpd_response){.status = 503,
                                                   .body = "{\"Code\":\"ServiceUnavailable\"}",
                                                   .headers = "x-acs-retry-after: 2500"});
    assert_int_equal(t.answer.class, API_THROTTLED);
    assert_int_equal(t.answer.retry_after_ms, 2500);
    world_free(w);
}

static void what_is_no_data_is_broken_and_not_kept(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *body, *why;
    } bad[] = {
        {200, "", "200: the answer is empty"},
        {200, " \n", "200: the answer is empty"},
        {200, "{\"MediaProducingJob\":{\"JobId\"", "200: the answer is cut off"},
        {200, "<html>login</html>", "200: the answer is not JSON"},
        {200, "{\"RequestId\":\"R\"}", "200: the answer holds no data"},
        {204, "", "204: the answer names no error code"},
        {302, DATA, "302: the answer names no error code"},
        {404, "no such page", "404: the answer names no error code"},
    };
    struct world *w = world_new(NULL, true);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct told t = get_text(w, bad[i].status, bad[i].body);
        assert_int_equal(t.answer.class, API_BROKEN);
        assert_null(t.answer.body.data);
        if (!strstr(t.answer.error.text, bad[i].why))
            fail_msg("'%s' does not say '%s'", t.answer.error.text, bad[i].why);
    }
    world_free(w);
}

static void no_secret_that_the_service_echoes_is_told(void **state)
{
    (void)state;
    struct world *w = world_new("CAIStoken", true);
    struct told t = get_text(
        w, 400,
        "{\"Code\":\"SignatureDoesNotMatch\",\"Message\":\"server string to sign is:POST\\n"
        "x-acs-security-token:CAIStoken\\nx-acs-accesskey-id:" KEY "\"}");
    assert_int_equal(t.answer.class, API_CREDENTIALS);
    assert_null(strstr(t.answer.error.text, "CAIStoken"));
    assert_null(strstr(t.answer.error.text, KEY));
    world_free(w);
}

static void a_network_fault_carries_its_kind_and_advice(void **state)
{
    (void)state;
    struct world *w = world_new(NULL, true);
    struct told t = {0};
    w->response.hang = true;
    int64_t begun = clock_mono_ms();
    assert_int_equal(ice_get(w->ice, JOB, 150, on_answer, &t, NULL), 0);
    pump_until_told(w, &t);
    assert_int_equal(t.answer.class, API_TEMPORARY);
    assert_int_equal(t.answer.net, API_NET_TIMEOUT);
    assert_int_equal(t.answer.status, 0);
    assert_non_null(strstr(t.answer.error.text, "GetMediaProducingJob " JOB ": 127.0.0.1:"));
    assert_non_null(strstr(t.answer.error.text, api_hint(0, "", API_NET_TIMEOUT)));
    /* It stalled out after a third of its time. */
    assert_non_null(strstr(t.answer.error.text, "fell silent for 50 ms"));
    assert_in_range(clock_mono_ms() - begun, 50, 3000);
    world_free(w);
}

static void without_keys_nothing_is_sent_and_the_answer_says_so_on_the_pump(void **state)
{
    (void)state;
    struct world *w = world_new(NULL, false);
    struct told t = {0};
    assert_int_equal(ice_get(w->ice, JOB, 5000, on_answer, &t, NULL), 0);
    assert_int_equal(t.times, 0);
    pump_until_told(w, &t);
    assert_int_equal(t.answer.class, API_CREDENTIALS);
    assert_int_equal(t.answer.net, API_NET_NONE);
    assert_false(t.had_keys);
    assert_ptr_equal(strstr(t.answer.error.text, "GetMediaProducingJob " JOB ": "),
                     t.answer.error.text);
    assert_int_equal(httpd_requests(w->httpd), 0);
    world_free(w);
}

/* An answer that is `off` seconds ahead of us. */
static struct told get_dated(struct world *w, int64_t off, int status, const char *body)
{
    char date[64];
    time_t at = (time_t)(clock_real_ns() / NS_PER_S + off);
    struct tm tm;
    gmtime_r(&at, &tm);
    strftime(date, sizeof date, "Date: %a, %d %b %Y %H:%M:%S GMT", &tm);
    struct told t =
        get(w, (struct httpd_response){.status = status, .body = body, .headers = date});
    buf_free(&t.answer.body);
    return t;
}

static void the_clock_is_learnt_from_the_service_and_used_for_the_next_call(void **state)
{
    (void)state;
    static const char *const expired = "{\"Code\":\"InvalidTimeStamp.Expired\"}";
    struct world *w = world_new(NULL, true);
    get_dated(w, 30, 200, DATA); /* near enough */
    assert_int_equal(ice_clock_offset_s(w->ice), 0);
    struct told t = get_dated(w, 3600, 400, expired);
    assert_int_equal(t.answer.class, API_CLOCK);
    assert_in_range(ice_clock_offset_s(w->ice), 3595, 3601);
    get_dated(w, 3590, 200, DATA);
    int64_t date_ns;
    assert_int_equal(clock_parse_iso(sent(w, "x-acs-date"), &date_ns), 0);
    assert_in_range(date_ns / NS_PER_S - clock_real_ns() / NS_PER_S, 3580, 3602);
    assert_in_range(ice_clock_offset_s(w->ice), 3595, 3601); /* not moved by each answer */
    get_dated(w, 0, 200, DATA);                              /* somebody set our clock */
    assert_in_range(ice_clock_offset_s(w->ice) + 5, 0, 6);
    get_dated(w, 20, 400, expired); /* it is the service's own word: exactly */
    assert_in_range(ice_clock_offset_s(w->ice), 14, 21);
    world_free(w);
}

static void a_date_that_is_absurd_or_not_the_services_moves_no_clock(void **state)
{
    (void)state;
    struct world *w = world_new(NULL, true);
    get_dated(w, 7200, 502, "<html>a proxy</html>");
    assert_int_equal(ice_clock_offset_s(w->ice), 0);
    get_dated(w, INT64_C(-50) * 365 * 86400, 200, DATA);
    assert_int_equal(ice_clock_offset_s(w->ice), 0);
    get_dated(w, INT64_C(100) * 365 * 86400, 200, DATA);
    assert_int_equal(ice_clock_offset_s(w->ice), 0);
    world_free(w);
}

static void a_call_that_cannot_be_made_is_an_error_without_a_callback(void **state)
{
    (void)state;
    struct world *w = world_new(NULL, true);
    struct told t = {0};
    struct err err = {""};
    char *huge = malloc(ICE_REQUEST_MAX + 1);
    assert_non_null(huge);
    memset(huge, 'a', ICE_REQUEST_MAX);
    huge[ICE_REQUEST_MAX] = '\0';
    assert_int_equal(ice_get(w->ice, huge, 5000, on_answer, &t, &err), -1);
    assert_non_null(strstr(err.text, "the parameters are too long"));
    assert_int_equal(ice_get(w->ice, JOB, 0, on_answer, &t, &err), -1);
    assert_non_null(strstr(err.text, "it needs a timeout"));
    http_pump(w->http, 0);
    assert_int_equal(t.times, 0);
    free(huge);
    world_free(w);
}

static void endpoints_are_hosts_and_the_default_port_is_not_signed(void **state)
{
    (void)state;
    static const char *const good[][2] = {{"https://ice.x.com", "ice.x.com"},
                                          {"https://ice.x.com:443", "ice.x.com"},
                                          {"http://ice.x.com:80", "ice.x.com"},
                                          {"https://ice.x.com:80", "ice.x.com:80"},
                                          {"http://[::1]:8080", "[::1]:8080"}};
    static const char *const bad[] = {"",          "ice.x.com",  "ftp://x",    "http://",
                                      "http://x/", "http://u@x", "https://x?y"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct ice_host h;
        assert_int_equal(ice_host_parse(good[i][0], &h, NULL), 0);
        assert_string_equal(h.host, good[i][1]);
        ice_host_free(&h);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err err = {""};
        assert_null(ice_new(&(struct ice_config){.endpoint = bad[i]}, &err));
        assert_non_null(strstr(err.text, "http(s)://host[:port]"));
    }
}

static void want_of_memory_is_an_error_and_never_a_lost_callback(void **state)
{
    (void)state;
    struct world *w = world_new("CAIStoken", true);
    w->response.body = DATA;
    bool fired = true;
    unsigned n;
    for (n = 1; fired; n++) {
        assert_in_range(n, 1, 300);
        struct told t = {0};
        struct ice_config config = {httpd_url(w->httpd), w->http, w->creds};
        alloc_fail_at(n);
        struct ice *ice = ice_new(&config, NULL);
        int rc = ice ? ice_get(ice, JOB, 5000, on_answer, &t, NULL) : -1;
        while (rc == 0 && !t.times)
            http_pump(w->http, 1000);
        fired = alloc_fail_fired();
        assert_int_equal(t.times, rc == 0 ? 1 : 0);
        if (!fired)
            assert_int_equal(t.answer.class, API_OK);
        buf_free(&t.answer.body);
        ice_free(ice);
    }
    assert_in_range(n, 10, 300);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(get_sends_what_it_signs_and_gives_the_body_as_it_came),
        cmocka_unit_test(each_call_has_a_nonce_of_its_own),
        cmocka_unit_test(temporary_keys_bring_their_token_and_it_is_signed),
        cmocka_unit_test(list_sends_the_parameters_that_are_given_and_no_others),
        cmocka_unit_test(an_error_of_the_service_is_classed_and_told_with_advice),
        cmocka_unit_test(the_services_wish_to_wait_makes_it_throttling),
        cmocka_unit_test(what_is_no_data_is_broken_and_not_kept),
        cmocka_unit_test(no_secret_that_the_service_echoes_is_told),
        cmocka_unit_test(a_network_fault_carries_its_kind_and_advice),
        cmocka_unit_test(without_keys_nothing_is_sent_and_the_answer_says_so_on_the_pump),
        cmocka_unit_test(the_clock_is_learnt_from_the_service_and_used_for_the_next_call),
        cmocka_unit_test(a_date_that_is_absurd_or_not_the_services_moves_no_clock),
        cmocka_unit_test(a_call_that_cannot_be_made_is_an_error_without_a_callback),
        cmocka_unit_test(endpoints_are_hosts_and_the_default_port_is_not_signed),
        cmocka_unit_test(want_of_memory_is_an_error_and_never_a_lost_callback),
    };
    struct err err = {""};
    log_set_level(LOG_LEVEL_ERROR);
    if (http_global_init(&err) < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
