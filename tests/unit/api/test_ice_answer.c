/* The two operations: what each answer comes to, and what is learnt from its Date. */
#include "api/ice.h"
#include "base/clock.h"
#include "base/log.h"
#include "support/ice_world.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static void an_error_of_the_service_is_classed_and_told_with_advice(void **state)
{
    (void)state;
    struct world *w = world_new(NULL, true);
    struct told t =
        world_get_text(w, 404,
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

    t = world_get_text(w, 503,
                       "<?xml version='1.0'?><Error><RequestId>X</RequestId>"
                       "<Code>ServiceUnavailable</Code><Message>m</Message></Error>");
    assert_int_equal(t.answer.class, API_TEMPORARY);
    assert_string_equal(t.answer.error.text,
                        "GetMediaProducingJob " JOB ": 503 ServiceUnavailable: m (request X)");
    t = world_get_text(w, 400, "{\"Code\":\"Throttling.User\"}");
    assert_int_equal(t.answer.class, API_THROTTLED);
    t = world_get_text(w, 200,
                       "{\"Code\":\"JobNotFound\",\"Message\":\"no \\\"MediaProducingJob\\\"\"}");
    assert_int_equal(t.answer.class, API_NOT_FOUND);
    t = world_get_text(w, 502, "<html>Bad Gateway</html>");
    assert_int_equal(t.answer.class, API_TEMPORARY);
    assert_string_equal(t.answer.error.text,
                        "GetMediaProducingJob " JOB ": 502: the answer names no error code");
    world_free(w);
}

static void the_services_wish_to_wait_makes_it_throttling(void **state)
{
    (void)state;
    struct world *w = world_new(NULL, true);
    struct told t =
        world_get(w, (struct httpd_response){.status = 503,
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
        struct told t = world_get_text(w, bad[i].status, bad[i].body);
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
    struct told t = world_get_text(
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
    assert_int_equal(ice_get(w->ice, JOB, 150, keep_answer, &t, NULL), 0);
    world_pump_until(w, &t);
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

/* An answer that is `off` seconds ahead of us. */
static struct told get_dated(struct world *w, int64_t off, int status, const char *body)
{
    char date[64];
    time_t at = (time_t)(clock_real_ns() / NS_PER_S + off);
    struct tm tm;
    gmtime_r(&at, &tm);
    strftime(date, sizeof date, "Date: %a, %d %b %Y %H:%M:%S GMT", &tm);
    struct told t =
        world_get(w, (struct httpd_response){.status = status, .body = body, .headers = date});
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
    assert_int_equal(clock_parse_iso(world_sent(w, "x-acs-date"), &date_ns), 0);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_of_the_service_is_classed_and_told_with_advice),
        cmocka_unit_test(the_services_wish_to_wait_makes_it_throttling),
        cmocka_unit_test(what_is_no_data_is_broken_and_not_kept),
        cmocka_unit_test(no_secret_that_the_service_echoes_is_told),
        cmocka_unit_test(a_network_fault_carries_its_kind_and_advice),
        cmocka_unit_test(the_clock_is_learnt_from_the_service_and_used_for_the_next_call),
        cmocka_unit_test(a_date_that_is_absurd_or_not_the_services_moves_no_clock),
    };
    struct err err = {""};
    log_set_level(LOG_LEVEL_ERROR);
    if (http_global_init(&err) < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
