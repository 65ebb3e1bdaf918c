#include "api/creds_resolve.h"
#include "api/creds_imds.h"
#include "api/creds_json.h"
#include "api/creds_keys.h"
#include "api/creds_process.h"
#include "api/creds_spec.h"
#include "api/creds_sts.h"
#include "api/creds_uri.h"
#include "base/clock.h"

#define COMMAND_TIMEOUT_MS 60000
#define COMMAND_OUTPUT_MAX ((size_t)64 << 10)
#define NO_EXPIRY_AGAIN_MS 300000 /* an external command that names no expiration */

static int processes_allowed(const struct creds_ctx *ctx, struct err *err)
{
    if (!creds_ctx_flag(ctx, "ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS"))
        return 0;
    return err_set(err, "forbidden by ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS");
}

static struct creds_keys *plain(const struct creds_ctx *ctx, const struct creds_spec *spec,
                                const char *source, struct err *err)
{
    bool temporary = spec->mode != CREDS_MODE_AK;
    if (spec->expires_unix_ms && spec->expires_unix_ms <= creds_ctx_now_ms(ctx)) {
        err_set(err, "the keys have expired already");
        return NULL;
    }
    return creds_keys_new(spec->key_id, spec->key_secret, temporary ? spec->token : NULL,
                          spec->expires_unix_ms, source, err);
}

/* Keys that a login by hand left in the file: good until they end, and not ours to renew. */
static struct creds_keys *cached(const struct creds_ctx *ctx, const struct creds_spec *spec,
                                 const char *source, struct err *err)
{
    const char *mode = creds_mode_name(spec->mode);
    if (!spec->key_id || !spec->key_secret || !spec->token || !spec->expires_unix_ms) {
        err_set(err, "no %s login is cached: run an `aliyun` command with this profile", mode);
        return NULL;
    }
    if (spec->expires_unix_ms <= creds_ctx_now_ms(ctx)) {
        char end[CLOCK_ISO_LEN];
        clock_iso(spec->expires_unix_ms / MS_PER_S, end);
        err_set(err, "the %s login expired at %s: run an `aliyun` command with this profile", mode,
                end);
        return NULL;
    }
    return plain(ctx, spec, source, err);
}

/* What the command printed is a profile in itself; one that would run or need another is refused.
 */
static struct creds_keys *from_output(struct creds_ctx *ctx, const struct buf *output,
                                      const char *source, struct err *err)
{
    CLEANUP_SPEC struct creds_spec spec = {0};
    CLEANUP_JSON struct creds_json *doc = creds_json_parse(buf_str(output), output->len, err);
    if (!doc || creds_spec_from_json(&spec, doc, err) < 0)
        return NULL;
    if (spec.mode == CREDS_MODE_EXTERNAL || spec.mode == CREDS_MODE_CHAINABLE) {
        err_set(err, "mode %s is not allowed there", creds_mode_name(spec.mode));
        return NULL;
    }
    struct creds_keys *keys = creds_resolve(ctx, &spec, NULL, source, err);
    if (keys && keys->expires_unix_ms == 0)
        keys->renew_after_ms_ = NO_EXPIRY_AGAIN_MS;
    return keys;
}

static struct creds_keys *external(struct creds_ctx *ctx, const struct creds_spec *spec,
                                   const char *source, struct err *err)
{
    CLEANUP_BUF struct buf output = BUF_SECRET_INIT(COMMAND_OUTPUT_MAX);
    ICE_CLEANUP(creds_words_free) struct creds_words words = {0};
    if (processes_allowed(ctx, err) < 0)
        return NULL;
    if (creds_words_split(spec->command, &words, err) < 0) {
        err_prefix(err, "process_command");
        return NULL;
    }
    int64_t timeout_ms = creds_ctx_left_ms(ctx, COMMAND_TIMEOUT_MS);
    if (creds_process_run(words.at, timeout_ms, &ctx->stop, &output, err) < 0)
        return NULL;
    struct creds_keys *keys = from_output(ctx, &output, source, err);
    if (!keys)
        err_prefix(err, "output of command %.160s", words.at[0]);
    return keys;
}

static struct creds_keys *from_uri(struct creds_ctx *ctx, const struct creds_spec *spec,
                                   const char *source, struct err *err)
{
    return processes_allowed(ctx, err) < 0 ? NULL : creds_uri_fetch(ctx, spec->uri, source, err);
}

static struct creds_keys *from_machine(struct creds_ctx *ctx, const struct creds_spec *spec,
                                       const char *source, struct err *err)
{
    struct creds_keys *keys = NULL;
    creds_imds_fetch(ctx, spec->role_name, source, &keys, err);
    return keys;
}

struct creds_keys *creds_resolve(struct creds_ctx *ctx, const struct creds_spec *spec,
                                 const struct creds_keys *base, const char *source, struct err *err)
{
    switch (spec->mode) {
    case CREDS_MODE_AK:
    case CREDS_MODE_STS_TOKEN:
        return plain(ctx, spec, source, err);
    case CREDS_MODE_RAM_ROLE_ARN:
        return creds_sts_assume_role(ctx, spec, spec->key_id, spec->key_secret, spec->token, source,
                                     err);
    case CREDS_MODE_CHAINABLE:
        return creds_sts_assume_role(ctx, spec, base->key_id, base->key_secret, base->token, source,
                                     err);
    case CREDS_MODE_ECS_RAM_ROLE:
        return from_machine(ctx, spec, source, err);
    case CREDS_MODE_OIDC:
        return creds_sts_assume_oidc(ctx, spec, source, err);
    case CREDS_MODE_EXTERNAL:
        return external(ctx, spec, source, err);
    case CREDS_MODE_URI:
        return from_uri(ctx, spec, source, err);
    case CREDS_MODE_CLOUD_SSO:
    case CREDS_MODE_OAUTH:
        return cached(ctx, spec, source, err);
    case CREDS_MODE_COUNT:
        break;
    }
    err_set(err, "no such mode");
    return NULL;
}
