/* The error table: class, errno and advice of everything that the service and the network say. */
#include "api/errors.h"
#include "base/attr.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct known {
    const char *code;
    int status;
    enum api_class class;
};

/* Every code that the API's pages name, with the status they give it. */
static const struct known documented[] = {
    {"Throttling", 400, API_THROTTLED},
    {"Throttling.User", 400, API_THROTTLED},
    {"Throttling.Api", 400, API_THROTTLED},
    {"ServiceUnavailable", 503, API_TEMPORARY},
    {"ServiceUnavailableTemporary", 503, API_TEMPORARY},
    {"InternalError", 500, API_TEMPORARY},
    {"SignatureNonceUsed", 400, API_TEMPORARY},
    {"InvalidTimeStamp.Expired", 400, API_CLOCK},
    {"InvalidTimeStamp.Format", 400, API_CLOCK},
    {"InvalidTimestamp.Expired", 400, API_CLOCK},
    {"SignatureDoesNotMatch", 400, API_CREDENTIALS},
    {"SignatureDoesNotMatch", 403, API_CREDENTIALS},
    {"InvalidAccessKeyId.NotFound", 404, API_CREDENTIALS},
    {"InvalidAccessKeyId.NotFound", 400, API_CREDENTIALS},
    {"InvalidAccessKeyId.Inactive", 400, API_CREDENTIALS},
    {"InvalidSecurityToken.Expired", 400, API_CREDENTIALS},
    {"InvalidSecurityToken.Malformed", 400, API_CREDENTIALS},
    {"InvalidSecurityToken.MismatchWithAccessKey", 400, API_CREDENTIALS},
    {"Forbidden.RAM", 403, API_DENIED},
    {"Forbidden", 403, API_DENIED},
    {"NoPermission", 403, API_DENIED},
    {"MissingParameter", 400, API_BAD_REQUEST},
    {"MissingJobId", 400, API_BAD_REQUEST},
    {"InvalidParameter", 400, API_BAD_REQUEST},
    {"InvalidParameter.JobId", 400, API_BAD_REQUEST},
    {"InvalidJobId", 400, API_BAD_REQUEST},
    {"InvalidAction.NotFound", 404, API_BAD_REQUEST},
    {"InvalidApi.NotFound", 404, API_BAD_REQUEST},
    {"InvalidProtocol.NeedSsl", 404, API_BAD_REQUEST},
    {"JobNotFound", 404, API_NOT_FOUND},
    {"InvalidIdentity.ServiceDisabled", 400, API_DENIED},
};

static void every_documented_code_has_its_class(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(documented); i++)
        assert_int_equal(api_classify(documented[i].status, documented[i].code, false),
                         documented[i].class);
}

static void a_200_with_an_error_code_is_that_error(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(documented); i++)
        assert_int_equal(api_classify(200, documented[i].code, false), documented[i].class);
    assert_int_equal(api_classify(200, "Success", false), API_BROKEN);
    assert_int_equal(api_classify(200, "", false), API_BROKEN);
}

static void an_unknown_code_goes_by_its_status(void **state)
{
    (void)state;
    static const struct known cases[] = {
        {"SomethingNew", 400, API_BAD_REQUEST},
        {"", 400, API_BROKEN},
        {"", 401, API_CREDENTIALS},
        {"InvalidNewThing", 401, API_CREDENTIALS},
        {"", 403, API_DENIED},
        {"InvalidNewThing", 403, API_DENIED},
        {"", 404, API_BROKEN},
        {"ProjectNotFound", 404, API_BROKEN},
        {"", 405, API_BROKEN},
        {"Conflict", 409, API_BAD_REQUEST},
        {"", 407, API_DENIED},
        {"", 408, API_TEMPORARY},
        {"", 429, API_THROTTLED},
        {"InvalidNewThing", 429, API_THROTTLED},
        {"", 500, API_TEMPORARY},
        {"", 502, API_TEMPORARY},
        {"", 504, API_TEMPORARY},
        {"InvalidNewThing", 500, API_TEMPORARY},
        {"", 599, API_TEMPORARY},
        {"", 301, API_BROKEN},
        {"Moved", 302, API_BROKEN},
        {"", 204, API_BROKEN},
        {"", 100, API_BROKEN},
        {"", 0, API_BROKEN},
        {"", -1, API_BROKEN},
        {"", 600, API_BROKEN},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(api_classify(cases[i].status, cases[i].code, false), cases[i].class);
}

static void codes_are_compared_to_their_end(void **state)
{
    (void)state;
    assert_int_equal(api_classify(404, "JobNotFoundX", false), API_BROKEN);
    assert_int_equal(api_classify(404, "JobNotFound.X", false), API_BROKEN);
    assert_int_equal(api_classify(404, "jobnotfound", false), API_BROKEN);
    assert_int_equal(api_classify(404, "JobNotFoun", false), API_BROKEN);
    assert_int_equal(api_classify(400, "ThrottlingX", false), API_BAD_REQUEST);
    assert_int_equal(api_classify(403, "ForbiddenX", false), API_DENIED);
    assert_int_equal(api_classify(400, "InternalErrorX", false), API_BAD_REQUEST);
}

static void not_found_is_said_by_the_service_alone(void **state)
{
    (void)state;
    static const char *const others[] = {"",
                                         "NotFound",
                                         "InvalidJobId.NotFound",
                                         "404",
                                         "InvalidAccessKeyId.NotFound",
                                         "InvalidAction.NotFound"};
    for (int status = 0; status < 700; status++)
        for (size_t i = 0; i < ARRAY_LEN(others); i++)
            assert_int_not_equal(api_classify(status, others[i], false), API_NOT_FOUND);
}

static void retry_after_makes_any_refusal_throttling(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(documented); i++)
        assert_int_equal(api_classify(documented[i].status, documented[i].code, true),
                         documented[i].class == API_NOT_FOUND ? API_NOT_FOUND : API_THROTTLED);
    assert_int_equal(api_classify(503, "", true), API_THROTTLED);
    assert_int_equal(api_classify(404, "", true), API_THROTTLED);
    assert_int_equal(api_classify(200, "", true), API_BROKEN);
    assert_int_equal(api_classify(200, "InternalError", true), API_TEMPORARY);
    assert_int_equal(api_classify(302, "", true), API_BROKEN);
}

static void network_faults_are_temporary_but_a_flood_is_broken(void **state)
{
    (void)state;
    assert_int_equal(api_classify_net(API_NET_NONE), API_OK);
    assert_int_equal(api_classify_net(API_NET_TIMEOUT), API_TEMPORARY);
    assert_int_equal(api_classify_net(API_NET_UNREACHABLE), API_TEMPORARY);
    assert_int_equal(api_classify_net(API_NET_BROKEN), API_TEMPORARY);
    assert_int_equal(api_classify_net(API_NET_TLS), API_TEMPORARY);
    assert_int_equal(api_classify_net(API_NET_TOO_BIG), API_BROKEN);
}

static void each_class_has_its_errno_and_only_not_found_is_enoent(void **state)
{
    (void)state;
    static const int expected[] = {
        [API_OK] = 0,
        [API_NOT_FOUND] = ENOENT,
        [API_BAD_REQUEST] = EINVAL,
        [API_DENIED] = EACCES,
        [API_CREDENTIALS] = EACCES,
        [API_CLOCK] = EACCES,
        [API_THROTTLED] = EAGAIN,
        [API_BROKEN] = EPROTO,
    };
    for (enum api_class c = API_OK; c <= API_BROKEN; c++)
        for (enum api_net net = API_NET_NONE; net <= API_NET_TOO_BIG; net++)
            if (c != API_TEMPORARY)
                assert_int_equal(api_errno(c, net), expected[c]);
    assert_int_equal(api_errno(API_TEMPORARY, API_NET_NONE), EIO);
    assert_int_equal(api_errno(API_TEMPORARY, API_NET_TIMEOUT), ETIMEDOUT);
    assert_int_equal(api_errno(API_TEMPORARY, API_NET_UNREACHABLE), EHOSTUNREACH);
    assert_int_equal(api_errno(API_TEMPORARY, API_NET_BROKEN), EIO);
    assert_int_equal(api_errno(API_TEMPORARY, API_NET_TLS), EIO);
    assert_int_equal(api_errno(API_TEMPORARY, API_NET_TOO_BIG), EIO);
}

static void class_names_are_distinct(void **state)
{
    (void)state;
    for (enum api_class a = API_OK; a <= API_BROKEN; a++)
        for (enum api_class b = API_OK; b < a; b++)
            assert_string_not_equal(api_class_name(a), api_class_name(b));
    assert_string_equal(api_class_name(API_BAD_REQUEST), "bad_request");
}

/* A hint that lacks the word of its fix is no help. */
static void hints_name_the_fix(void **state)
{
    (void)state;
    static const struct {
        const char *code, *fix;
        int status;
        enum api_net net;
    } cases[] = {
        {"SignatureDoesNotMatch", "secret", 400, API_NET_NONE},
        {"InvalidAccessKeyId.NotFound", "access key id", 404, API_NET_NONE},
        {"InvalidAccessKeyId.Inactive", "enable", 400, API_NET_NONE},
        {"InvalidSecurityToken.Expired", "new temporary keys", 400, API_NET_NONE},
        {"InvalidSecurityToken.Malformed", "whole", 400, API_NET_NONE},
        {"Forbidden.RAM", "ice:GetMediaProducingJob", 403, API_NET_NONE},
        {"NoPermission", "ice:GetMediaProducingJob", 403, API_NET_NONE},
        {"InvalidTimeStamp.Expired", "clock", 400, API_NET_NONE},
        {"InvalidIdentity.ServiceDisabled", "open the service", 400, API_NET_NONE},
        {"InvalidAction.NotFound", "region", 404, API_NET_NONE},
        {"InvalidProtocol.NeedSsl", "https", 404, API_NET_NONE},
        {"Throttling.User", "qps", 400, API_NET_NONE},
        {"JobNotFound", "year", 404, API_NET_NONE},
        {"", "qps", 429, API_NET_NONE},
        {"", "proxy", 407, API_NET_NONE},
        {"", "URL", 302, API_NET_NONE},
        {"", "DNS", 0, API_NET_UNREACHABLE},
        {"", "port", 0, API_NET_UNREACHABLE},
        {"", "firewall", 0, API_NET_TIMEOUT},
        {"", "certificate", 0, API_NET_TLS},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *hint = api_hint(cases[i].status, cases[i].code, cases[i].net);
        assert_non_null(hint);
        assert_non_null(strstr(hint, cases[i].fix));
        assert_true(hint[strlen(hint) - 1] != '.');
    }
}

static void there_is_no_hint_where_none_helps(void **state)
{
    (void)state;
    assert_null(api_hint(500, "InternalError", API_NET_NONE));
    assert_null(api_hint(502, "", API_NET_NONE));
    assert_null(api_hint(400, "SomethingNew", API_NET_NONE));
    assert_null(api_hint(0, "", API_NET_BROKEN));
    assert_null(api_hint(0, "", API_NET_TOO_BIG));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_documented_code_has_its_class),
        cmocka_unit_test(a_200_with_an_error_code_is_that_error),
        cmocka_unit_test(an_unknown_code_goes_by_its_status),
        cmocka_unit_test(codes_are_compared_to_their_end),
        cmocka_unit_test(not_found_is_said_by_the_service_alone),
        cmocka_unit_test(retry_after_makes_any_refusal_throttling),
        cmocka_unit_test(network_faults_are_temporary_but_a_flood_is_broken),
        cmocka_unit_test(each_class_has_its_errno_and_only_not_found_is_enoent),
        cmocka_unit_test(class_names_are_distinct),
        cmocka_unit_test(hints_name_the_fix),
        cmocka_unit_test(there_is_no_hint_where_none_helps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
