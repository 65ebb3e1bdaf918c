#include "api/creds_environment.h"
#include "api/creds_keys.h"
#include "api/creds_resolve.h"
#include "api/creds_spec.h"

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

/* A description that borrows its texts; nobody writes to them. */
static char *borrow(const char *text)
{
    return (char *)(uintptr_t)text;
}

enum creds_found creds_environment_oidc(struct creds_ctx *ctx, struct creds_keys **out,
                                        struct err *err)
{
    const char *role = creds_ctx_env(ctx, "ALIBABA_CLOUD_ROLE_ARN");
    const char *provider = creds_ctx_env(ctx, "ALIBABA_CLOUD_OIDC_PROVIDER_ARN");
    const char *file = creds_ctx_env(ctx, "ALIBABA_CLOUD_OIDC_TOKEN_FILE");
    if (!role)
        return not_set(err, "ALIBABA_CLOUD_ROLE_ARN");
    if (!provider)
        return not_set(err, "ALIBABA_CLOUD_OIDC_PROVIDER_ARN");
    if (!file)
        return not_set(err, "ALIBABA_CLOUD_OIDC_TOKEN_FILE");
    const struct creds_spec spec = {.mode = CREDS_MODE_OIDC,
                                    .role_arn = borrow(role),
                                    .provider_arn = borrow(provider),
                                    .token_file = borrow(file)};
    *out = creds_resolve(ctx, &spec, NULL, "environment (OIDC)", err);
    return *out ? CREDS_FOUND : CREDS_BROKEN;
}
