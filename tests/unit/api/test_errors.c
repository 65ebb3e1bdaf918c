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
    int status;
    const char *code;
    enum api_class class;
};

/* Every code that the API's pages name, with the status they give it. */
static const struct known documented[] = {
    {400, "Throttling", API_THROTTLED},
    {400, "Throttling.User", API_THROTTLED},
    {400, "Throttling.Api", API_THROTTLED},
    {503, "ServiceUnavailable", API_TEMPORARY},
    {503, "ServiceUnavailableTemporary", API_TEMPORARY},
    {500, "InternalError", API_TEMPORARY},
    {400, "SignatureNonceUsed", API_TEMPORARY},
    {400, "InvalidTimeStamp.Expired", API_CLOCK},
    {400, "InvalidTimeStamp.Format", API_CLOCK},
    {400, "InvalidTimestamp.Expired", API_CLOCK},
    {400, "SignatureDoesNotMatch", API_CREDENTIALS},
    {403, "SignatureDoesNotMatch", API_CREDENTIALS},
    {404, "InvalidAccessKeyId.NotFound", API_CREDENTIALS},
    {400, "InvalidAccessKeyId.NotFound", API_CREDENTIALS},
    {400, "InvalidAccessKeyId.Inactive", API_CREDENTIALS},
    {400, "InvalidSecurityToken.Expired", API_CREDENTIALS},
    {400, "InvalidSecurityToken.Malformed", API_CREDENTIALS},
    {400, "InvalidSecurityToken.MismatchWithAccessKey", API_CREDENTIALS},
    {403, "Forbidden.RAM", API_DENIED},
    {403, "Forbidden", API_DENIED},
    {403, "NoPermission", API_DENIED},
    {400, "MissingParameter", API_BAD_REQUEST},
    {400, "MissingJobId", API_BAD_REQUEST},
    {400, "InvalidParameter", API_BAD_REQUEST},
    {400, "InvalidParameter.JobId", API_BAD_REQUEST},
    {400, "InvalidJobId", API_BAD_REQUEST},
    {404, "InvalidAction.NotFound", API_BAD_REQUEST},
    {404, "InvalidApi.NotFound", API_BAD_REQUEST},
    {404, "InvalidProtocol.NeedSsl", API_BAD_REQUEST},
    {404, "JobNotFound", API_NOT_FOUND},
    {400, "InvalidIdentity.ServiceDisabled", API_DENIED},
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
        {400, "SomethingNew", API_BAD_REQUEST},
        {400, "", API_BROKEN},
        {401, "", API_CREDENTIALS},
        {401, "InvalidNewThing", API_CREDENTIALS},
        {403, "", API_DENIED},
        {403, "InvalidNewThing", API_DENIED},
        {404, "", API_BROKEN},
        {404, "ProjectNotFound", API_BROKEN},
        {405, "", API_BROKEN},
        {409, "Conflict", API_BAD_REQUEST},
        {407, "", API_DENIED},
        {408, "", API_TEMPORARY},
        {429, "", API_THROTTLED},
        {429, "InvalidNewThing", API_THROTTLED},
        {500, "", API_TEMPORARY},
        {502, "", API_TEMPORARY},
        {504, "", API_TEMPORARY},
        {500, "InvalidNewThing", API_TEMPORARY},
        {599, "", API_TEMPORARY},
        {301, "", API_BROKEN},
        {302, "Moved", API_BROKEN},
        {204, "", API_BROKEN},
        {100, "", API_BROKEN},
        {0, "", API_BROKEN},
        {-1, "", API_BROKEN},
        {600, "", API_BROKEN},
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
        int status;
        const char *code;
        enum api_net net;
        const char *fix;
    } cases[] = {
        {400, "SignatureDoesNotMatch", API_NET_NONE, "secret"},
        {404, "InvalidAccessKeyId.NotFound", API_NET_NONE, "access key id"},
        {400, "InvalidAccessKeyId.Inactive", API_NET_NONE, "enable"},
        {400, "InvalidSecurityToken.Expired", API_NET_NONE, "new temporary keys"},
        {400, "InvalidSecurityToken.Malformed", API_NET_NONE, "whole"},
        {403, "Forbidden.RAM", API_NET_NONE, "ice:GetMediaProducingJob"},
        {403, "NoPermission", API_NET_NONE, "ice:GetMediaProducingJob"},
        {400, "InvalidTimeStamp.Expired", API_NET_NONE, "clock"},
        {400, "InvalidIdentity.ServiceDisabled", API_NET_NONE, "open the service"},
        {404, "InvalidAction.NotFound", API_NET_NONE, "region"},
        {404, "InvalidProtocol.NeedSsl", API_NET_NONE, "https"},
        {400, "Throttling.User", API_NET_NONE, "qps"},
        {404, "JobNotFound", API_NET_NONE, "year"},
        {429, "", API_NET_NONE, "qps"},
        {407, "", API_NET_NONE, "proxy"},
        {302, "", API_NET_NONE, "URL"},
        {0, "", API_NET_UNREACHABLE, "DNS"},
        {0, "", API_NET_UNREACHABLE, "port"},
        {0, "", API_NET_TIMEOUT, "firewall"},
        {0, "", API_NET_TLS, "certificate"},
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
