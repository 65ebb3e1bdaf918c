#include "api/creds_ctx.h"
#include "base/clock.h"
#include <pwd.h>
#include <string.h>
#include <strings.h>

/* The home directory by the user database, into `space`; NULL where it has none. */
static const char *passwd_home(char *space, size_t n)
{
    struct passwd pw, *found = NULL;
    if (getpwuid_r(geteuid(), &pw, space, n, &found) != 0 || !found)
        return NULL;
    return found->pw_dir;
}

static int find_home(struct creds_ctx *ctx, struct err *err)
{
    char space[4096];
    const char *home = ctx->env.home;
    if (!home)
        home = creds_ctx_env(ctx, "HOME");
    if (!home)
        home = passwd_home(space, sizeof space);
    ctx->home = home ? strdup(home) : NULL;
    return home && !ctx->home ? err_set(err, "cannot set up credentials: out of memory") : 0;
}

int creds_ctx_init(struct creds_ctx *ctx, const struct creds_env *env, struct err *err)
{
    *ctx = (struct creds_ctx){.env = env ? *env : (struct creds_env){0}};
    if (ctx->env.profile && !*ctx->env.profile)
        ctx->env.profile = NULL;
    if (find_home(ctx, err) < 0)
        return -1;
    return creds_files_init(&ctx->files, ctx->home, creds_ctx_env(ctx, "ALIBABA_CLOUD_CONFIG_FILE"),
                            creds_ctx_env(ctx, "ALIBABA_CLOUD_CREDENTIALS_FILE"), err);
}

void creds_ctx_free(struct creds_ctx *ctx)
{
    creds_files_free(&ctx->files);
    free(ctx->home);
    ctx->home = NULL;
}

const char *creds_ctx_env(const struct creds_ctx *ctx, const char *name)
{
    const char *value = ctx->env.getenv ? ctx->env.getenv(ctx->env.ctx, name) : secure_getenv(name);
    return value && *value ? value : NULL;
}

bool creds_ctx_flag(const struct creds_ctx *ctx, const char *name)
{
    const char *value = creds_ctx_env(ctx, name);
    return value && (strcasecmp(value, "true") == 0 || strcmp(value, "1") == 0);
}

const char *creds_ctx_profile(const struct creds_ctx *ctx)
{
    return ctx->env.profile ? ctx->env.profile : creds_ctx_env(ctx, "ALIBABA_CLOUD_PROFILE");
}

int64_t creds_ctx_now_ms(const struct creds_ctx *ctx)
{
    return ctx->env.real_ms ? ctx->env.real_ms() : clock_real_ns() / NS_PER_MS;
}

int64_t creds_ctx_left_ms(const struct creds_ctx *ctx, int64_t most_ms)
{
    int64_t left = ctx->deadline_mono_ms - clock_mono_ms();
    if (left <= 0)
        return 0;
    return left < most_ms ? left : most_ms;
}
