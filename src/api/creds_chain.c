#include "api/creds_chain.h"
#include "api/creds_cli_file.h"
#include "api/creds_environment.h"
#include "api/creds_imds.h"
#include "api/creds_ini.h"
#include "api/creds_uri.h"
#include <stdio.h>
#include <string.h>

#define FIX                                                                                        \
    "set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, or run `aliyun "         \
    "configure`"
#define FIX_PROFILE "name one of these profiles, or run `aliyun configure --profile NAME`"

#define SHARE_ABSENT 130 /* bytes of the message, for a source that does not apply */
#define SHARE_BROKEN 400 /* ... and for one that failed: that is the news */

typedef enum creds_found source_fn(struct creds_ctx *ctx, struct creds_keys **out, struct err *err);

static const struct {
    source_fn *ask;
    unsigned files;
} sources[CREDS_SOURCE_NONE] = {
    [CREDS_SOURCE_ENVIRONMENT] = {creds_environment_pair, 0},
    [CREDS_SOURCE_OIDC] = {creds_environment_oidc, 0},
    [CREDS_SOURCE_CLI_FILE] = {creds_cli_file, 1u << CREDS_FILE_CLI},
    [CREDS_SOURCE_INI_FILE] = {creds_ini_file, 1u << CREDS_FILE_INI | 1u << CREDS_FILE_INI_ALT},
    [CREDS_SOURCE_IMDS] = {creds_imds, 0},
    [CREDS_SOURCE_URI] = {creds_uri, 0},
};

/* The part of the chain that this set-up allows: [first, end). */
static enum creds_source first_source(const struct creds_ctx *ctx)
{
    return ctx->env.profile ? CREDS_SOURCE_CLI_FILE : CREDS_SOURCE_ENVIRONMENT;
}

static enum creds_source end_source(const struct creds_ctx *ctx)
{
    return creds_ctx_profile(ctx) ? CREDS_SOURCE_IMDS : CREDS_SOURCE_NONE;
}

/* Texts may be UTF-8: cut before a character, not within. */
static size_t cut_at(const char *text, size_t most)
{
    size_t n = strlen(text);
    if (n <= most)
        return n;
    for (n = most; n && ((unsigned char)text[n] & 0xc0) == 0x80; n--)
        ;
    return n;
}

struct tried {
    char text[ERR_TEXT_MAX - 260]; /* leaves room for what is around it */
    size_t len;
};

static void note_tried(struct tried *t, enum creds_found found, const struct err *why)
{
    size_t share = found == CREDS_BROKEN ? SHARE_BROKEN : SHARE_ABSENT;
    size_t room = sizeof t->text - t->len;
    const char *part = t->len ? "; " : "";
    if (room < sizeof "; ")
        return;
    size_t n = cut_at(why->text, share < room - 3 ? share : room - 3);
    t->len += (size_t)snprintf(t->text + t->len, room, "%s%.*s", part, (int)n, why->text);
}

static int give_up(const struct creds_ctx *ctx, const struct tried *t, struct err *err)
{
    const char *profile = creds_ctx_profile(ctx);
    if (profile)
        return err_set(err, "no credentials for profile %.60s: %s. Fix: %s", profile, t->text,
                       FIX_PROFILE);
    return err_set(err, "no credentials: %s. Fix: %s", t->text, FIX);
}

/* A source in use is gone when its file is. A service that no longer answers may do so again. */
static bool is_gone(enum creds_source s, enum creds_found found)
{
    return found == CREDS_ABSENT && sources[s].files != 0;
}

int creds_chain_walk(struct creds_ctx *ctx, enum creds_source kept, struct creds_result *out,
                     struct err *err)
{
    struct tried tried = {.len = 0};
    *out = (struct creds_result){.source = CREDS_SOURCE_NONE};
    for (enum creds_source s = first_source(ctx); s < end_source(ctx); s++) {
        struct err why = {0};
        enum creds_found found = sources[s].ask(ctx, &out->keys, &why);
        if (found == CREDS_FOUND) {
            out->source = s;
            return 0;
        }
        if (s == kept && !is_gone(s, found))
            return err_set(err, "%s", why.text);
        note_tried(&tried, found, &why);
    }
    return give_up(ctx, &tried, err);
}

int creds_chain_renew(struct creds_ctx *ctx, enum creds_source kept, struct creds_result *out,
                      struct err *err)
{
    if (kept == CREDS_SOURCE_NONE)
        return creds_chain_walk(ctx, kept, out, err);
    *out = (struct creds_result){.source = kept};
    struct err why = {0};
    enum creds_found found = sources[kept].ask(ctx, &out->keys, &why);
    if (found == CREDS_FOUND)
        return 0;
    if (is_gone(kept, found))
        return creds_chain_walk(ctx, CREDS_SOURCE_NONE, out, err);
    return err_set(err, "%s", why.text);
}

unsigned creds_chain_files(enum creds_source kept)
{
    unsigned mask = 0;
    for (enum creds_source s = CREDS_SOURCE_ENVIRONMENT; s <= kept && s < CREDS_SOURCE_NONE; s++)
        mask |= sources[s].files;
    return mask;
}
