/* The two operations: what is signed and sent, and what is not. */
#include "api/acs3.h"
#include "api/ice.h"
#include "api/ice_request.h"
#include "base/clock.h"
#include "base/log.h"
#include "support/alloc_fail.h"
#include "support/ice_world.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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
    assert_string_equal(world_sent(w, "Authorization"), buf_str(&expected));
    buf_free(&expected);
    acs3_free(signer);
}

static void get_sends_what_it_signs_and_gives_the_body_as_it_came(void **state)
{
    (void)state;
    struct world *w = world_new(NULL, true);
    struct told t = world_get_text(w, 200, DATA "\n");
    assert_int_equal(t.answer.class, API_OK);
    assert_int_equal(t.answer.status, 200);
    assert_string_equal(buf_str(&t.answer.body), DATA "\n");
    assert_string_equal(t.answer.error.text, "");
    assert_true(t.had_keys);
    buf_free(&t.answer.body);

    assert_string_equal(w->query, "JobId=" JOB);
    assert_string_equal(world_sent(w, "x-acs-action"), "GetMediaProducingJob");
    assert_string_equal(world_sent(w, "x-acs-version"), "2020-11-09");
    assert_string_equal(world_sent(w, "Accept"), "application/json");
    assert_string_equal(world_sent(w, "Content-Type"), "");
    assert_string_equal(world_sent(w, "Content-Length"), "0");
    assert_string_equal(world_sent(w, "x-acs-security-token"), "");
    assert_memory_equal(world_sent(w, "User-Agent"), "icejobfs/", 9);
    assert_string_equal(world_sent(w, "x-acs-content-sha256"),
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    int64_t date_ns;
    assert_int_equal(clock_parse_iso(world_sent(w, "x-acs-date"), &date_ns), 0);
    assert_in_range((clock_real_ns() - date_ns) / NS_PER_S, 0, 10);
    expect_right_signature(w, &(struct acs3_pair){"JobId", JOB}, 1);
    world_free(w);
}

static void each_call_has_a_nonce_of_its_own(void **state)
{
    (void)state;
    struct world *w = world_new(NULL, true);
    char first[64];
    struct told t = world_get_text(w, 200, DATA);
    buf_free(&t.answer.body);
    snprintf(first, sizeof first, "%s", world_sent(w, "x-acs-signature-nonce"));
    t = world_get_text(w, 200, DATA);
    buf_free(&t.answer.body);
    assert_int_equal(strlen(first), 32);
    assert_string_not_equal(first, world_sent(w, "x-acs-signature-nonce"));
    world_free(w);
}

static void temporary_keys_bring_their_token_and_it_is_signed(void **state)
{
    (void)state;
    struct world *w = world_new("CAIS+token/==", true);
    struct told t = world_get_text(w, 200, DATA);
    buf_free(&t.answer.body);
    assert_string_equal(world_sent(w, "x-acs-security-token"), "CAIS+token/==");
    assert_string_equal(world_sent(w, "x-acs-accesskey-id"), KEY);
    assert_non_null(strstr(world_sent(w, "Authorization"), ";x-acs-security-token;"
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
    assert_int_equal(ice_list(w->ice, &query, 5000, keep_answer, &t, NULL), 0);
    world_pump_until(w, &t);
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
    assert_int_equal(ice_list(w->ice, &(struct ice_list_query){0}, 5000, keep_answer, &t, NULL), 0);
    world_pump_until(w, &t);
    assert_string_equal(w->query, "");
    assert_int_equal(t.answer.class, API_BROKEN);
    world_free(w);
}

static void without_keys_nothing_is_sent_and_the_answer_says_so_on_the_pump(void **state)
{
    (void)state;
    struct world *w = world_new(NULL, false);
    struct told t = {0};
    assert_int_equal(ice_get(w->ice, JOB, 5000, keep_answer, &t, NULL), 0);
    assert_int_equal(t.times, 0);
    world_pump_until(w, &t);
    assert_int_equal(t.answer.class, API_CREDENTIALS);
    assert_int_equal(t.answer.net, API_NET_NONE);
    assert_false(t.had_keys);
    assert_ptr_equal(strstr(t.answer.error.text, "GetMediaProducingJob " JOB ": "),
                     t.answer.error.text);
    assert_int_equal(httpd_requests(w->httpd), 0);
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
    assert_int_equal(ice_get(w->ice, huge, 5000, keep_answer, &t, &err), -1);
    assert_non_null(strstr(err.text, "the parameters are too long"));
    assert_int_equal(ice_get(w->ice, JOB, 0, keep_answer, &t, &err), -1);
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
        int rc = ice ? ice_get(ice, JOB, 5000, keep_answer, &t, NULL) : -1;
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
        cmocka_unit_test(without_keys_nothing_is_sent_and_the_answer_says_so_on_the_pump),
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
