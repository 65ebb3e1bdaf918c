#include "api/creds_spec.h"
#include "api/creds_json.h"
#include "api/creds_reply.h"
#include "base/clock.h"
#include "base/secret.h"
#include <stdio.h>
#include <string.h>

#define AT(field) offsetof(struct creds_spec, field)

/* Each text by its place, its key in the CLI file and its name in the ini file. A field may have a
 * second spelling further down; the first that is there counts. */
static const struct text_row {
    size_t at;
    const char *key;
    const char *ini;
} texts[] = {
    {AT(key_id), "access_key_id", "access_key_id"},
    {AT(key_secret), "access_key_secret", "access_key_secret"},
    {AT(token), "sts_token", NULL},
    {AT(role_arn), "ram_role_arn", "role_arn"},
    {AT(session_name), "ram_session_name", "role_session_name"},
    {AT(session_name), "role_session_name", NULL},
    {AT(external_id), "external_id", "external_id"},
    {AT(policy), "policy", "policy"},
    {AT(sts_region), "sts_region", NULL},
    {AT(sts_endpoint), "sts_endpoint", NULL},
    {AT(provider_arn), "oidc_provider_arn", "oidc_provider_arn"},
    {AT(token_file), "oidc_token_file", "oidc_token_file_path"},
    {AT(role_name), "ram_role_name", "role_name"},
    {AT(source_profile), "source_profile", NULL},
    {AT(command), "process_command", NULL},
    {AT(uri), "credentials_uri", NULL},
};

#define KEY_PAIR AT(key_id), AT(key_secret)

/* A mode's name in the CLI file, its type in the ini file, and what it cannot do without. */
static const struct mode_row {
    const char *name;
    const char *type;
    size_t n_needs;
    size_t needs[3];
} modes[CREDS_MODE_COUNT] = {
    [CREDS_MODE_AK] = {"AK", "access_key", 2, {KEY_PAIR}},
    [CREDS_MODE_STS_TOKEN] = {"StsToken", NULL, 3, {KEY_PAIR, AT(token)}},
    [CREDS_MODE_RAM_ROLE_ARN] = {"RamRoleArn", "ram_role_arn", 3, {KEY_PAIR, AT(role_arn)}},
    [CREDS_MODE_ECS_RAM_ROLE] = {"EcsRamRole", "ecs_ram_role", 0, {0}},
    [CREDS_MODE_OIDC] = {"OIDC",
                         "oidc_role_arn",
                         3,
                         {AT(provider_arn), AT(token_file), AT(role_arn)}},
    [CREDS_MODE_CHAINABLE] = {"ChainableRamRoleArn", NULL, 2, {AT(source_profile), AT(role_arn)}},
    [CREDS_MODE_EXTERNAL] = {"External", NULL, 1, {AT(command)}},
    [CREDS_MODE_URI] = {"CredentialsURI", NULL, 1, {AT(uri)}},
    /* What these cached is looked at when it is used: without it the message is another. */
    [CREDS_MODE_CLOUD_SSO] = {"CloudSSO", NULL, 0, {0}},
    [CREDS_MODE_OAUTH] = {"OAuth", NULL, 0, {0}},
};

static char **text_at(struct creds_spec *s, size_t at)
{
    return (char **)(void *)((char *)s + at);
}

void creds_spec_free(struct creds_spec *s)
{
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        char **text = text_at(s, texts[i].at);
        secret_free(*text);
        *text = NULL;
    }
}

const char *creds_mode_name(enum creds_mode mode)
{
    return modes[mode].name;
}

void creds_spec_label(const struct creds_spec *s, char out[CREDS_LABEL_MAX])
{
    const char *role = s->role_arn ? s->role_arn : s->role_name;
    snprintf(out, CREDS_LABEL_MAX, "%s%s%.120s", creds_mode_name(s->mode), role ? " " : "",
             role ? role : "");
}

static const char *key_of(size_t at, bool ini)
{
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (texts[i].at == at)
            return ini ? texts[i].ini : texts[i].key;
    return "?";
}

static int check_needs(struct creds_spec *s, bool ini, struct err *err)
{
    const struct mode_row *m = &modes[s->mode];
    for (size_t i = 0; i < m->n_needs; i++)
        if (!*text_at(s, m->needs[i]))
            return err_set(err, "%s is missing (%s %s)", key_of(m->needs[i], ini),
                           ini ? "type" : "mode", ini ? m->type : m->name);
    return 0;
}

static int find_mode(const char *name, bool ini, enum creds_mode *out, struct err *err)
{
    for (size_t i = 0; name && i < CREDS_MODE_COUNT; i++) {
        const char *known = ini ? modes[i].type : modes[i].name;
        if (known && strcmp(known, name) == 0) {
            *out = (enum creds_mode)i;
            return 0;
        }
    }
    const char *what = ini ? "type" : "mode";
    return name ? err_set(err, "%s %.40s is not supported", what, name)
                : err_set(err, "%s is missing", what);
}

static int set_text(struct creds_spec *s, size_t at, const char *value, struct err *err)
{
    char **text = text_at(s, at);
    if (*text)
        return 0;
    *text = strdup(value);
    return *text ? 0 : err_set(err, "out of memory");
}

static int read_texts(struct creds_spec *s, const struct creds_json *profile, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        const char *value = NULL;
        if (creds_json_text(profile, texts[i].key, &value, err) < 0)
            return -1;
        if (value && set_text(s, texts[i].at, value, err) < 0)
            return -1;
    }
    return 0;
}

/* sts_expiration: Unix seconds in the CLI's file; expiration: what an external command says. */
static int read_expiry(struct creds_spec *s, const struct creds_json *profile, struct err *err)
{
    int64_t unix_s = 0;
    const char *iso = NULL;
    if (creds_json_int(profile, "sts_expiration", &unix_s, err) < 0 ||
        creds_json_text(profile, "expiration", &iso, err) < 0)
        return -1;
    if (iso)
        return creds_reply_time(iso, &s->expires_unix_ms) < 0
                   ? err_set(err, "expiration is no time")
                   : 0;
    if (unix_s > INT64_MAX / MS_PER_S)
        return err_set(err, "sts_expiration is out of range");
    s->expires_unix_ms = unix_s * MS_PER_S;
    return 0;
}

int creds_spec_from_json(struct creds_spec *s, const struct creds_json *profile, struct err *err)
{
    const char *mode = NULL;
    if (creds_json_text(profile, "mode", &mode, err) < 0 ||
        find_mode(mode, false, &s->mode, err) < 0 || read_texts(s, profile, err) < 0 ||
        creds_json_int(profile, "expired_seconds", &s->duration_s, err) < 0 ||
        creds_json_bool(profile, "enable_vpc", &s->vpc, err) < 0 ||
        read_expiry(s, profile, err) < 0)
        return -1;
    return check_needs(s, false, err);
}

/* A further line of the same value. */
static int append(char **text, const char *more, struct err *err)
{
    char *joined = NULL;
    if (asprintf(&joined, "%s\n%s", *text, more) < 0)
        return err_set(err, "out of memory");
    secret_free(*text);
    *text = joined;
    return 0;
}

int creds_spec_ini_line(struct creds_spec *s, const char *name, const char *value, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(texts) && *value; i++) {
        if (!texts[i].ini || strcmp(texts[i].ini, name) != 0)
            continue;
        char **text = text_at(s, texts[i].at);
        return *text ? append(text, value, err) : set_text(s, texts[i].at, value, err);
    }
    return 0;
}

int creds_spec_ini_end(struct creds_spec *s, const char *type, struct err *err)
{
    if (find_mode(type, true, &s->mode, err) < 0)
        return -1;
    return check_needs(s, true, err);
}
