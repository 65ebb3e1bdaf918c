/* The first answer: what refuses a mount, what only warns, and in which words. */
#include "cli/mountcheck.h"
#include "cli/probe.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* A probe as the API room would classify it. */
static struct probe answer(int status, const char *code)
{
    struct probe p = {.status = status, .class = api_classify(status, code, false)};
    snprintf(p.code, sizeof p.code, "%s", code);
    snprintf(p.request_id, sizeof p.request_id, "REQ-1");
    err_set(&p.error, "ListMediaProducingJobs: %d %s", status, code);
    return p;
}

static struct probe silence(enum api_net net)
{
    struct probe p = {.net = net, .class = api_classify_net(net)};
    err_set(&p.error, "cannot connect to ice.example.com:443: words of the network");
    return p;
}

static void assert_decided(const struct probe *p, enum mountcheck_verdict verdict,
                           const char *words)
{
    struct mountcheck m = mountcheck_decide(p);
    struct err line = {""};
    assert_int_equal(m.verdict, verdict);
    if (verdict == MOUNTCHECK_FINE)
        return;
    mountcheck_line(&m, p, &line);
    if (!strstr(line.text, words))
        fail_msg("\"%s\" should hold \"%s\"", line.text, words);
    assert_true(strlen(m.fix) > 0);
    assert_non_null(strstr(line.text, m.fix));
}

static void definite_words_of_the_service_refuse(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *code;
        const char *words;
    } rows[] = {{404, "InvalidAccessKeyId.NotFound", "InvalidAccessKeyId.NotFound, request REQ-1"},
                {400, "InvalidAccessKeyId.Inactive", "enable"},
                {400, "SignatureDoesNotMatch", "secret"},
                {403, "SignatureDoesNotMatch", "secret"},
                {400, "InvalidSecurityToken.Expired", "expired"},
                {400, "InvalidSecurityToken.Malformed", "credentials"},
                {404, "InvalidProtocol.NeedSsl", "https://"},
                {404, "InvalidAction.NotFound", "not the ICE service"},
                {404, "InvalidApi.NotFound", "not the ICE service"},
                {404, "InvalidVersion", "not the ICE service"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct probe p = answer(rows[i].status, rows[i].code);
        assert_decided(&p, MOUNTCHECK_REFUSE, rows[i].words);
    }
}

static void a_server_that_cannot_be_verified_refuses(void **state)
{
    (void)state;
    struct probe p = silence(API_NET_TLS);
    assert_decided(&p, MOUNTCHECK_REFUSE, "-o ca=FILE");
}

static void what_may_pass_only_warns(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *code;
        const char *words;
    } rows[] = {{500, "InternalError", "at fault"},
                {503, "ServiceUnavailable", "at fault"},
                {502, "", "at fault"},
                {400, "Throttling.User", "qps"},
                {400, "InvalidTimeStamp.Expired", "clock"},
                {400, "InvalidParameter", "does not take"},
                {403, "InvalidIdentity.ServiceDisabled", "not in service"},
                {200, "", "ICE service"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct probe p = answer(rows[i].status, rows[i].code);
        if (rows[i].status == 200)
            p.class = API_BROKEN;
        assert_decided(&p, MOUNTCHECK_WARN, rows[i].words);
    }
    static const enum api_net nets[] = {API_NET_TIMEOUT, API_NET_UNREACHABLE, API_NET_BROKEN,
                                        API_NET_TOO_BIG};
    for (size_t i = 0; i < ARRAY_LEN(nets); i++) {
        struct probe p = silence(nets[i]);
        assert_decided(&p, MOUNTCHECK_WARN, "words of the network");
    }
}

static void a_status_without_a_code_is_a_proxys_and_not_definite(void **state)
{
    (void)state;
    static const int statuses[] = {301, 401, 403, 404, 407};
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        struct probe p = answer(statuses[i], "");
        assert_decided(&p, MOUNTCHECK_WARN, "HTTP status");
    }
}

static void an_answer_or_a_denied_list_is_fine(void **state)
{
    (void)state;
    struct probe ok = {.class = API_OK, .status = 200};
    assert_decided(&ok, MOUNTCHECK_FINE, "");
    static const char *const codes[] = {"JobNotFound", "Forbidden.RAM", "NoPermission"};
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        struct probe p = answer(i ? 403 : 404, codes[i]);
        assert_decided(&p, MOUNTCHECK_FINE, "");
    }
}

static void the_line_does_not_repeat_the_services_message(void **state)
{
    (void)state;
    struct probe p = answer(400, "SignatureDoesNotMatch");
    err_set(&p.error, "server string to sign is: hunter2");
    struct mountcheck m = mountcheck_decide(&p);
    struct err line = {""};
    mountcheck_line(&m, &p, &line);
    assert_null(strstr(line.text, "hunter2"));
    p.request_id[0] = '\0';
    mountcheck_line(&m, &p, &line);
    assert_non_null(strstr(line.text, "request unknown"));
}

static void advice_is_given_once(void **state)
{
    (void)state;
    struct probe p = silence(API_NET_UNREACHABLE);
    struct mountcheck m = mountcheck_decide(&p);
    struct err line = {""};
    err_set(&p.error, "cannot connect: refused; %s", m.fix);
    mountcheck_line(&m, &p, &line);
    const char *first = strstr(line.text, m.fix);
    assert_non_null(first);
    assert_null(strstr(first + 1, m.fix));
    assert_non_null(strstr(line.text, "(cannot connect: refused): "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(definite_words_of_the_service_refuse),
        cmocka_unit_test(a_server_that_cannot_be_verified_refuses),
        cmocka_unit_test(what_may_pass_only_warns),
        cmocka_unit_test(a_status_without_a_code_is_a_proxys_and_not_definite),
        cmocka_unit_test(an_answer_or_a_denied_list_is_fine),
        cmocka_unit_test(the_line_does_not_repeat_the_services_message),
        cmocka_unit_test(advice_is_given_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
