/* Files and answers that hold keys: what is well formed is understood, all else is refused with a
 * message and without a trace of the secrets in it. */
#include "api/creds_ini.h"
#include "api/creds_json.h"
#include "api/creds_keys.h"
#include "api/creds_names.h"
#include "api/creds_reply.h"
#include "api/creds_spec.h"
#include "api/creds_url.h"
#include "support/alloc_fail.h"
#include "support/creds_world.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

/* --- JSON ------------------------------------------------------------------------------------ */

static void json_that_is_not_one_object_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",      "   ",         "null",         "[]",         ("\"" SECRET_MARK "\""),
        "{",     "{\"a\":1",    "{} x",         "{}{}",       ("{\"a\":\"" SECRET_MARK),
        "{a:1}", "{\"a\":1,,}", "{\"a\": nul}", "\xff\xfe{}",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err err = {0};
        assert_null(creds_json_parse(bad[i], strlen(bad[i]), &err));
        assert_true(err.text[0]);
        assert_no_secret(err.text);
    }
}

static void json_with_a_nul_in_it_is_refused(void **state)
{
    (void)state;
    struct err err = {0};
    assert_null(creds_json_parse("{\"a\":\"x\0y\"}", 11, &err));
    assert_string_equal(err.text, "holds a NUL");
    static const char escaped[] = "{\"a\":\"x\\u0000y\"}";
    assert_null(creds_json_parse(escaped, strlen(escaped), &err));
}

static void json_of_hostile_depth_is_refused(void **state)
{
    (void)state;
    static char deep[200001];
    for (size_t i = 0; i < sizeof deep - 1; i++)
        deep[i] = "{\"a\":"[i % 5];
    assert_null(creds_json_parse(deep, strlen(deep), NULL));
}

static void json_members_have_the_type_that_is_asked_for(void **state)
{
    (void)state;
    static const char text[] =
        "{\"t\":\"x\",\"e\":\"\",\"n\":null,\"i\":7,\"f\":1.5,\"neg\":-1,"
        "\"big\":1e300,\"b\":true,\"o\":{},\"a\":[1,{\"k\":\"v\"},[],{}]} \n";
    struct creds_json *doc = creds_json_parse(text, strlen(text), NULL);
    assert_non_null(doc);
    const char *s = NULL;
    int64_t i = -5;
    bool b = false;
    assert_int_equal(creds_json_text(doc, "t", &s, NULL), 0);
    assert_string_equal(s, "x");
    assert_int_equal(creds_json_text(doc, "e", &s, NULL), 0);
    assert_int_equal(creds_json_text(doc, "n", &s, NULL), 0);
    assert_int_equal(creds_json_text(doc, "absent", &s, NULL), 0);
    assert_string_equal(s, "x");
    assert_int_equal(creds_json_text(doc, "i", &s, NULL), -1);
    assert_int_equal(creds_json_int(doc, "absent", &i, NULL), 0);
    assert_int_equal(i, -5);
    assert_int_equal(creds_json_int(doc, "i", &i, NULL), 0);
    assert_int_equal(i, 7);
    static const char *const no_int[] = {"t", "f", "neg", "big", "b", "o"};
    for (size_t k = 0; k < ARRAY_LEN(no_int); k++)
        assert_int_equal(creds_json_int(doc, no_int[k], &i, NULL), -1);
    assert_int_equal(creds_json_bool(doc, "b", &b, NULL), 0);
    assert_true(b);
    assert_int_equal(creds_json_bool(doc, "i", &b, NULL), -1);
    assert_non_null(creds_json_object(doc, "o"));
    assert_null(creds_json_object(doc, "a"));
    assert_null(creds_json_array(doc, "o"));
    const struct creds_json *e = creds_json_first(creds_json_array(doc, "a"));
    assert_int_equal(creds_json_text(e, "k", &s, NULL), 0);
    assert_string_equal(s, "v");
    e = creds_json_next(e);
    assert_non_null(e);
    assert_null(creds_json_next(e));
    creds_json_free(doc);
}

/* --- keys and answers ------------------------------------------------------------------------ */

static void keys_that_could_forge_a_header_are_refused(void **state)
{
    (void)state;
    static char big[20000];
    memset(big, 'x', sizeof big - 1);
    static const char *const bad[] = {"",         "a b", ("a\n" SECRET_MARK), "a\r", "\x7f",
                                      "\xc3\xa4", big};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err err = {0};
        assert_null(creds_keys_new(bad[i], "s", NULL, 0, "test", &err));
        assert_true(strstr(err.text, "access key id"));
        assert_null(creds_keys_new("i", bad[i], NULL, 0, "test", &err));
        assert_true(strstr(err.text, "access key secret"));
        assert_no_secret(err.text);
        assert_null(creds_keys_new("i", "s", bad[i], 0, "test", &err));
        assert_true(strstr(err.text, "security token"));
        assert_no_secret(err.text);
    }
}

static void keys_live_until_the_last_reference(void **state)
{
    (void)state;
    struct creds_keys *k = creds_keys_new("i", "s", "t", 7, "test", NULL);
    assert_ptr_equal(creds_keys_ref(k), k);
    creds_keys_unref(k);
    assert_string_equal(k->key_secret, "s");
    creds_keys_unref(k);
    creds_keys_unref(NULL);
}

static void keys_survive_every_failing_allocation(void **state)
{
    (void)state;
    for (unsigned n = 1;; n++) {
        alloc_fail_at(n);
        struct creds_keys *k = creds_keys_new("i", "s", "t", 0, "test", NULL);
        bool fired = alloc_fail_fired();
        assert_int_equal(k != NULL, !fired);
        creds_keys_unref(k);
        if (!fired)
            break;
    }
}

#define ANSWER(end)                                                                                \
    "{\"AccessKeyId\":\"STS.x\",\"AccessKeySecret\":\"" SECRET_MARK "\",\"SecurityToken\":\"t\","  \
    "\"Expiration\":\"" end "\"}"

static struct creds_keys *answer(const char *text, int64_t now_ms, int64_t date_s, struct err *err)
{
    struct creds_json *doc = creds_json_parse(text, strlen(text), err);
    assert_non_null(doc);
    struct creds_keys *k = creds_reply_keys(doc, now_ms, date_s, "test", err);
    creds_json_free(doc);
    return k;
}

#define T2026 INT64_C(1767225600) /* 2026-01-01T00:00:00Z */

static void expirations_of_both_lengths_are_understood(void **state)
{
    (void)state;
    struct creds_keys *k = answer(ANSWER("2026-01-01T01:00:00Z"), T2026 * 1000, 0, NULL);
    assert_int_equal(k->expires_unix_ms, (T2026 + 3600) * 1000);
    creds_keys_unref(k);
    k = answer(ANSWER("2026-01-01T01:00:00.250Z"), T2026 * 1000, T2026 + 59, NULL);
    assert_int_equal(k->expires_unix_ms, (T2026 + 3600) * 1000 + 250);
    creds_keys_unref(k);
}

static void an_expiration_is_moved_to_a_clock_that_is_wrong(void **state)
{
    (void)state;
    /* We are two hours ahead: the keys would seem to be dead. */
    int64_t now_ms = (T2026 + 7200) * 1000;
    struct creds_keys *k = answer(ANSWER("2026-01-01T01:00:00Z"), now_ms, T2026, NULL);
    assert_int_equal(k->expires_unix_ms - now_ms, 3600 * 1000);
    creds_keys_unref(k);
}

static void incomplete_and_dead_answers_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"{}", "no AccessKeyId"},
        {"{\"AccessKeyId\":\"a\"}", "no AccessKeySecret"},
        {"{\"AccessKeyId\":7}", "AccessKeyId is no text"},
        {"{\"AccessKeyId\":\"a\",\"AccessKeySecret\":\"" SECRET_MARK "\"}", "no SecurityToken"},
        {ANSWER(""), "no Expiration"},
        {ANSWER("tomorrow"), "Expiration is no time"},
        {ANSWER("2025-12-31T23:59:59Z"), "have expired already"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err err = {0};
        assert_null(answer(bad[i].text, T2026 * 1000, 0, &err));
        assert_true(strstr(err.text, bad[i].says));
        assert_no_secret(err.text);
    }
}

/* --- descriptions ---------------------------------------------------------------------------- */

static int spec_of(const char *text, struct creds_spec *out, struct err *err)
{
    struct creds_json *doc = creds_json_parse(text, strlen(text), err);
    assert_non_null(doc);
    *out = (struct creds_spec){0};
    int rc = creds_spec_from_json(out, doc, err);
    creds_json_free(doc);
    return rc;
}

static const char full_profile[] =
    "{\"mode\":\"RamRoleArn\",\"access_key_id\":\"i\",\"access_key_secret\":\"" SECRET_MARK "\","
    "\"sts_token\":\"t\",\"ram_role_arn\":\"r\",\"ram_session_name\":\"n\","
    "\"role_session_name\":\"other\",\"expired_seconds\":1800,\"sts_region\":\"cn-x\","
    "\"sts_endpoint\":\"h\",\"enable_vpc\":true,\"external_id\":\"e\",\"policy\":\"p\"}";

static void profiles_of_the_cli_file_are_taken_whole(void **state)
{
    (void)state;
    struct creds_spec s;
    assert_int_equal(spec_of(full_profile, &s, NULL), 0);
    assert_int_equal(s.mode, CREDS_MODE_RAM_ROLE_ARN);
    assert_string_equal(s.key_secret, SECRET_MARK);
    assert_string_equal(s.session_name, "n");
    assert_string_equal(s.sts_region, "cn-x");
    assert_string_equal(s.sts_endpoint, "h");
    assert_string_equal(s.external_id, "e");
    assert_string_equal(s.policy, "p");
    assert_int_equal(s.duration_s, 1800);
    assert_true(s.vpc);
    creds_spec_free(&s);
}

static void bad_profiles_are_refused_by_the_name_of_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"{}", "mode is missing"},
        {"{\"mode\":7}", "mode is no text"},
        {"{\"mode\":\"RsaKeyPair\"}", "mode RsaKeyPair is not supported"},
        {"{\"mode\":\"AK\"}", "access_key_id is missing (mode AK)"},
        {"{\"mode\":\"AK\",\"access_key_id\":\"i\",\"access_key_secret\":{}}",
         "access_key_secret is no text"},
        {"{\"mode\":\"StsToken\",\"access_key_id\":\"i\",\"access_key_secret\":\"" SECRET_MARK
         "\"}",
         "sts_token is missing"},
        {"{\"mode\":\"RamRoleArn\",\"access_key_id\":\"i\",\"access_key_secret\":\"s\"}",
         "ram_role_arn is missing"},
        {"{\"mode\":\"OIDC\"}", "oidc_provider_arn is missing"},
        {"{\"mode\":\"ChainableRamRoleArn\"}", "source_profile is missing"},
        {"{\"mode\":\"External\"}", "process_command is missing"},
        {"{\"mode\":\"CredentialsURI\"}", "credentials_uri is missing"},
        {"{\"mode\":\"EcsRamRole\",\"expired_seconds\":\"1\"}",
         "expired_seconds is no whole number"},
        {"{\"mode\":\"EcsRamRole\",\"enable_vpc\":1}", "enable_vpc is neither true nor false"},
        {"{\"mode\":\"OAuth\",\"sts_expiration\":\"x\"}", "sts_expiration is no whole number"},
        {"{\"mode\":\"OAuth\",\"expiration\":\"soon\"}", "expiration is no time"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct creds_spec s;
        struct err err = {0};
        assert_int_equal(spec_of(bad[i].text, &s, &err), -1);
        creds_spec_free(&s);
        if (!strstr(err.text, bad[i].says))
            fail_msg("\"%s\" should say \"%s\"", err.text, bad[i].says);
        assert_no_secret(err.text);
    }
}

static void profiles_survive_every_failing_allocation(void **state)
{
    (void)state;
    struct creds_json *doc = creds_json_parse(full_profile, strlen(full_profile), NULL);
    for (unsigned n = 1;; n++) {
        struct creds_spec s = {0};
        alloc_fail_at(n);
        int rc = creds_spec_from_json(&s, doc, NULL);
        bool fired = alloc_fail_fired();
        creds_spec_free(&s);
        assert_int_equal(rc, fired ? -1 : 0);
        if (!fired)
            break;
    }
    creds_json_free(doc);
}

/* --- ini ------------------------------------------------------------------------------------- */

static const char ini[] = "\xef\xbb\xbf# made by hand\r\n"
                          "[default]\r\n"
                          "type = access_key\r\n"
                          "access_key_id = id1\r\n"
                          "access_key_secret = s#" SECRET_MARK " # not this\r\n"
                          "unknown = x\r\n"
                          "\n"
                          "[role]\n"
                          "type: ram_role_arn ; the CLI calls it RamRoleArn\n"
                          "access_key_id=id2\n"
                          "access_key_secret=" SECRET_MARK "\n"
                          "role_arn=acs:ram::1:role/x\n"
                          "role_session_name=me\n"
                          "policy = {\"Version\":\"1\",\n"
                          "  \"Statement\":[]}\n"
                          "[machine]\n"
                          "type=ecs_ram_role\n"
                          "role_name=\n"
                          "[oidc]\n"
                          "type=oidc_role_arn\nrole_arn=r\noidc_provider_arn=p\n"
                          "oidc_token_file_path=/t\n";

static void ini_sections_of_each_type_are_understood(void **state)
{
    (void)state;
    struct creds_spec s = {0};
    assert_int_equal(creds_ini_parse(ini, "default", &s, NULL), CREDS_FOUND);
    assert_int_equal(s.mode, CREDS_MODE_AK);
    assert_string_equal(s.key_id, "id1");
    assert_string_equal(s.key_secret, "s#" SECRET_MARK);
    creds_spec_free(&s);
    assert_int_equal(creds_ini_parse(ini, "role", &s, NULL), CREDS_FOUND);
    assert_int_equal(s.mode, CREDS_MODE_RAM_ROLE_ARN);
    assert_string_equal(s.role_arn, "acs:ram::1:role/x");
    assert_string_equal(s.session_name, "me");
    assert_string_equal(s.policy, "{\"Version\":\"1\",\n\"Statement\":[]}");
    creds_spec_free(&s);
    assert_int_equal(creds_ini_parse(ini, "machine", &s, NULL), CREDS_FOUND);
    assert_int_equal(s.mode, CREDS_MODE_ECS_RAM_ROLE);
    assert_null(s.role_name);
    creds_spec_free(&s);
    assert_int_equal(creds_ini_parse(ini, "oidc", &s, NULL), CREDS_FOUND);
    assert_int_equal(s.mode, CREDS_MODE_OIDC);
    assert_string_equal(s.token_file, "/t");
    creds_spec_free(&s);
}

static void a_missing_ini_section_is_told_with_those_that_are_there(void **state)
{
    (void)state;
    struct creds_spec s = {0};
    struct err err = {0};
    assert_int_equal(creds_ini_parse(ini, "studio", &s, &err), CREDS_ABSENT);
    assert_string_equal(err.text, "no section studio (there are: default, role, machine, oidc)");
    assert_int_equal(creds_ini_parse("", "default", &s, &err), CREDS_ABSENT);
    assert_string_equal(err.text, "no section default (there are: none)");
    creds_spec_free(&s);
}

#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static void ini_texts_that_would_be_misread_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"[default]\njunk " SECRET_MARK "\n", "line 2 is neither"},
        {"[default\n", "line 1 is neither"},
        {"[default]\ntype=access_key\naccess_key_id=" X64 X64 X64 "\n", "line 3 is too long"},
        {"[default]\n" X64 "=1\n", "line 2 is too long"},
        {"[" X64 "]\na=1\n", "line 2 is too long"},
        {"[default]\na=1\n", "section default: type is missing"},
        {"[default]\ntype=rsa_key_pair\n", "type rsa_key_pair is not supported"},
        {"[default]\ntype=access_key\naccess_key_id=i\n", "access_key_secret is missing"},
        {"[default]\ntype=ram_role_arn\naccess_key_id=i\naccess_key_secret=" SECRET_MARK "\n",
         "role_arn is missing (type ram_role_arn)"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct creds_spec s = {0};
        struct err err = {0};
        assert_int_equal(creds_ini_parse(bad[i].text, "default", &s, &err), CREDS_BROKEN);
        creds_spec_free(&s);
        if (!strstr(err.text, bad[i].says))
            fail_msg("\"%s\" should say \"%s\"", err.text, bad[i].says);
        assert_no_secret(err.text);
    }
}

static void long_comments_in_an_ini_text_do_no_harm(void **state)
{
    (void)state;
    struct creds_spec s = {0};
    assert_int_equal(
        creds_ini_parse("# " X64 X64 X64 X64 "\n[default]\ntype=ecs_ram_role", "default", &s, NULL),
        CREDS_FOUND);
    creds_spec_free(&s);
}

static void ini_texts_survive_every_failing_allocation(void **state)
{
    (void)state;
    for (unsigned n = 1;; n++) {
        struct creds_spec s = {0};
        alloc_fail_at(n);
        enum creds_found found = creds_ini_parse(ini, "role", &s, NULL);
        bool fired = alloc_fail_fired();
        creds_spec_free(&s);
        assert_int_equal(found, fired ? CREDS_BROKEN : CREDS_FOUND);
        if (!fired)
            break;
    }
}

/* --- small things ---------------------------------------------------------------------------- */

static void urls_are_told_apart_by_what_may_be_sent_to_them(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        enum creds_url kind;
    } all[] = {
        {"https://x", CREDS_URL_HTTPS},
        {"HTTPS://x/y?z", CREDS_URL_HTTPS},
        {"http://127.0.0.1", CREDS_URL_LOOPBACK},
        {"http://127.8.9.10:80/a", CREDS_URL_LOOPBACK},
        {"http://localhost:1?q", CREDS_URL_LOOPBACK},
        {"http://[::1]:1/", CREDS_URL_LOOPBACK},
        {"http://127.example.com", CREDS_URL_PLAIN},
        {"http://localhost.example.com", CREDS_URL_PLAIN},
        {"http://[::1].example.com", CREDS_URL_PLAIN},
        {"http://100.100.100.200/latest", CREDS_URL_PLAIN},
        {"http://", CREDS_URL_BAD},
        {"https:///x", CREDS_URL_BAD},
        {"ftp://x", CREDS_URL_BAD},
        {"file:///etc/passwd", CREDS_URL_BAD},
        {"127.0.0.1", CREDS_URL_BAD},
        {"http://127.0.0.1@example.com/", CREDS_URL_BAD},
        {"http://127.0.0.1\\@example.com/", CREDS_URL_BAD},
        {"https://x\r\nHost: y", CREDS_URL_BAD},
        {"", CREDS_URL_BAD},
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (creds_url_kind(all[i].url) != all[i].kind)
            fail_msg("%s", all[i].url);
}

static void long_lists_of_names_end_in_dots(void **state)
{
    (void)state;
    struct creds_names n = {0};
    assert_string_equal(creds_names_text(&n), "none");
    for (int i = 0; i < 100; i++)
        creds_names_add(&n, "studio-production");
    const char *text = creds_names_text(&n);
    assert_string_equal(text + strlen(text) - 22, "studio-production, ...");
}

static int slurp(const struct world *w, const char *name, size_t max, struct err *err)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", world_home(w), name);
    struct buf b = BUF_INIT(max);
    int rc = creds_file_slurp(path, &b, NULL, err);
    buf_wipe(&b);
    return rc;
}

static void files_that_are_no_small_texts_are_refused(void **state)
{
    (void)state;
    struct world *w = world_start();
    struct err err = {0};
    char path[200];
    world_write(w, "a", "0123456789");
    world_write_bytes(w, "nul", "a\0b", 3);
    snprintf(path, sizeof path, "%s/fifo", world_home(w));
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(slurp(w, "a", 10, &err), 1);
    assert_int_equal(slurp(w, "a", 9, &err), -1);
    assert_string_equal(err.text, "larger than 9 bytes");
    assert_int_equal(slurp(w, "nul", 10, &err), -1);
    assert_true(strstr(err.text, "NUL"));
    assert_int_equal(slurp(w, "fifo", 10, &err), -1);
    assert_string_equal(err.text, "is no regular file");
    assert_int_equal(slurp(w, "", 10, &err), -1);
    assert_int_equal(slurp(w, "absent", 10, &err), 0);
    assert_int_equal(slurp(w, "a/b", 10, &err), 0);
    alloc_fail_at(1);
    assert_int_equal(slurp(w, "a", 10, &err), -1);
    assert_true(alloc_fail_fired());
    world_end(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_that_is_not_one_object_is_refused),
        cmocka_unit_test(json_with_a_nul_in_it_is_refused),
        cmocka_unit_test(json_of_hostile_depth_is_refused),
        cmocka_unit_test(json_members_have_the_type_that_is_asked_for),
        cmocka_unit_test(keys_that_could_forge_a_header_are_refused),
        cmocka_unit_test(keys_live_until_the_last_reference),
        cmocka_unit_test(keys_survive_every_failing_allocation),
        cmocka_unit_test(expirations_of_both_lengths_are_understood),
        cmocka_unit_test(an_expiration_is_moved_to_a_clock_that_is_wrong),
        cmocka_unit_test(incomplete_and_dead_answers_are_refused),
        cmocka_unit_test(profiles_of_the_cli_file_are_taken_whole),
        cmocka_unit_test(bad_profiles_are_refused_by_the_name_of_what_is_wrong),
        cmocka_unit_test(profiles_survive_every_failing_allocation),
        cmocka_unit_test(ini_sections_of_each_type_are_understood),
        cmocka_unit_test(a_missing_ini_section_is_told_with_those_that_are_there),
        cmocka_unit_test(ini_texts_that_would_be_misread_are_refused),
        cmocka_unit_test(long_comments_in_an_ini_text_do_no_harm),
        cmocka_unit_test(ini_texts_survive_every_failing_allocation),
        cmocka_unit_test(urls_are_told_apart_by_what_may_be_sent_to_them),
        cmocka_unit_test(long_lists_of_names_end_in_dots),
        cmocka_unit_test(files_that_are_no_small_texts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
