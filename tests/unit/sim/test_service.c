/* Calls and the control path, without the wire. */
#include "sim/control.h"
#include "sim/service.h"
#include "support/alloc_fail.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fixture.h"

static struct sim_service *s;

static int start(void **state)
{
    (void)state;
    s = service_of(50);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    sim_service_free(s);
    return 0;
}

static struct sim_reply control_at(const char *method, const char *path, const char *body,
                                   int64_t ms)
{
    char target[600];
    struct sim_reply reply;
    snprintf(target, sizeof(target), "/_sim/%s", path);
    struct sim_request r = {
        .method = method, .target = target, .body = body, .body_len = strlen(body)};
    assert_true(sim_control_owns(target));
    sim_reply_init(&reply);
    assert_int_equal(sim_control_call(s, &r, at_ms(ms), &reply), 0);
    return reply;
}

/* The body of a command that is expected to work. */
static cJSON *control(const char *method, const char *path, const char *body)
{
    struct sim_reply reply = control_at(method, path, body, 0);
    assert_int_equal(reply.status, 200);
    return body_of(&reply);
}

static void run(const char *method, const char *path, const char *body)
{
    cJSON_Delete(control(method, path, body));
}

static int64_t number_at(const cJSON *json, const char *a, const char *b)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, a);
    if (b)
        item = cJSON_GetObjectItemCaseSensitive(item, b);
    return item ? (int64_t)item->valuedouble : -1;
}

/* --- calls --- */

static void a_job_is_got_with_an_id_of_the_request(void **state)
{
    (void)state;
    struct sim_reply reply = get_at(s, 3, 0);
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.content_type, "application/json;charset=utf-8");
    assert_int_equal(reply.date_s, EPOCH_S);
    cJSON *json = body_of(&reply);
    const cJSON *job = cJSON_GetObjectItemCaseSensitive(json, "MediaProducingJob");
    char id[SIM_ID_LEN];
    id_of(3, id);
    assert_string_equal(text_of(job, "JobId"), id);
    assert_int_equal(strlen(text_of(json, "RequestId")), 36);
    assert_int_equal(strspn(text_of(json, "RequestId"), "0123456789ABCDEF-"), 36);
    struct sim_reply second = get_at(s, 3, 0);
    assert_string_not_equal(second.request_id, text_of(json, "RequestId"));
    sim_reply_free(&second);
    cJSON_Delete(json);
}

static void the_same_seed_gives_the_same_run(void **state)
{
    (void)state;
    struct sim_service *twin = service_of(50);
    struct sim_config config = config_of(50);
    config.seed = 8;
    struct sim_service *other = sim_service_new(&config, at_ms(0), NULL);
    for (int64_t ms = 0; ms < 300000; ms += 10000) {
        struct sim_reply a = call_at(s, SIM_ACTION_LIST, "MaxResults=100", ms);
        struct sim_reply b = call_at(twin, SIM_ACTION_LIST, "MaxResults=100", ms);
        struct sim_reply c = call_at(other, SIM_ACTION_LIST, "MaxResults=100", ms);
        assert_string_equal(buf_str(&a.body), buf_str(&b.body));
        assert_string_not_equal(buf_str(&a.body), buf_str(&c.body));
        sim_reply_free(&a);
        sim_reply_free(&b);
        sim_reply_free(&c);
    }
    sim_service_free(twin);
    sim_service_free(other);
}

static void unknown_jobs_actions_and_versions_are_not_found(void **state)
{
    (void)state;
    expect(call_at(s, SIM_ACTION_GET, "JobId=nobody", 0), 404, "JobNotFound");
    expect(call_at(s, SIM_ACTION_GET, "JobId=", 0), 400, "InvalidParameter");
    expect(call_at(s, SIM_ACTION_GET, "", 0), 400, "InvalidParameter");
    expect(call_at(s, "SubmitMediaProducingJob", "", 0), 404, "InvalidAction.NotFound");
    struct sent sent;
    struct sim_reply reply;
    prepare(&sent, SIM_ACTION_GET, "JobId=a", EPOCH_S);
    set_header(&sent, "x-acs-version", "2014-05-26");
    sign_as(&sent, KEY_ID);
    sim_reply_init(&reply);
    assert_int_equal(sim_service_call(s, &sent.r, at_ms(0), &reply), 0);
    expect(reply, 404, "InvalidApi.NotFound");
    prepare(&sent, SIM_ACTION_GET, "JobId=a", EPOCH_S);
    sent.r.method = "DELETE";
    sign_as(&sent, KEY_ID);
    sim_reply_init(&reply);
    assert_int_equal(sim_service_call(s, &sent.r, at_ms(0), &reply), 0);
    expect(reply, 404, "InvalidAction.NotFound");
}

static void a_job_that_is_not_born_yet_is_not_found(void **state)
{
    (void)state;
    expect(get_at(s, 50, 0), 404, "JobNotFound");
    expect(get_at(s, 50, 20000), 200, "");
}

static void parameters_may_come_in_a_form(void **state)
{
    (void)state;
    struct sent sent;
    struct sim_reply reply;
    char form[64] = "JobId=";
    id_of(1, form + 6);
    prepare(&sent, SIM_ACTION_GET, "", EPOCH_S);
    sent.r.body = form;
    sent.r.body_len = strlen(form);
    add_header(&sent, "Content-Type", "application/x-www-form-urlencoded");
    drop_header(&sent, "x-acs-content-sha256");
    /* The canonical request ends in the hash. */
    struct buf CLEANUP_BUF canonical = BUF_INIT(4096);
    struct sim_params none = {0};
    assert_int_equal(sim_verify_canonical(&sent.r, &none, &canonical), 0);
    char hash[SIM_HEX_LEN];
    memcpy(hash, canonical.data + canonical.len - 64, SIM_HEX_LEN);
    add_header(&sent, "x-acs-content-sha256", hash);
    sign_as(&sent, KEY_ID);
    sim_reply_init(&reply);
    assert_int_equal(sim_service_call(s, &sent.r, at_ms(0), &reply), 0);
    expect(reply, 200, "");
}

static struct sim_reply call_accepting(const char *accept, const char *query)
{
    struct sent sent;
    struct sim_reply reply;
    prepare(&sent, SIM_ACTION_GET, query, EPOCH_S);
    drop_header(&sent, "Accept");
    if (accept)
        add_header(&sent, "Accept", accept);
    sign_as(&sent, KEY_ID);
    sim_reply_init(&reply);
    assert_int_equal(sim_service_call(s, &sent.r, at_ms(0), &reply), 0);
    return reply;
}

static void who_does_not_ask_for_json_gets_xml(void **state)
{
    (void)state;
    char query[80] = "JobId=";
    id_of(2, query + 6);
    struct sim_reply reply = call_accepting("*/*", query);
    assert_string_equal(reply.content_type, "text/xml;charset=utf-8");
    assert_non_null(strstr(buf_str(&reply.body), "<GetMediaProducingJobResponse><RequestId>"));
    assert_non_null(strstr(buf_str(&reply.body), "</JobId>"));
    sim_reply_free(&reply);
    reply = call_accepting(NULL, "JobId=x");
    assert_non_null(strstr(buf_str(&reply.body), "<Error><RequestId>"));
    assert_non_null(strstr(buf_str(&reply.body), "<Code>JobNotFound</Code>"));
    expect(reply, 404, "JobNotFound");
    reply = call_accepting(NULL, "Format=JSON&JobId=x");
    assert_int_equal(buf_str(&reply.body)[0], '{');
    sim_reply_free(&reply);
    reply = call_accepting("application/json", "Format=XML&JobId=x");
    assert_int_equal(buf_str(&reply.body)[0], '<');
    sim_reply_free(&reply);
}

static void an_error_has_the_official_members(void **state)
{
    (void)state;
    struct sim_reply reply = call_at(s, SIM_ACTION_GET, "JobId=x", 0);
    cJSON *json = body_of(&reply);
    assert_int_equal(strlen(text_of(json, "RequestId")), 36);
    assert_string_equal(text_of(json, "HostId"), "ice.cn-shanghai.aliyuncs.com");
    assert_string_equal(text_of(json, "Code"), "JobNotFound");
    assert_true(strlen(text_of(json, "Message")) > 0);
    assert_int_equal(strncmp(text_of(json, "Recommend"), "https://", 8), 0);
    cJSON_Delete(json);
}

static void a_repeated_nonce_is_refused(void **state)
{
    (void)state;
    struct sent sent;
    prepare(&sent, SIM_ACTION_LIST, "", EPOCH_S);
    sign_as(&sent, KEY_ID);
    for (int i = 0; i < 2; i++) {
        struct sim_reply reply;
        sim_reply_init(&reply);
        assert_int_equal(sim_service_call(s, &sent.r, at_ms(0), &reply), 0);
        expect(reply, i ? 400 : 200, i ? "SignatureNonceUsed" : "");
    }
}

static void the_throttle_holds_over_each_second(void **state)
{
    (void)state;
    run("POST", "qps", "{\"qps\":3}");
    for (int64_t ms = 0; ms < 3000; ms += 100) {
        bool admitted = ms % 1000 < 300;
        struct sim_reply reply = get_at(s, 0, ms);
        assert_int_equal(reply.headers.len, 0);
        expect(reply, admitted ? 200 : 400, admitted ? "" : "Throttling.User");
    }
    run("POST", "qps", "{\"qps\":1,\"retry_after_ms\":1500}");
    expect(get_at(s, 0, 5000), 200, "");
    struct sim_reply reply = get_at(s, 0, 5001);
    assert_string_equal(buf_str(&reply.headers), "x-acs-retry-after: 1500\n");
    expect(reply, 400, "Throttling.User");
    run("POST", "qps", "{\"qps\":0}");
    expect(get_at(s, 0, 5002), 200, "");
}

/* --- statistics --- */

static void calls_are_counted_by_action_job_code_and_second(void **state)
{
    (void)state;
    char id[SIM_ID_LEN];
    for (int i = 0; i < 5; i++)
        expect(get_at(s, 1, i * 300), 200, "");
    expect(call_at(s, SIM_ACTION_LIST, "", 5000), 200, "");
    expect(call_at(s, SIM_ACTION_GET, "JobId=x", 5000), 404, "JobNotFound");
    expect(call_at(s, "Other", "JobId=x", 5000), 404, "InvalidAction.NotFound");
    cJSON *json = control("GET", "stats", "");
    id_of(1, id);
    assert_int_equal(number_at(json, "calls", SIM_ACTION_GET), 6);
    assert_int_equal(number_at(json, "calls", SIM_ACTION_LIST), 1);
    assert_int_equal(number_at(json, "calls", "other"), 1);
    assert_int_equal(number_at(json, "by_job", id), 5);
    assert_int_equal(number_at(json, "by_job", "x"), 1);
    assert_int_equal(number_at(json, "refused", "JobNotFound"), 1);
    assert_int_equal(number_at(json, "max_per_second", NULL), 4);
    cJSON_Delete(json);
    run("POST", "reset", "");
    json = control("GET", "stats", "");
    assert_int_equal(number_at(json, "calls", SIM_ACTION_GET), 0);
    assert_int_equal(number_at(json, "by_job", id), -1);
    assert_int_equal(number_at(json, "max_per_second", NULL), 0);
    cJSON_Delete(json);
}

/* --- faults --- */

static uint64_t add_fault(const char *json)
{
    cJSON *answer = control("POST", "fault", json);
    uint64_t id = (uint64_t)number_at(answer, "id", NULL);
    cJSON_Delete(answer);
    assert_true(id > 0);
    return id;
}

static void faults_that_answer_with_an_error(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        int status;
        const char *code, *contains;
    } cases[] = {
        {"{\"kind\":\"error\"}", 500, "InternalError", "\"Code\":\"InternalError\""},
        {"{\"kind\":\"error\",\"status\":503,\"code\":\"ServiceUnavailable\"}", 503,
         "ServiceUnavailable", "temporary"},
        {"{\"kind\":\"error\",\"code\":\"JobNotFound\",\"message\":\"gone\"}", 404, "JobNotFound",
         "gone"},
        {"{\"kind\":\"error\",\"format\":\"xml\"}", 500, "InternalError",
         "<Code>InternalError</Code>"},
        {"{\"kind\":\"throttle\"}", 400, "Throttling.User", "Throttling.User"},
        {"{\"kind\":\"throttle\",\"code\":\"Throttling.Api\"}", 400, "Throttling.Api", "Api"},
        {"{\"kind\":\"token_expired\"}", 400, "InvalidSecurityToken.Expired", "expired"},
        {"{\"kind\":\"not_found\"}", 404, "JobNotFound", "JobNotFound"},
        {"{\"kind\":\"forbidden\"}", 403, "Forbidden.RAM",
         "\"AccessDeniedDetail\":{\"AuthAction\""},
        {"{\"kind\":\"ok_error\",\"code\":\"InternalError\"}", 200, "InternalError", "\"Code\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        add_fault(cases[i].json);
        struct sim_reply reply = get_at(s, 0, 0);
        assert_non_null(strstr(buf_str(&reply.body), cases[i].contains));
        assert_null(strstr(buf_str(&reply.body), "MediaProducingJob\":{"));
        expect(reply, cases[i].status, cases[i].code);
        run("DELETE", "fault", "");
        expect(get_at(s, 0, 0), 200, "");
    }
}

static void faults_that_answer_with_another_body(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        int status;
        const char *body;
    } cases[] = {
        {"{\"kind\":\"empty\"}", 200, ""},
        {"{\"kind\":\"raw\",\"status\":502,\"body\":\"<html>\"}", 502, "<html>"},
        {"{\"kind\":\"raw\",\"body\":\"\"}", 200, ""},
        {"{\"kind\":\"raw\",\"body\":{\"a\":[1]}}", 200, "{\"a\":[1]}"},
        {"{\"kind\":\"raw\",\"body_hex\":\"41ff42\"}", 200, "A\xff\x42"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        add_fault(cases[i].json);
        struct sim_reply reply = get_at(s, 0, 0);
        assert_string_equal(buf_str(&reply.body), cases[i].body);
        expect(reply, cases[i].status, "");
        run("DELETE", "fault", "");
    }
    add_fault("{\"kind\":\"garbage\"}");
    struct sim_reply reply = get_at(s, 0, 0);
    assert_string_equal(reply.content_type, "text/html; charset=utf-8");
    assert_non_null(strstr(buf_str(&reply.body), "<html>"));
    sim_reply_free(&reply);
}

static void a_raw_fault_says_its_type_and_headers(void **state)
{
    (void)state;
    add_fault(
        "{\"kind\":\"raw\",\"content_type\":\"text/plain\",\"headers\":{\"Retry-After\":\"3\"}}");
    struct sim_reply reply = get_at(s, 0, 0);
    assert_null(reply.content_type);
    assert_string_equal(buf_str(&reply.headers), "Content-Type: text/plain\nRetry-After: 3\n");
    sim_reply_free(&reply);
}

static void a_throttle_fault_says_how_long(void **state)
{
    (void)state;
    add_fault("{\"kind\":\"throttle\",\"retry_after_ms\":250}");
    struct sim_reply reply = get_at(s, 0, 0);
    assert_string_equal(buf_str(&reply.headers), "x-acs-retry-after: 250\n");
    sim_reply_free(&reply);
}

static void faults_of_the_wire_are_handed_on(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        enum sim_wire wire;
    } cases[] = {{"{\"kind\":\"hang\"}", SIM_WIRE_HANG},
                 {"{\"kind\":\"reset\"}", SIM_WIRE_RESET},
                 {"{\"kind\":\"cut\",\"bytes\":10}", SIM_WIRE_CUT},
                 {"{\"kind\":\"slow\",\"pace_ms\":7}", SIM_WIRE_SLOW},
                 {"{\"kind\":\"huge\",\"bytes\":5000}", SIM_WIRE_HUGE}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t id = add_fault(cases[i].json);
        struct sim_reply reply = get_at(s, 0, 0);
        assert_int_equal(reply.wire, cases[i].wire);
        if (cases[i].wire == SIM_WIRE_HANG)
            assert_int_equal(reply.fault_id, id);
        if (cases[i].wire == SIM_WIRE_CUT)
            assert_int_equal(reply.part, 10);
        if (cases[i].wire == SIM_WIRE_SLOW)
            assert_int_equal(reply.pace_ms, 7);
        if (cases[i].wire == SIM_WIRE_HUGE)
            assert_int_equal(reply.total, 5000);
        sim_reply_free(&reply);
        run("DELETE", "fault", "");
    }
}

static void a_delay_goes_with_another_fault(void **state)
{
    (void)state;
    add_fault("{\"kind\":\"delay\",\"delay_ms\":30}");
    add_fault("{\"kind\":\"error\",\"delay_ms\":12}");
    struct sim_reply reply = get_at(s, 0, 0);
    assert_int_equal(reply.delay_ms, 42);
    expect(reply, 500, "InternalError");
}

static void a_skewed_clock_refuses_who_goes_by_the_right_one(void **state)
{
    (void)state;
    add_fault("{\"kind\":\"skew\",\"seconds\":3600}");
    struct sim_reply reply = get_at(s, 0, 0);
    assert_int_equal(reply.date_s, EPOCH_S + 3600);
    expect(reply, 400, "InvalidTimeStamp.Expired");
    struct sent sent;
    prepare(&sent, SIM_ACTION_LIST, "", EPOCH_S + 3600);
    sign_as(&sent, KEY_ID);
    sim_reply_init(&reply);
    assert_int_equal(sim_service_call(s, &sent.r, at_ms(0), &reply), 0);
    expect(reply, 200, "");
}

static void another_jobs_reply_is_good_but_for_its_id(void **state)
{
    (void)state;
    char id[SIM_ID_LEN];
    id_of(4, id);
    add_fault("{\"kind\":\"other_job\"}");
    struct sim_reply reply = get_at(s, 4, 0);
    assert_int_equal(reply.status, 200);
    cJSON *json = body_of(&reply);
    const char *other =
        text_of(cJSON_GetObjectItemCaseSensitive(json, "MediaProducingJob"), "JobId");
    assert_int_equal(strlen(other), 32);
    assert_string_not_equal(other, id);
    cJSON_Delete(json);
}

static void a_fault_meets_whom_it_is_meant_for(void **state)
{
    (void)state;
    char json[120];
    char id[SIM_ID_LEN];
    id_of(1, id);
    snprintf(json, sizeof(json), "{\"kind\":\"not_found\",\"job\":\"%s\"}", id);
    add_fault(json);
    expect(get_at(s, 1, 0), 404, "JobNotFound");
    expect(get_at(s, 2, 0), 200, "");
    expect(call_at(s, SIM_ACTION_LIST, "", 0), 200, "");
    run("DELETE", "fault", "");
    add_fault("{\"kind\":\"error\",\"action\":\"ListMediaProducingJobs\"}");
    expect(get_at(s, 1, 0), 200, "");
    expect(call_at(s, SIM_ACTION_LIST, "", 0), 500, "InternalError");
}

static void a_fault_with_a_count_is_gone_after_it(void **state)
{
    (void)state;
    uint64_t id = add_fault("{\"kind\":\"error\",\"count\":2}");
    expect(get_at(s, 1, 0), 500, "InternalError");
    expect(get_at(s, 1, 0), 500, "InternalError");
    expect(get_at(s, 1, 0), 200, "");
    assert_false(sim_faults_has(&s->faults, id));
    char path[40];
    snprintf(path, sizeof(path), "fault/%" PRIu64, id);
    run("DELETE", path, "");
}

static void a_spent_hang_stays_for_those_who_hang_on_it(void **state)
{
    (void)state;
    uint64_t id = add_fault("{\"kind\":\"hang\",\"count\":1}");
    struct sim_reply reply = get_at(s, 1, 0);
    assert_int_equal(reply.wire, SIM_WIRE_HANG);
    sim_reply_free(&reply);
    expect(get_at(s, 1, 0), 200, "");
    assert_true(sim_faults_has(&s->faults, id));
    cJSON *json = control("GET", "fault", "");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(json, "faults")), 1);
    cJSON_Delete(json);
}

static void a_rate_strikes_about_so_often(void **state)
{
    (void)state;
    int struck = 0;
    add_fault("{\"kind\":\"error\",\"rate\":0.25}");
    for (int i = 0; i < 400; i++) {
        struct sim_reply reply = call_at(s, SIM_ACTION_GET, "JobId=x", 0);
        struck += reply.status == 500;
        sim_reply_free(&reply);
    }
    assert_in_range(struck, 60, 140);
}

static void a_call_that_met_a_fault_has_used_its_nonce(void **state)
{
    (void)state;
    struct sent sent;
    prepare(&sent, SIM_ACTION_LIST, "", EPOCH_S);
    sign_as(&sent, KEY_ID);
    add_fault("{\"kind\":\"error\",\"count\":1}");
    for (int i = 0; i < 2; i++) {
        struct sim_reply reply;
        sim_reply_init(&reply);
        assert_int_equal(sim_service_call(s, &sent.r, at_ms(0), &reply), 0);
        expect(reply, i ? 400 : 500, i ? "SignatureNonceUsed" : "InternalError");
    }
}

static void faults_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"", "kind"},
        {"[]", "kind"},
        {"{\"kind\":\"fire\"}", "kind"},
        {"{\"code\":\"x\"}", "kind"},
        {"{\"kind\":\"error\",\"rate\":2}", "rate"},
        {"{\"kind\":\"error\",\"count\":0}", "count"},
        {"{\"kind\":\"error\",\"count\":\"1\"}", "count"},
        {"{\"kind\":\"error\",\"status\":99}", "status"},
        {"{\"kind\":\"error\",\"code\":5}", "code"},
        {"{\"kind\":\"error\",\"format\":\"yaml\"}", "format"},
        {"{\"kind\":\"error\",\"headers\":[]}", "headers"},
        {"{\"kind\":\"error\",\"headers\":{\"a\":\"b\\nc\"}}", "headers"},
        {"{\"kind\":\"raw\",\"body_hex\":\"4\"}", "body_hex"},
        {"{\"kind\":\"error\",\"colour\":1}", "colour"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct sim_reply reply = control_at("POST", "fault", bad[i][0], 0);
        assert_int_equal(reply.status, 400);
        cJSON *json = body_of(&reply);
        assert_non_null(strstr(text_of(json, "error"), bad[i][1]));
        cJSON_Delete(json);
    }
    assert_int_equal(s->faults.n, 0);
}

static void faults_have_a_ceiling(void **state)
{
    (void)state;
    for (int i = 0; i < SIM_FAULTS_MAX; i++)
        assert_true(sim_faults_add(&s->faults, "{\"kind\":\"delay\"}", NULL) > 0);
    assert_int_equal(sim_faults_add(&s->faults, "{\"kind\":\"delay\"}", NULL), 0);
}

/* --- jobs of the control path --- */

static void peek_is_what_a_call_gets_and_is_not_counted(void **state)
{
    (void)state;
    char path[64] = "jobs/";
    id_of(2, path + 5);
    cJSON *peeked = control("GET", path, "");
    struct sim_reply reply = get_at(s, 2, 0);
    cJSON *got = body_of(&reply);
    assert_true(cJSON_Compare(cJSON_GetObjectItemCaseSensitive(peeked, "MediaProducingJob"),
                              cJSON_GetObjectItemCaseSensitive(got, "MediaProducingJob"), true));
    assert_int_equal(s->stats.get, 1);
    cJSON_Delete(peeked);
    cJSON_Delete(got);
    reply = control_at("GET", "jobs/nobody", "", 0);
    expect(reply, 404, "");
}

static cJSON *job_of(const char *id)
{
    char path[80];
    snprintf(path, sizeof(path), "jobs/%s", id);
    cJSON *json = control("GET", path, "");
    cJSON *job = cJSON_DetachItemFromObjectCaseSensitive(json, "MediaProducingJob");
    cJSON_Delete(json);
    assert_non_null(job);
    return job;
}

static void a_new_job_has_exactly_the_fields_given(void **state)
{
    (void)state;
    run("PUT", "jobs/new-1", "{\"Status\":\"Init\",\"Odd\":[1],\"A\":null,\"_null\":[\"Code\"]}");
    cJSON *job = job_of("new-1");
    char *text = cJSON_PrintUnformatted(job);
    assert_string_equal(text,
                        "{\"JobId\":\"new-1\",\"Status\":\"Init\",\"Odd\":[1],\"Code\":null}");
    free(text);
    cJSON_Delete(job);
    run("PUT", "jobs/new-1", "{\"Status\":\"Success\",\"Odd\":null,\"JobId\":null}");
    job = job_of("new-1");
    text = cJSON_PrintUnformatted(job);
    assert_string_equal(text, "{\"Code\":null,\"Status\":\"Success\"}");
    free(text);
    cJSON_Delete(job);
}

static void a_patched_job_stands_still_and_a_live_one_goes_on(void **state)
{
    (void)state;
    char still[64] = "jobs/";
    char live[64] = "jobs/";
    id_of(49, still + 5);
    id_of(48, live + 5);
    run("PUT", still, "{\"Message\":\"m\"}");
    run("PUT", live, "{\"ProjectId\":\"p\",\"_live\":true}");
    run("PUT", live, "{\"Message\":\"m\",\"_live\":true}");
    cJSON *before = job_of(still + 5);
    run("POST", "clock", "{\"advance_s\":600}");
    cJSON *after = job_of(still + 5);
    cJSON *moved = job_of(live + 5);
    assert_true(cJSON_Compare(before, after, true));
    assert_string_equal(text_of(after, "Message"), "m");
    assert_string_equal(text_of(moved, "ProjectId"), "p");
    assert_string_equal(text_of(moved, "Message"), "m");
    assert_true(strlen(text_of(moved, "CompleteTime")) > 0);
    cJSON_Delete(before);
    cJSON_Delete(after);
    cJSON_Delete(moved);
}

static void a_deleted_job_is_not_found_until_it_is_put_again(void **state)
{
    (void)state;
    char path[64] = "jobs/";
    id_of(5, path + 5);
    run("DELETE", path, "");
    expect(get_at(s, 5, 0), 404, "JobNotFound");
    run("PUT", path, "{\"Status\":\"Failed\"}");
    struct sim_reply reply = get_at(s, 5, 0);
    assert_non_null(strstr(buf_str(&reply.body), "\"Status\":\"Failed\"}}"));
    expect(reply, 200, "");
    run("DELETE", path, "");
    run("PUT", path, "{\"_live\":true}");
    reply = get_at(s, 5, 0);
    assert_non_null(strstr(buf_str(&reply.body), "Timeline"));
    expect(reply, 200, "");
}

static void jobs_are_listed_with_their_status(void **state)
{
    (void)state;
    char path[64] = "jobs/";
    id_of(5, path + 5);
    run("DELETE", path, "");
    run("PUT", "jobs/a%2Fb", "{\"Status\":\"Queuing\"}");
    cJSON *json = control("GET", "jobs", "");
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(json, "jobs");
    assert_int_equal(cJSON_GetArraySize(rows), 50);
    const cJSON *last = cJSON_GetArrayItem(rows, 49);
    assert_string_equal(text_of(last, "id"), "a/b");
    assert_string_equal(text_of(last, "status"), "Queuing");
    cJSON_Delete(json);
}

static void what_is_no_object_cannot_be_put(void **state)
{
    (void)state;
    expect(control_at("PUT", "jobs/x", "[1]", 0), 400, "");
    expect(control_at("PUT", "jobs/x", "", 0), 400, "");
    expect(control_at("GET", "jobs/x", "", 0), 404, "");
}

/* --- clock, keys, paths --- */

static void the_clock_is_set_and_told(void **state)
{
    (void)state;
    run("POST", "clock", "{\"freeze\":true,\"advance_s\":1.5}");
    struct sim_reply reply = control_at("GET", "clock", "", 60000);
    cJSON *json = body_of(&reply);
    assert_string_equal(text_of(json, "now"), "2026-03-01T08:30:01Z");
    assert_true(cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "frozen")));
    cJSON_Delete(json);
    cJSON_Delete(control("POST", "clock", "{\"freeze\":false,\"speed\":60}"));
    reply = control_at("GET", "clock", "", 1000);
    json = body_of(&reply);
    assert_string_equal(text_of(json, "now"), "2026-03-01T08:31:01Z");
    assert_int_equal(number_at(json, "speed", NULL), 60);
    cJSON_Delete(json);
    expect(control_at("POST", "clock", "{\"speed\":-1}", 0), 400, "");
    expect(control_at("POST", "clock", "{\"advance_s\":\"1\"}", 0), 400, "");
    expect(control_at("POST", "clock", "", 0), 400, "");
}

static void keys_can_be_changed_while_it_runs(void **state)
{
    (void)state;
    run("POST", "keys", "{\"security_token\":\"T\"}");
    expect(get_at(s, 0, 0), 400, "MissingSecurityToken");
    run("POST", "keys", "{\"security_token\":\"\",\"key_secret\":\"other\"}");
    expect(get_at(s, 0, 0), 400, "SignatureDoesNotMatch");
    run("POST", "keys", "{\"key_id\":\"other\"}");
    expect(get_at(s, 0, 0), 404, "InvalidAccessKeyId.NotFound");
    expect(control_at("POST", "keys", "{\"key_id\":1}", 0), 400, "");
    expect(control_at("POST", "qps", "{\"qps\":\"many\"}", 0), 400, "");
}

static void unknown_commands_are_not_found(void **state)
{
    (void)state;
    char longest[520];
    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    run("GET", "ping", "");
    run("GET", "ping?x=1", "");
    expect(control_at("GET", "nothing", "", 0), 404, "");
    expect(control_at("POST", "ping", "", 0), 404, "");
    expect(control_at("GET", longest, "", 0), 404, "");
    expect(control_at("DELETE", "fault/1", "", 0), 404, "");
    assert_false(sim_control_owns("/"));
}

/* --- without memory --- */

/* Everything that a call or command may go through, once. Failure is fine, a leak or a crash is
 * not. */
static void go_through(void)
{
    static const char *const commands[][3] = {
        {"POST", "fault",
         "{\"kind\":\"raw\",\"job\":\"x\",\"body\":{\"a\":1},\"headers\":{\"a\":\"b\"}}"},
        {"PUT", "jobs/x", "{\"Status\":\"Init\",\"_null\":[\"Code\"]}"},
        {"PUT", "jobs/x", "{\"Status\":\"Failed\"}"},
        {"GET", "jobs/x", ""},
        {"GET", "jobs", ""},
        {"GET", "stats", ""},
        {"GET", "fault", ""},
        {"DELETE", "jobs/y", ""},
        {"POST", "nothing", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        char target[64];
        struct sim_reply reply;
        snprintf(target, sizeof(target), "/_sim/%s", commands[i][1]);
        struct sim_request r = {.method = commands[i][0],
                                .target = target,
                                .body = commands[i][2],
                                .body_len = strlen(commands[i][2])};
        sim_reply_init(&reply);
        (void)!sim_control_call(s, &r, at_ms(0), &reply);
        sim_reply_free(&reply);
    }
}

static void call_through(struct sent sent[4])
{
    for (int i = 0; i < 4; i++) {
        struct sim_reply reply;
        sim_reply_init(&reply);
        sent[i].r.target = sent[i].target;
        (void)!sim_service_call(s, &sent[i].r, at_ms(0), &reply);
        sim_reply_free(&reply);
    }
}

static void without_memory_calls_fail_and_leak_nothing(void **state)
{
    (void)state;
    static cJSON_Hooks ours = {malloc, free};
    cJSON_InitHooks(&ours);
    for (unsigned n = 1;; n++) {
        struct sent sent[4];
        char live[64] = "{\"_live\":true}";
        char id[SIM_ID_LEN];
        prepare(&sent[0], SIM_ACTION_GET, "JobId=x", EPOCH_S);
        prepare(&sent[1], SIM_ACTION_LIST, "MaxResults=3", EPOCH_S);
        prepare(&sent[2], SIM_ACTION_LIST, "Format=XML&MaxResults=2", EPOCH_S);
        prepare(&sent[3], SIM_ACTION_GET, "JobId=none", EPOCH_S);
        for (int i = 0; i < 4; i++)
            sign_as(&sent[i], KEY_ID);
        for (int i = 0; i < 4; i++)
            sent[i].r.headers[sent[i].r.n_headers - 1].value = sent[i].authorization;
        id_of(49, id);
        alloc_fail_at(n);
        struct sim_config config = config_of(50);
        struct sim_service *other = sim_service_new(&config, at_ms(0), NULL);
        sim_service_free(other);
        struct sim_job job = {7, 49, EPOCH_S * 1000};
        (void)!sim_patches_put(&s->world.patches, id, &job, EPOCH_S * 1000, live, NULL);
        go_through();
        call_through(sent);
        bool fired = alloc_fail_fired();
        stop(NULL);
        start(NULL);
        if (!fired)
            break;
    }
    cJSON_InitHooks(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_job_is_got_with_an_id_of_the_request),
        TEST(the_same_seed_gives_the_same_run),
        TEST(unknown_jobs_actions_and_versions_are_not_found),
        TEST(a_job_that_is_not_born_yet_is_not_found),
        TEST(parameters_may_come_in_a_form),
        TEST(who_does_not_ask_for_json_gets_xml),
        TEST(an_error_has_the_official_members),
        TEST(a_repeated_nonce_is_refused),
        TEST(the_throttle_holds_over_each_second),
        TEST(calls_are_counted_by_action_job_code_and_second),
        TEST(faults_that_answer_with_an_error),
        TEST(faults_that_answer_with_another_body),
        TEST(a_raw_fault_says_its_type_and_headers),
        TEST(a_throttle_fault_says_how_long),
        TEST(faults_of_the_wire_are_handed_on),
        TEST(a_delay_goes_with_another_fault),
        TEST(a_skewed_clock_refuses_who_goes_by_the_right_one),
        TEST(another_jobs_reply_is_good_but_for_its_id),
        TEST(a_fault_meets_whom_it_is_meant_for),
        TEST(a_fault_with_a_count_is_gone_after_it),
        TEST(a_spent_hang_stays_for_those_who_hang_on_it),
        TEST(a_rate_strikes_about_so_often),
        TEST(a_call_that_met_a_fault_has_used_its_nonce),
        TEST(faults_that_make_no_sense_are_refused),
        TEST(faults_have_a_ceiling),
        TEST(peek_is_what_a_call_gets_and_is_not_counted),
        TEST(a_new_job_has_exactly_the_fields_given),
        TEST(a_patched_job_stands_still_and_a_live_one_goes_on),
        TEST(a_deleted_job_is_not_found_until_it_is_put_again),
        TEST(jobs_are_listed_with_their_status),
        TEST(what_is_no_object_cannot_be_put),
        TEST(the_clock_is_set_and_told),
        TEST(keys_can_be_changed_while_it_runs),
        TEST(unknown_commands_are_not_found),
        TEST(without_memory_calls_fail_and_leak_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
