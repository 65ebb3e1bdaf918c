/* The chain: the official order, the sources' formats, and a message that helps when none has keys.
 */
#include "api/creds_chain.h"
#include "api/creds_cli_file.h"
#include "api/http.h"
#include "base/clock.h"
#include "support/alloc_fail.h"
#include "support/fake_cloud.h"
#include "support/httpd.h"
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define CLI  ".aliyun/config.json"
#define INI  ".alibabacloud/credentials"
#define INI2 ".alibabacloud/credentials.ini"

struct scene {
    struct world *w;
    struct cloud cloud;
    struct creds *creds;
    struct creds_keys *keys;
    struct err err;
};

static int set_up(void **state)
{
    struct scene *s = calloc(1, sizeof *s);
    s->w = world_start();
    cloud_start(&s->cloud, s->w);
    world_set(s->w, "ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true");
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *s = *state;
    creds_keys_unref(s->keys);
    creds_free(s->creds);
    cloud_stop(&s->cloud);
    world_end(s->w);
    assert_no_secret(s->err.text);
    assert_int_equal(s->cloud.bad_signatures, 0);
    free(s);
    return 0;
}

/* Walk the chain anew. The key id that it found, or NULL with s->err. */
static const char *load(struct scene *s)
{
    creds_keys_unref(s->keys);
    creds_free(s->creds);
    s->keys = NULL;
    s->err = (struct err){0};
    s->creds = creds_new(world_env(s->w), NULL);
    assert_non_null(s->creds);
    struct err no_keys = {0};
    assert_null(creds_get(s->creds, &no_keys));
    assert_string_equal(no_keys.text, "no credentials yet");
    if (creds_load(s->creds, 5000, &s->err) < 0) {
        assert_no_secret(s->err.text);
        assert_null(creds_get(s->creds, NULL));
        return NULL;
    }
    assert_string_equal(s->err.text, "");
    s->keys = creds_get(s->creds, &s->err);
    assert_string_equal(s->err.text, "");
    return s->keys->key_id;
}

static void assert_source(const struct scene *s, const char *source)
{
    assert_string_equal(s->keys->source, source);
}

static void assert_says(const struct scene *s, const char *part)
{
    if (!strstr(s->err.text, part))
        fail_msg("\"%s\" should say \"%s\"", s->err.text, part);
}

static void set_pair(struct scene *s)
{
    world_set(s->w, "ALIBABA_CLOUD_ACCESS_KEY_ID", "env-id");
    world_set(s->w, "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "env-" SECRET_MARK);
}

static void set_oidc(struct scene *s)
{
    static char path[200];
    world_write(s->w, "oidc", "jwt+/=" SECRET_MARK "\n");
    snprintf(path, sizeof path, "%s/oidc", world_home(s->w));
    world_set(s->w, "ALIBABA_CLOUD_ROLE_ARN", "acs:ram::1:role/o");
    world_set(s->w, "ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "acs:ram::1:oidc-provider/p");
    world_set(s->w, "ALIBABA_CLOUD_OIDC_TOKEN_FILE", path);
}

static void set_uri(struct scene *s)
{
    static char uri[100];
    snprintf(uri, sizeof uri, "%s/uri?k=" SECRET_MARK, httpd_url(s->cloud.server));
    world_set(s->w, "ALIBABA_CLOUD_CREDENTIALS_URI", uri);
}

#define AK(name, id)                                                                               \
    "{\"name\":\"" name "\",\"mode\":\"AK\",\"access_key_id\":\"" id                               \
    "\",\"access_key_secret\":\"" CLOUD_SECRET "\"}"
#define PROFILES(current, list) "{\"current\":\"" current "\",\"profiles\":[" list "]}"
#define INI_PAIR(section, id)                                                                      \
    "[" section "]\ntype=access_key\naccess_key_id=" id "\naccess_key_secret=" SECRET_MARK "\n"

/* --- order ----------------------------------------------------------------------------------- */

static void the_sources_are_asked_in_the_official_order(void **state)
{
    struct scene *s = *state;
    set_pair(s);
    set_oidc(s);
    set_uri(s);
    world_set(s->w, "ALIBABA_CLOUD_ECS_METADATA_DISABLED", NULL);
    world_write(s->w, CLI, PROFILES("default", AK("default", "cli-id")));
    world_write(s->w, INI, INI_PAIR("default", "ini-id"));
    assert_string_equal(load(s), "env-id");
    assert_source(s, "environment");
    world_set(s->w, "ALIBABA_CLOUD_ACCESS_KEY_SECRET", NULL);
    assert_non_null(load(s));
    assert_source(s, "environment (OIDC)");
    world_set(s->w, "ALIBABA_CLOUD_OIDC_TOKEN_FILE", "");
    assert_string_equal(load(s), "cli-id");
    assert_source(s, "~/.aliyun/config.json profile default (AK)");
    world_remove(s->w, CLI);
    assert_string_equal(load(s), "ini-id");
    assert_source(s, "~/.alibabacloud/credentials profile default (AK)");
    world_remove(s->w, INI);
    assert_non_null(load(s));
    assert_source(s, "ECS metadata role machine-role");
    world_set(s->w, "ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true");
    assert_non_null(load(s));
    assert_source(s, "credentials URI");
    assert_int_equal(s->cloud.uris, 1);
    assert_int_equal(s->cloud.sts_oidcs, 1);
}

static void without_any_source_the_message_lists_them_and_the_remedy(void **state)
{
    struct scene *s = *state;
    world_set(s->w, "ALIBABA_CLOUD_ECS_METADATA_DISABLED", NULL);
    world_set(s->w, "ICEJOBFS_IMDS_URL", "http://127.0.0.1:1");
    int64_t before = clock_mono_ms();
    assert_null(load(s));
    assert_in_range(clock_mono_ms() - before, 0, 900);
    assert_says(s, "no credentials: ALIBABA_CLOUD_ACCESS_KEY_ID is not set");
    assert_says(s, "ALIBABA_CLOUD_ROLE_ARN is not set");
    assert_says(s, "~/.aliyun/config.json: not there");
    assert_says(s, "~/.alibabacloud/credentials: not there");
    assert_says(s, "~/.alibabacloud/credentials.ini: not there");
    assert_says(s, "metadata service http://127.0.0.1:1: ");
    assert_says(s, "ALIBABA_CLOUD_CREDENTIALS_URI is not set");
    assert_says(s, "set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, or run "
                   "`aliyun configure`");
    struct err later = {0};
    assert_null(creds_get(s->creds, &later));
    assert_string_equal(later.text, s->err.text);
}

static void a_source_that_fails_does_not_hide_the_next(void **state)
{
    struct scene *s = *state;
    set_oidc(s);
    s->cloud.sts_status = 403;
    world_write(s->w, CLI, "{ not json " SECRET_MARK);
    world_write(s->w, INI2, INI_PAIR("default", "ini-id"));
    assert_string_equal(load(s), "ini-id");
    assert_source(s, "~/.alibabacloud/credentials.ini profile default (AK)");
}

static void the_message_tells_how_sources_failed_and_keeps_the_remedy(void **state)
{
    struct scene *s = *state;
    set_oidc(s);
    set_uri(s);
    s->cloud.sts_status = 403;
    s->cloud.uri_status = 500;
    world_write(s->w, CLI, "{ not json " SECRET_MARK);
    world_write(s->w, INI, "[default]\njunk " SECRET_MARK);
    assert_null(load(s));
    assert_says(s, "AssumeRoleWithOIDC at http://127.0.0.1:");
    assert_says(s, "refused with HTTP 403 NoPermission: You are not allowed.");
    assert_says(s, "~/.aliyun/config.json: is not valid JSON");
    assert_says(s, "~/.alibabacloud/credentials: line 2 is neither");
    assert_says(s, "ALIBABA_CLOUD_CREDENTIALS_URI: the answer was HTTP 500");
    assert_says(s, "or run `aliyun configure`");
}

static void a_very_long_message_is_cut_before_the_remedy(void **state)
{
    struct scene *s = *state;
    static char path[900];
    for (size_t i = 0; i < sizeof path - 1; i++)
        path[i] = "\xe4\xbd\xa0"[i % 3];
    path[0] = '/';
    world_set(s->w, "ALIBABA_CLOUD_CONFIG_FILE", path);
    world_set(s->w, "ALIBABA_CLOUD_CREDENTIALS_FILE", path);
    world_write(s->w, "x", "");
    assert_null(load(s));
    assert_says(s, "or run `aliyun configure`");
}

/* --- environment ----------------------------------------------------------------------------- */

static void a_token_in_the_environment_makes_temporary_keys(void **state)
{
    struct scene *s = *state;
    set_pair(s);
    world_set(s->w, "ALIBABA_CLOUD_SECURITY_TOKEN", "tok-" SECRET_MARK);
    assert_non_null(load(s));
    assert_string_equal(s->keys->token, "tok-" SECRET_MARK);
    assert_int_equal(s->keys->expires_unix_ms, 0);
}

static void broken_keys_in_the_environment_are_told_without_showing_them(void **state)
{
    struct scene *s = *state;
    set_pair(s);
    world_set(s->w, "ALIBABA_CLOUD_ACCESS_KEY_SECRET", SECRET_MARK "\n");
    assert_null(load(s));
    assert_says(s, "the access key secret holds a blank, a line end");
}

/* --- profiles by name ------------------------------------------------------------------------ */

static void the_profile_of_the_environment_is_looked_for_in_both_files(void **state)
{
    struct scene *s = *state;
    world_set(s->w, "ALIBABA_CLOUD_PROFILE", "studio");
    world_write(s->w, CLI, PROFILES("default", AK("default", "a") "," AK("studio", "b")));
    world_write(s->w, INI, INI_PAIR("default", "c") INI_PAIR("studio", "d"));
    assert_string_equal(load(s), "b");
    world_write(s->w, CLI, PROFILES("default", AK("default", "a")));
    assert_string_equal(load(s), "d");
    world_write(s->w, INI, INI_PAIR("default", "c"));
    world_write(s->w, INI2, INI_PAIR("studio", "e"));
    assert_string_equal(load(s), "e");
}

static void a_profile_that_does_not_exist_is_an_error_with_the_names_there_are(void **state)
{
    struct scene *s = *state;
    set_uri(s);
    world_set(s->w, "ALIBABA_CLOUD_PROFILE", "studio");
    world_write(s->w, CLI, PROFILES("default", AK("default", "a") "," AK("prod", "b")));
    world_write(s->w, INI, INI_PAIR("old", "c"));
    assert_null(load(s));
    assert_says(s, "no credentials for profile studio: ");
    assert_says(s, "~/.aliyun/config.json: no profile studio (there are: default, prod)");
    assert_says(s, "~/.alibabacloud/credentials: no section studio (there are: old)");
    assert_says(s, "aliyun configure --profile");
    assert_int_equal(s->cloud.uris, 0);
    set_pair(s);
    assert_string_equal(load(s), "env-id");
}

static void a_profile_given_as_an_option_wins_over_keys_in_the_environment(void **state)
{
    struct scene *s = *state;
    set_pair(s);
    set_oidc(s);
    world_set(s->w, "ALIBABA_CLOUD_PROFILE", "other");
    world_profile(s->w, "studio");
    world_write(s->w, CLI, PROFILES("default", AK("studio", "b")));
    assert_string_equal(load(s), "b");
    world_profile(s->w, "nobody");
    assert_null(load(s));
    assert_says(s, "no profile nobody (there are: studio)");
    assert_int_equal(s->cloud.sts_oidcs, 0);
}

static void without_a_name_the_cli_files_own_choice_counts(void **state)
{
    struct scene *s = *state;
    world_write(s->w, CLI, PROFILES("second", AK("default", "a") "," AK("second", "b")));
    assert_string_equal(load(s), "b");
    world_write(s->w, CLI, "{\"profiles\":[" AK("default", "a") "," AK("second", "b") "]}");
    assert_string_equal(load(s), "a");
    world_write(s->w, CLI, PROFILES("gone", AK("default", "a")));
    assert_null(load(s));
    assert_says(s, "no profile gone (there are: default)");
}

/* --- the files ------------------------------------------------------------------------------- */

static void both_files_can_be_elsewhere(void **state)
{
    struct scene *s = *state;
    static char cli[200], ini[200];
    snprintf(cli, sizeof cli, "%s/c.json", world_home(s->w));
    snprintf(ini, sizeof ini, "%s/c.ini", world_home(s->w));
    world_write(s->w, "c.json", PROFILES("default", AK("default", "a")));
    world_write(s->w, "c.ini", INI_PAIR("default", "b"));
    world_set(s->w, "ALIBABA_CLOUD_CONFIG_FILE", cli);
    world_set(s->w, "ALIBABA_CLOUD_CREDENTIALS_FILE", ini);
    assert_string_equal(load(s), "a");
    assert_source(s, "~/c.json profile default (AK)");
    world_set(s->w, "ALIBABA_CLOUD_CLI_PROFILE_DISABLED", "TRUE");
    assert_string_equal(load(s), "b");
    world_remove(s->w, "c.ini");
    world_write(s->w, INI2, INI_PAIR("default", "not asked"));
    assert_null(load(s));
    assert_says(s, "switched off by ALIBABA_CLOUD_CLI_PROFILE_DISABLED");
    assert_says(s, "~/c.ini: not there");
}

static void files_that_others_can_read_are_warned_of_once(void **state)
{
    struct scene *s = *state;
    char path[200];
    world_write(s->w, CLI, PROFILES("default", AK("default", "a")));
    snprintf(path, sizeof path, "%s/" CLI, world_home(s->w));
    assert_int_equal(chmod(path, 0644), 0);
    assert_string_equal(load(s), "a");
    assert_int_equal(creds_load(s->creds, 1000, NULL), 0);
    char *log = world_log(s->w);
    char *first = strstr(log, "credentials file can be read by others");
    assert_non_null(first);
    assert_null(strstr(first + 1, "credentials file can be read by others"));
    free(log);
}

static void files_beyond_a_mebibyte_are_refused(void **state)
{
    struct scene *s = *state;
    size_t n = ((size_t)1 << 20) + 1;
    char *big = malloc(n);
    memset(big, ' ', n);
    world_write_bytes(s->w, CLI, big, n);
    free(big);
    assert_null(load(s));
    assert_says(s, "~/.aliyun/config.json: larger than 1048576 bytes");
}

static void odd_shapes_of_the_cli_file_are_refused_with_a_message(void **state)
{
    struct scene *s = *state;
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"[]", "is not one JSON object"},
        {"{}", "no profile default (there are: none)"},
        {"{\"profiles\":{}}", "no profile default (there are: none)"},
        {"{\"profiles\":[1,null,\"x\",[]]}", "no profile default (there are: none)"},
        {"{\"current\":7,\"profiles\":[]}", "current is no text"},
        {"{\"profiles\":[{\"name\":7}]}", "no profile default"},
        {"{\"profiles\":[{\"name\":\"default\"}]}", "profile default: mode is missing"},
        {"", "is not valid JSON"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        world_write(s->w, CLI, bad[i].text);
        assert_null(load(s));
        assert_says(s, bad[i].says);
    }
}

/* --- modes without a network ----------------------------------------------------------------- */

#define TOKEN_KEYS                                                                                 \
    "\"access_key_id\":\"i\",\"access_key_secret\":\"" SECRET_MARK                                 \
    "\",\"sts_token\":\"" SECRET_MARK "\""

static void sts_token_profiles_are_taken_as_they_are(void **state)
{
    struct scene *s = *state;
    world_write(s->w, CLI, PROFILES("p", "{\"name\":\"p\",\"mode\":\"StsToken\"," TOKEN_KEYS "}"));
    assert_string_equal(load(s), "i");
    assert_string_equal(s->keys->token, SECRET_MARK);
    assert_source(s, "~/.aliyun/config.json profile p (StsToken)");
}

static void write_login(struct scene *s, const char *mode, const char *keys, int64_t end_s)
{
    char text[600];
    snprintf(text, sizeof text,
             "{\"current\":\"p\",\"profiles\":[{\"name\":\"p\",\"mode\":\"%s\",%s"
             "\"sts_expiration\":%lld}]}",
             mode, keys, (long long)end_s);
    world_write(s->w, CLI, text);
}

static void cached_logins_are_used_while_they_last(void **state)
{
    struct scene *s = *state;
    static const char *const modes[] = {"CloudSSO", "OAuth"};
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        int64_t now = clock_real_ns() / NS_PER_S;
        write_login(s, modes[i], TOKEN_KEYS ",", now + 600);
        assert_string_equal(load(s), "i");
        assert_int_equal(s->keys->expires_unix_ms, (now + 600) * 1000);
        write_login(s, modes[i], TOKEN_KEYS ",", now - 1);
        assert_null(load(s));
        assert_says(s, "login expired at 20");
        write_login(s, modes[i], "", now + 600);
        assert_null(load(s));
        assert_says(s, "login is cached: run an `aliyun` command with this profile");
    }
}

static void write_external(struct scene *s, const char *printed)
{
    char text[1500];
    world_write(s->w, "printed", printed);
    snprintf(text, sizeof text,
             "{\"current\":\"p\",\"profiles\":[{\"name\":\"p\",\"mode\":\"External\","
             "\"process_command\":\"cat '%s/printed'\"}]}",
             world_home(s->w));
    world_write(s->w, CLI, text);
}

static void external_commands_print_keys(void **state)
{
    struct scene *s = *state;
    char text[400];
    write_external(
        s, "{\"mode\":\"AK\",\"access_key_id\":\"i\",\"access_key_secret\":\"" SECRET_MARK "\"}");
    assert_string_equal(load(s), "i");
    assert_source(s, "~/.aliyun/config.json profile p (External)");
    assert_true(s->keys->renew_after_ms_ > 0);
    snprintf(text, sizeof text, "{\"mode\":\"StsToken\"," TOKEN_KEYS ",\"expiration\":\"%s\"}",
             world_iso(600));
    write_external(s, text);
    assert_string_equal(load(s), "i");
    assert_true(s->keys->expires_unix_ms > clock_real_ns() / NS_PER_MS);
    assert_int_equal(s->keys->renew_after_ms_, 0);
}

static void external_commands_that_print_no_keys_are_refused(void **state)
{
    struct scene *s = *state;
    static const struct {
        const char *printed, *says;
    } bad[] = {
        {"", "output of command cat: is not valid JSON"},
        {"{\"mode\":\"AK\"} " SECRET_MARK, "is not one JSON object"},
        {"{\"mode\":\"AK\"}", "access_key_id is missing"},
        {"{\"mode\":\"External\",\"process_command\":\"x\"}", "mode External is not allowed"},
        {"{\"mode\":\"ChainableRamRoleArn\",\"source_profile\":\"p\",\"ram_role_arn\":\"r\"}",
         "mode ChainableRamRoleArn is not allowed"},
        {"{\"mode\":\"StsToken\"," TOKEN_KEYS ",\"expiration\":\"2020-01-01T00:00:00Z\"}",
         "have expired already"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        write_external(s, bad[i].printed);
        assert_null(load(s));
        assert_says(s, bad[i].says);
    }
}

static void external_commands_can_be_forbidden_and_must_be_well_formed(void **state)
{
    struct scene *s = *state;
    world_write(
        s->w, CLI,
        PROFILES("p", "{\"name\":\"p\",\"mode\":\"External\",\"process_command\":\"a 'b\"}"));
    assert_null(load(s));
    assert_says(s, "process_command: a quote is not closed");
    world_set(s->w, "ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS", "1");
    assert_null(load(s));
    assert_says(s, "forbidden by ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS");
}

/* --- chains of profiles ---------------------------------------------------------------------- */

#define CHAIN(name, source)                                                                        \
    "{\"name\":\"" name "\",\"mode\":\"ChainableRamRoleArn\",\"source_profile\":\"" source         \
    "\",\"ram_role_arn\":\"role-" name "\"}"

static void a_profile_can_take_its_role_by_another_profiles_keys(void **state)
{
    struct scene *s = *state;
    world_write(s->w, CLI,
                PROFILES("a", CHAIN("a", "b") "," CHAIN("b", "c") "," AK("c", CLOUD_ID)));
    assert_string_equal(load(s), CLOUD_KEY_ID "2");
    assert_source(s, "~/.aliyun/config.json profile a (ChainableRamRoleArn role-a)");
    assert_int_equal(s->cloud.sts_roles, 2);
    assert_non_null(strstr(s->cloud.last_query, "RoleArn=role-a"));
}

static void profiles_that_loop_are_refused_before_anything_is_asked(void **state)
{
    struct scene *s = *state;
    world_write(s->w, CLI, PROFILES("a", CHAIN("a", "b") "," CHAIN("b", "a")));
    assert_null(load(s));
    assert_says(s, "profile a is its own source_profile, in a loop");
    world_write(s->w, CLI, PROFILES("a", CHAIN("a", "a")));
    assert_null(load(s));
    assert_says(s, "in a loop");
    world_write(s->w, CLI, PROFILES("a", CHAIN("a", "gone")));
    assert_null(load(s));
    assert_says(s, "source_profile gone does not exist (there are: a)");
    assert_int_equal(s->cloud.sts_roles, 0);
}

static void rows_of_profiles_have_a_limit(void **state)
{
    struct scene *s = *state;
    char text[4000] = "{\"current\":\"p0\",\"profiles\":[" AK("p9", "i");
    for (int i = 0; i < CREDS_CLI_DEPTH_MAX + 1; i++) {
        size_t n = strlen(text);
        snprintf(text + n, sizeof text - n,
                 ",{\"name\":\"p%d\",\"mode\":\"ChainableRamRoleArn\",\"source_profile\":\"p%d\","
                 "\"ram_role_arn\":\"r\"}",
                 i, i + 1);
    }
    snprintf(text + strlen(text), sizeof text - strlen(text), "]}");
    world_write(s->w, CLI, text);
    assert_null(load(s));
    assert_says(s, "more than 8 profiles in a row");
}

/* --- home ------------------------------------------------------------------------------------ */

static void the_home_directory_is_the_environments_or_else_the_user_databases(void **state)
{
    struct scene *s = *state;
    struct creds_env env = *world_env(s->w);
    struct creds_ctx ctx;
    env.home = NULL;
    env.profile = "";
    world_set(s->w, "HOME", "/somewhere");
    assert_int_equal(creds_ctx_init(&ctx, &env, NULL), 0);
    assert_string_equal(ctx.files.at[CREDS_FILE_CLI].path, "/somewhere/.aliyun/config.json");
    assert_null(creds_ctx_profile(&ctx));
    creds_ctx_free(&ctx);
    world_set(s->w, "HOME", NULL);
    assert_int_equal(creds_ctx_init(&ctx, &env, NULL), 0);
    const struct passwd *pw = getpwuid(geteuid());
    assert_string_equal(ctx.home, pw->pw_dir);
    creds_ctx_free(&ctx);
}

static void a_vanished_file_found_at_renewal_makes_us_walk(void **state)
{
    struct scene *s = *state;
    struct creds_ctx ctx;
    struct creds_result r;
    world_write(s->w, INI2, INI_PAIR("default", "ini-id"));
    assert_int_equal(creds_ctx_init(&ctx, world_env(s->w), NULL), 0);
    assert_int_equal(creds_chain_renew(&ctx, CREDS_SOURCE_CLI_FILE, &r, NULL), 0);
    assert_int_equal(r.source, CREDS_SOURCE_INI_FILE);
    creds_keys_unref(r.keys);
    assert_int_equal(creds_chain_renew(&ctx, CREDS_SOURCE_NONE, &r, NULL), 0);
    creds_keys_unref(r.keys);
    creds_ctx_free(&ctx);
}

/* --- memory ---------------------------------------------------------------------------------- */

static void loading_survives_every_failing_allocation(void **state)
{
    struct scene *s = *state;
    world_write(s->w, CLI, PROFILES("default", AK("default", "a")));
    for (unsigned n = 1;; n++) {
        alloc_fail_at(n);
        struct creds *c = creds_new(world_env(s->w), NULL);
        int rc = c ? creds_load(c, 1000, &s->err) : -1;
        bool fired = alloc_fail_fired();
        creds_free(c);
        assert_int_equal(rc, fired ? -1 : 0);
        if (!fired)
            break;
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_sources_are_asked_in_the_official_order),
        TEST(without_any_source_the_message_lists_them_and_the_remedy),
        TEST(a_source_that_fails_does_not_hide_the_next),
        TEST(the_message_tells_how_sources_failed_and_keeps_the_remedy),
        TEST(a_very_long_message_is_cut_before_the_remedy),
        TEST(a_token_in_the_environment_makes_temporary_keys),
        TEST(broken_keys_in_the_environment_are_told_without_showing_them),
        TEST(the_profile_of_the_environment_is_looked_for_in_both_files),
        TEST(a_profile_that_does_not_exist_is_an_error_with_the_names_there_are),
        TEST(a_profile_given_as_an_option_wins_over_keys_in_the_environment),
        TEST(without_a_name_the_cli_files_own_choice_counts),
        TEST(both_files_can_be_elsewhere),
        TEST(files_that_others_can_read_are_warned_of_once),
        TEST(files_beyond_a_mebibyte_are_refused),
        TEST(odd_shapes_of_the_cli_file_are_refused_with_a_message),
        TEST(sts_token_profiles_are_taken_as_they_are),
        TEST(cached_logins_are_used_while_they_last),
        TEST(external_commands_print_keys),
        TEST(external_commands_that_print_no_keys_are_refused),
        TEST(external_commands_can_be_forbidden_and_must_be_well_formed),
        TEST(a_profile_can_take_its_role_by_another_profiles_keys),
        TEST(profiles_that_loop_are_refused_before_anything_is_asked),
        TEST(rows_of_profiles_have_a_limit),
        TEST(the_home_directory_is_the_environments_or_else_the_user_databases),
        TEST(a_vanished_file_found_at_renewal_makes_us_walk),
        TEST(loading_survives_every_failing_allocation),
    };
    if (http_global_init(NULL) < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
