#include "api/creds_cli_file.h"
#include "api/creds_json.h"
#include "api/creds_keys.h"
#include "api/creds_names.h"
#include "api/creds_resolve.h"
#include "api/creds_spec.h"
#include <stdio.h>
#include <string.h>

/* The profiles on the way to keys: each one's source is the next. On the stack, innermost first. */
struct link {
    const struct link *outer;
    const char *name;
    unsigned depth;
};

static const char *name_of(const struct creds_json *profile)
{
    const char *name = NULL;
    return creds_json_text(profile, "name", &name, NULL) == 0 && name ? name : "";
}

static const struct creds_json *find(const struct creds_json *doc, const char *name,
                                     struct creds_names *known)
{
    const struct creds_json *profiles = creds_json_array(doc, "profiles");
    const struct creds_json *p = profiles ? creds_json_first(profiles) : NULL;
    for (; p; p = creds_json_next(p)) {
        if (strcmp(name_of(p), name) == 0)
            return p;
        creds_names_add(known, name_of(p));
    }
    return NULL;
}

static int check_link(const struct link *l, struct err *err)
{
    for (const struct link *o = l->outer; o; o = o->outer)
        if (strcmp(o->name, l->name) == 0)
            return err_set(err, "profile %.60s is its own source_profile, in a loop", l->name);
    if (l->depth > CREDS_CLI_DEPTH_MAX)
        return err_set(err, "more than %d profiles in a row by source_profile",
                       CREDS_CLI_DEPTH_MAX);
    return 0;
}

static struct creds_keys *keys_of(struct creds_ctx *ctx, const struct creds_json *doc,
                                  const struct creds_json *profile, const struct link *link,
                                  struct err *err);

static struct creds_keys *keys_of_source(struct creds_ctx *ctx, const struct creds_json *doc,
                                         const char *name, const struct link *outer,
                                         struct err *err)
{
    struct link link = {.outer = outer, .name = name, .depth = outer->depth + 1};
    if (check_link(&link, err) < 0)
        return NULL;
    struct creds_names known = {0};
    const struct creds_json *profile = find(doc, name, &known);
    if (!profile) {
        err_set(err, "source_profile %.60s does not exist (there are: %s)", name,
                creds_names_text(&known));
        return NULL;
    }
    struct creds_keys *keys = keys_of(ctx, doc, profile, &link, err);
    if (!keys)
        err_prefix(err, "source_profile %.60s", name);
    return keys;
}

static struct creds_keys *keys_of(struct creds_ctx *ctx, const struct creds_json *doc,
                                  const struct creds_json *profile, const struct link *link,
                                  struct err *err)
{
    CLEANUP_SPEC struct creds_spec spec = {0};
    CLEANUP_KEYS struct creds_keys *base = NULL;
    if (creds_spec_from_json(&spec, profile, err) < 0)
        return NULL;
    if (spec.mode == CREDS_MODE_CHAINABLE) {
        base = keys_of_source(ctx, doc, spec.source_profile, link, err);
        if (!base)
            return NULL;
    }
    char source[400], label[CREDS_LABEL_MAX];
    creds_spec_label(&spec, label);
    snprintf(source, sizeof source, "%.160s profile %.60s (%s)",
             ctx->files.at[CREDS_FILE_CLI].shown, link->name, label);
    return creds_resolve(ctx, &spec, base, source, err);
}

static enum creds_found from_document(struct creds_ctx *ctx, const struct creds_json *doc,
                                      struct creds_keys **out, struct err *err)
{
    const char *asked = creds_ctx_profile(ctx), *name = asked;
    if (!name && creds_json_text(doc, "current", &name, err) < 0)
        return CREDS_BROKEN;
    if (!name)
        name = "default";
    struct creds_names known = {0};
    const struct creds_json *profile = find(doc, name, &known);
    if (!profile) {
        err_set(err, "no profile %.60s (there are: %s)", name, creds_names_text(&known));
        return CREDS_ABSENT;
    }
    struct link link = {.name = name, .depth = 1};
    *out = keys_of(ctx, doc, profile, &link, err);
    if (!*out)
        err_prefix(err, "profile %.60s", name);
    return *out ? CREDS_FOUND : CREDS_BROKEN;
}

static enum creds_found from_file(struct creds_ctx *ctx, struct creds_keys **out, struct err *err)
{
    CLEANUP_BUF struct buf text = BUF_SECRET_INIT(CREDS_FILE_MAX);
    int rc = creds_files_read(&ctx->files, CREDS_FILE_CLI, &text, err);
    if (rc <= 0)
        return rc < 0 ? CREDS_BROKEN : CREDS_ABSENT;
    CLEANUP_JSON struct creds_json *doc = creds_json_parse(buf_str(&text), text.len, err);
    if (!doc)
        return CREDS_BROKEN;
    return from_document(ctx, doc, out, err);
}

enum creds_found creds_cli_file(struct creds_ctx *ctx, struct creds_keys **out, struct err *err)
{
    if (creds_ctx_flag(ctx, "ALIBABA_CLOUD_CLI_PROFILE_DISABLED")) {
        err_set(err, "CLI file: switched off by ALIBABA_CLOUD_CLI_PROFILE_DISABLED");
        return CREDS_ABSENT;
    }
    enum creds_found found = from_file(ctx, out, err);
    const char *shown = ctx->files.at[CREDS_FILE_CLI].shown;
    if (found != CREDS_FOUND)
        err_prefix(err, "%.160s", shown ? shown : "CLI file");
    return found;
}
