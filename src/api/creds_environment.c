#include "api/creds_environment.h"
#include "api/creds_keys.h"
#include "api/creds_resolve.h"
#include "api/creds_spec.h"
#include <string.h>

static enum creds_found not_set(struct err *err, const char *name)
{
    err_set(err, "%s is not set", name);
    return CREDS_ABSENT;
}

enum creds_found creds_environment_pair(struct creds_ctx *ctx, struct creds_keys **out,
                                        struct err *err)
{
    const char *id = creds_ctx_env(ctx, "ALIBABA_CLOUD_ACCESS_KEY_ID");
    const char *secret = creds_ctx_env(ctx, "ALIBABA_CLOUD_ACCESS_KEY_SECRET");
    if (!id)
        return not_set(err, "ALIBABA_CLOUD_ACCESS_KEY_ID");
    if (!secret)
        return not_set(err, "ALIBABA_CLOUD_ACCESS_KEY_SECRET");
    const char *token = creds_ctx_env(ctx, "ALIBABA_CLOUD_SECURITY_TOKEN");
    *out = creds_keys_new(id, secret, token, 0, "environment", err);
    return *out ? CREDS_FOUND : CREDS_BROKEN;
}

/* Copy a variable into the description. 0 or -1 without memory; an unset one stays NULL. */
static int copy(const struct creds_ctx *ctx, const char *name, char **out)
{
    const char *value = creds_ctx_env(ctx, name);
    *out = value ? strdup(value) : NULL;
    return value && !*out ? -1 : 0;
}

enum creds_found creds_environment_oidc(struct creds_ctx *ctx, struct creds_keys **out,
                                        struct err *err)
{
    CLEANUP_SPEC struct creds_spec spec = {.mode = CREDS_MODE_OIDC};
    if (copy(ctx, "ALIBABA_CLOUD_ROLE_ARN", &spec.role_arn) < 0 ||
        copy(ctx, "ALIBABA_CLOUD_OIDC_PROVIDER_ARN", &spec.provider_arn) < 0 ||
        copy(ctx, "ALIBABA_CLOUD_OIDC_TOKEN_FILE", &spec.token_file) < 0) {
        err_set(err, "out of memory");
        return CREDS_BROKEN;
    }
    if (!spec.role_arn)
        return not_set(err, "ALIBABA_CLOUD_ROLE_ARN");
    if (!spec.provider_arn)
        return not_set(err, "ALIBABA_CLOUD_OIDC_PROVIDER_ARN");
    if (!spec.token_file)
        return not_set(err, "ALIBABA_CLOUD_OIDC_TOKEN_FILE");
    *out = creds_resolve(ctx, &spec, NULL, "environment (OIDC)", err);
    return *out ? CREDS_FOUND : CREDS_BROKEN;
}
