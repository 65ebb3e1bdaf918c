/* Roles by the network: the machine's, STS's, a URI's; and what a network can do to us. */
#include "api/creds_http.h"
#include "api/creds_resolve.h"
#include "api/creds_spec.h"
#include "base/clock.h"
#include "support/alloc_fail.h"
#include "support/fake_cloud.h"
#include "support/httpd.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TEXT(s) ((char *)(uintptr_t)(s))

struct scene {
    struct world *w;
    struct cloud cloud;
    struct creds_ctx ctx;
    struct creds_keys *keys;
    struct err err;
};

static int set_up(void **state)
{
    struct scene *s = calloc(1, sizeof *s);
    s->w = world_start();
    cloud_start(&s->cloud, s->w);
    assert_int_equal(creds_ctx_init(&s->ctx, world_env(s->w), NULL), 0);
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *s = *state;
    creds_keys_unref(s->keys);
    creds_ctx_free(&s->ctx);
    cloud_stop(&s->cloud);
    world_end(s->w);
    assert_no_secret(s->err.text);
    assert_int_equal(s->cloud.bad_signatures, 0);
    free(s);
    return 0;
}

/* The key id, or NULL with s->err. */
static const char *resolve(struct scene *s, const struct creds_spec *spec)
{
    creds_keys_unref(s->keys);
    s->err = (struct err){0};
    s->ctx.deadline_mono_ms = clock_mono_ms() + 5000;
    s->keys = creds_resolve(&s->ctx, spec, NULL, "test", &s->err);
    assert_no_secret(s->err.text);
    assert_int_equal(s->err.text[0] != '\0', s->keys == NULL);
    return s->keys ? s->keys->key_id : NULL;
}

static void assert_says(const struct scene *s, const char *part)
{
    if (!strstr(s->err.text, part))
        fail_msg("\"%s\" should say \"%s\"", s->err.text, part);
}

static void assert_query(const struct scene *s, const char *part)
{
    if (!strstr(s->cloud.last_query, part))
        fail_msg("\"%s\" should hold \"%s\"", s->cloud.last_query, part);
}

/* --- AssumeRole ------------------------------------------------------------------------------ */

static struct creds_spec role_spec(void)
{
    return (struct creds_spec){.mode = CREDS_MODE_RAM_ROLE_ARN,
                               .key_id = TEXT(CLOUD_ID),
                               .key_secret = TEXT(CLOUD_SECRET),
                               .role_arn = TEXT("acs:ram::1:role/x")};
}

static void assume_role_is_signed_and_sends_what_the_profile_says(void **state)
{
    struct scene *s = *state;
    struct creds_spec spec = role_spec();
    assert_string_equal(resolve(s, &spec), CLOUD_KEY_ID "1");
    assert_query(s, "DurationSeconds=3600");
    assert_query(s, "RoleArn=acs%3Aram%3A%3A1%3Arole%2Fx");
    assert_query(s, "RoleSessionName=icejobfs");
    assert_null(strstr(s->cloud.last_query, "Policy"));
    spec.session_name = TEXT("me & you");
    spec.policy = TEXT("{\"Version\": \"1\"}");
    spec.external_id = TEXT("e+x");
    spec.duration_s = 1200;
    assert_non_null(resolve(s, &spec));
    assert_query(s, "DurationSeconds=1200");
    assert_query(s, "RoleSessionName=me%20%26%20you");
    assert_query(s, "Policy=%7B%22Version%22%3A%20%221%22%7D");
    assert_query(s, "ExternalId=e%2Bx");
    spec.duration_s = 5;
    assert_non_null(resolve(s, &spec));
    assert_query(s, "DurationSeconds=900");
    assert_int_equal(s->cloud.bad_signatures, 0);
}

static void the_session_name_can_come_from_the_environment(void **state)
{
    struct scene *s = *state;
    struct creds_spec spec = role_spec();
    world_set(s->w, "ALIBABA_CLOUD_ROLE_SESSION_NAME", "studio-7");
    assert_non_null(resolve(s, &spec));
    assert_query(s, "RoleSessionName=studio-7");
}

static void temporary_keys_sign_with_their_token(void **state)
{
    struct scene *s = *state;
    struct creds_spec spec = role_spec();
    assert_non_null(resolve(s, &spec));
    struct creds_keys *base = s->keys;
    s->keys = NULL;
    spec.mode = CREDS_MODE_CHAINABLE;
    s->keys = creds_resolve(&s->ctx, &spec, base, "test", &s->err);
    creds_keys_unref(base);
    assert_string_equal(s->keys->key_id, CLOUD_KEY_ID "2");
    assert_int_equal(s->cloud.bad_signatures, 0);
}

static void a_wrong_clock_is_corrected_by_the_answers_date(void **state)
{
    struct scene *s = *state;
    struct creds_spec spec = role_spec();
    s->cloud.sts_skew_s = 900;
    world_shift_clock(INT64_C(-7200) * 1000);
    assert_non_null(resolve(s, &spec));
    assert_int_equal(s->cloud.sts_roles, 2);
    int64_t left_ms = s->keys->expires_unix_ms - creds_ctx_now_ms(&s->ctx);
    assert_in_range(left_ms, 3590 * 1000, 3610 * 1000);
}

static void a_date_that_is_refused_twice_is_not_tried_again(void **state)
{
    struct scene *s = *state;
    struct creds_spec spec = role_spec();
    s->cloud.sts_skew_s = -1;
    assert_null(resolve(s, &spec));
    assert_int_equal(s->cloud.sts_roles, 2);
    assert_says(s, "HTTP 400 InvalidTimeStamp.Expired: too far off");
}

static void a_refusal_is_told_in_the_services_words_without_the_token(void **state)
{
    struct scene *s = *state;
    struct creds_spec spec = role_spec();
    s->cloud.sts_status = 403;
    assert_null(resolve(s, &spec));
    assert_says(s, "AssumeRole at http://127.0.0.1:");
    assert_says(s, "refused with HTTP 403 NoPermission: You are not allowed.");
}

static void answers_of_sts_that_are_none_are_refused(void **state)
{
    struct scene *s = *state;
    struct creds_spec spec = role_spec();
    static const struct {
        const char *body, *says;
    } bad[] = {
        {"<html>" SECRET_MARK "</html>", "the answer: is not valid JSON"},
        {"{}", "the answer has no Credentials"},
        {"{\"Credentials\":\"" SECRET_MARK "\"}", "the answer has no Credentials"},
        {"{\"Credentials\":{}}", "the answer has no AccessKeyId"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        s->cloud.body = bad[i].body;
        assert_null(resolve(s, &spec));
        assert_says(s, bad[i].says);
    }
}

static void a_stand_in_for_sts_must_be_safe(void **state)
{
    struct scene *s = *state;
    struct creds_spec spec = role_spec();
    world_set(s->w, "ICEJOBFS_STS_URL", "http://sts.example.com");
    assert_null(resolve(s, &spec));
    assert_says(s, "ICEJOBFS_STS_URL must be an https URL, or http to this machine");
}

/* The host that would be asked, by the message of a failure without time. */
static void assert_host(struct scene *s, const struct creds_spec *spec, const char *host)
{
    s->err = (struct err){0};
    s->ctx.deadline_mono_ms = 0;
    assert_null(creds_resolve(&s->ctx, spec, NULL, "test", &s->err));
    char says[200];
    snprintf(says, sizeof says, "AssumeRole at %s: no time was left to ask", host);
    assert_string_equal(s->err.text, says);
}

static void the_host_of_sts_follows_region_and_network(void **state)
{
    struct scene *s = *state;
    struct creds_spec spec = role_spec();
    world_set(s->w, "ICEJOBFS_STS_URL", NULL);
    assert_host(s, &spec, "https://sts.aliyuncs.com");
    world_set(s->w, "ALIBABA_CLOUD_STS_REGION", "cn-beijing");
    assert_host(s, &spec, "https://sts.cn-beijing.aliyuncs.com");
    world_set(s->w, "ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED", "true");
    assert_host(s, &spec, "https://sts-vpc.cn-beijing.aliyuncs.com");
    spec.sts_region = TEXT("cn-hangzhou");
    assert_host(s, &spec, "https://sts-vpc.cn-hangzhou.aliyuncs.com");
    spec.sts_endpoint = TEXT("sts.example.com");
    assert_host(s, &spec, "https://sts.example.com");
    spec.sts_endpoint = TEXT("evil.com/?");
    assert_null(resolve(s, &spec));
    assert_says(s, "sts_endpoint is no host name");
    spec.sts_endpoint = NULL;
    spec.sts_region = TEXT("x@evil.com/");
    assert_null(resolve(s, &spec));
    assert_says(s, "the STS region is no region");
}

static void assume_role_survives_every_failing_allocation(void **state)
{
    struct scene *s = *state;
    struct creds_spec spec = role_spec();
    for (unsigned n = 1;; n++) {
        s->ctx.deadline_mono_ms = clock_mono_ms() + 5000;
        alloc_fail_at(n);
        struct creds_keys *k = creds_resolve(&s->ctx, &spec, NULL, "test", &s->err);
        bool fired = alloc_fail_fired();
        bool got = k != NULL;
        creds_keys_unref(k);
        if (!fired) {
            assert_true(got);
            break;
        }
    }
}

/* --- AssumeRoleWithOIDC ---------------------------------------------------------------------- */

static void oidc_sends_the_token_file_as_it_is_now(void **state)
{
    struct scene *s = *state;
    char path[200];
    snprintf(path, sizeof path, "%s/token", world_home(s->w));
    struct creds_spec spec = {.mode = CREDS_MODE_OIDC,
                              .role_arn = TEXT("r"),
                              .provider_arn = TEXT("acs:p/q"),
                              .token_file = path};
    assert_null(resolve(s, &spec));
    assert_says(s, "/token: not there");
    world_write(s->w, "token", "first+" SECRET_MARK "/=\n");
    assert_non_null(resolve(s, &spec));
    assert_string_equal(s->cloud.last_body,
                        "RoleArn=r&RoleSessionName=icejobfs&DurationSeconds=3600&OIDCProviderArn="
                        "acs%3Ap%2Fq&OIDCToken=first%2B" SECRET_MARK "%2F%3D");
    assert_query(s, "Action=AssumeRoleWithOIDC&Format=JSON&Version=2015-04-01&Timestamp=20");
    world_write(s->w, "token", "second");
    assert_non_null(resolve(s, &spec));
    assert_non_null(strstr(s->cloud.last_body, "OIDCToken=second"));
    world_write(s->w, "token", " \n");
    assert_null(resolve(s, &spec));
    assert_says(s, "/token is empty");
    world_write(s->w, "token", "third");
    s->cloud.sts_status = 400;
    assert_null(resolve(s, &spec));
    assert_says(s, "AssumeRoleWithOIDC at http://127.0.0.1:");
    assert_says(s, "HTTP 400 NoPermission");
}

/* --- the metadata service -------------------------------------------------------------------- */

static const struct creds_spec machine = {.mode = CREDS_MODE_ECS_RAM_ROLE};

static void the_machines_role_is_asked_for_with_a_token(void **state)
{
    struct scene *s = *state;
    assert_string_equal(resolve(s, &machine), CLOUD_KEY_ID "1");
    assert_int_equal(s->cloud.imds_tokens, 1);
    assert_int_equal(s->cloud.imds_roles, 1);
    assert_string_equal(s->keys->source, "test role machine-role");
    struct creds_spec named = machine;
    named.role_name = TEXT("my-role");
    assert_non_null(resolve(s, &named));
    assert_int_equal(s->cloud.imds_roles, 1);
    assert_string_equal(s->keys->source, "test role my-role");
}

static void without_a_token_the_older_way_serves_unless_it_is_forbidden(void **state)
{
    struct scene *s = *state;
    s->cloud.imds_status = 404;
    assert_non_null(resolve(s, &machine));
    world_set(s->w, "ALIBABA_CLOUD_IMDSV1_DISABLED", "true");
    assert_null(resolve(s, &machine));
    assert_says(s, "no token (HTTP 404), and ALIBABA_CLOUD_IMDSV1_DISABLED is set");
}

static void a_machine_without_a_role_is_told_so(void **state)
{
    struct scene *s = *state;
    s->cloud.role_status = 404;
    assert_null(resolve(s, &machine));
    assert_says(s, "no RAM role is attached to this machine");
    s->cloud.role_status = 500;
    assert_null(resolve(s, &machine));
    assert_says(s, "refused with HTTP 500");
}

static void role_names_that_are_none_go_into_no_url(void **state)
{
    struct scene *s = *state;
    static const char *const bad[] = {
        "../../x", "a b",    "",
        "..",      "<html>", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        s->cloud.role = bad[i];
        assert_null(resolve(s, &machine));
        assert_says(s, "what it gave as the role's name is none");
    }
    struct creds_spec named = machine;
    named.role_name = TEXT("a/../b");
    assert_null(resolve(s, &named));
    assert_says(s, "a/../b is no role name");
    assert_int_equal(s->cloud.imds_keys, 0);
    s->cloud.role = "two-lines\nhere";
    assert_non_null(resolve(s, &machine));
    assert_string_equal(s->keys->source, "test role two-lines");
}

static void the_metadata_services_own_code_must_be_success(void **state)
{
    struct scene *s = *state;
    s->cloud.body = "{\"Code\":\"Failed\",\"AccessKeySecret\":\"" SECRET_MARK "\"}";
    assert_null(resolve(s, &machine));
    assert_says(s, "its Code is Failed");
    s->cloud.body = "{}";
    assert_null(resolve(s, &machine));
    assert_says(s, "its Code is none");
    s->cloud.body = "{\"Code\":1}";
    assert_null(resolve(s, &machine));
    s->cloud.body = "<";
    assert_null(resolve(s, &machine));
}

static void a_silent_metadata_service_costs_a_second(void **state)
{
    struct scene *s = *state;
    s->cloud.hang = true;
    int64_t before = clock_mono_ms();
    assert_null(resolve(s, &machine));
    assert_in_range(clock_mono_ms() - before, 900, 2500);
}

static void a_stand_in_for_the_metadata_service_must_be_safe(void **state)
{
    struct scene *s = *state;
    world_set(s->w, "ICEJOBFS_IMDS_URL", "http://10.0.0.1");
    assert_null(resolve(s, &machine));
    assert_says(s, "ICEJOBFS_IMDS_URL must be an https URL, or http to this machine");
}

/* --- credentials URI ------------------------------------------------------------------------- */

static void a_profiles_uri_gives_keys(void **state)
{
    struct scene *s = *state;
    char uri[200];
    snprintf(uri, sizeof uri, "%s/uri?" SECRET_MARK, httpd_url(s->cloud.server));
    struct creds_spec spec = {.mode = CREDS_MODE_URI, .uri = uri};
    assert_string_equal(resolve(s, &spec), CLOUD_KEY_ID "1");
    s->cloud.uri_status = 302;
    assert_null(resolve(s, &spec));
    assert_says(s, "the answer was HTTP 302");
    s->cloud.uri_status = 200;
    s->cloud.body = "{\"Code\":\"Nope\"}";
    assert_null(resolve(s, &spec));
    assert_says(s, "the answer's Code is Nope");
    s->cloud.body = SECRET_MARK;
    assert_null(resolve(s, &spec));
    assert_says(s, "the answer: is not valid JSON");
    world_set(s->w, "ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS", "1");
    assert_null(resolve(s, &spec));
    assert_says(s, "forbidden by ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS");
}

static void uris_that_are_none_are_not_asked_and_not_shown(void **state)
{
    struct scene *s = *state;
    struct creds_spec spec = {.mode = CREDS_MODE_URI, .uri = TEXT("ftp://x/" SECRET_MARK)};
    assert_null(resolve(s, &spec));
    assert_says(s, "no http(s) URL");
}

static void keys_over_plain_http_to_elsewhere_are_warned_of(void **state)
{
    struct scene *s = *state;
    struct creds_spec spec = {.mode = CREDS_MODE_URI,
                              .uri = TEXT("http://nowhere.invalid/" SECRET_MARK)};
    s->ctx.deadline_mono_ms = 0;
    assert_null(creds_resolve(&s->ctx, &spec, NULL, "test", &s->err));
    char *log = world_log(s->w);
    assert_non_null(strstr(log, "sends keys unencrypted"));
    free(log);
}

/* --- waiting --------------------------------------------------------------------------------- */

static void the_walks_deadline_ends_a_silent_exchange(void **state)
{
    struct scene *s = *state;
    struct creds_spec spec = role_spec();
    s->cloud.hang = true;
    s->ctx.deadline_mono_ms = clock_mono_ms() + 200;
    int64_t before = clock_mono_ms();
    assert_null(creds_resolve(&s->ctx, &spec, NULL, "test", &s->err));
    assert_in_range(clock_mono_ms() - before, 150, 2000);
}

static void a_stop_ends_a_silent_exchange(void **state)
{
    struct scene *s = *state;
    struct creds_spec spec = role_spec();
    s->cloud.hang = true;
    atomic_store(&s->ctx.stop, true);
    int64_t before = clock_mono_ms();
    assert_null(resolve(s, &spec));
    assert_in_range(clock_mono_ms() - before, 0, 2000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(assume_role_is_signed_and_sends_what_the_profile_says),
        TEST(the_session_name_can_come_from_the_environment),
        TEST(temporary_keys_sign_with_their_token),
        TEST(a_wrong_clock_is_corrected_by_the_answers_date),
        TEST(a_date_that_is_refused_twice_is_not_tried_again),
        TEST(a_refusal_is_told_in_the_services_words_without_the_token),
        TEST(answers_of_sts_that_are_none_are_refused),
        TEST(a_stand_in_for_sts_must_be_safe),
        TEST(the_host_of_sts_follows_region_and_network),
        TEST(assume_role_survives_every_failing_allocation),
        TEST(oidc_sends_the_token_file_as_it_is_now),
        TEST(the_machines_role_is_asked_for_with_a_token),
        TEST(without_a_token_the_older_way_serves_unless_it_is_forbidden),
        TEST(a_machine_without_a_role_is_told_so),
        TEST(role_names_that_are_none_go_into_no_url),
        TEST(the_metadata_services_own_code_must_be_success),
        TEST(a_silent_metadata_service_costs_a_second),
        TEST(a_stand_in_for_the_metadata_service_must_be_safe),
        TEST(a_profiles_uri_gives_keys),
        TEST(uris_that_are_none_are_not_asked_and_not_shown),
        TEST(keys_over_plain_http_to_elsewhere_are_warned_of),
        TEST(the_walks_deadline_ends_a_silent_exchange),
        TEST(a_stop_ends_a_silent_exchange),
    };
    if (http_global_init(NULL) < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
