#include "api/creds_ini.h"
#include "api/creds_names.h"
#include "api/creds_resolve.h"
#include "api/creds_spec.h"
#include "base/secret.h"
#include <ini.h>
#include <stdio.h>
#include <string.h>

/* What the library would cut without a word: its buffers are 200 bytes for a line and 50 for a
 * name or a section, in the builds that the distributions ship. */
#define LINE_MAX_BYTES 190
#define NAME_MAX_BYTES 48

struct reading {
    const char *rest; /* text not yet handed to the library */
    unsigned line;
    unsigned too_long; /* the first such line, or 0 */
    const char *wanted;
    bool seen;
    char last[NAME_MAX_BYTES + 2]; /* the section of the last line, for the list of names */
    struct creds_names known;
    char type[64];
    struct creds_spec *spec;
    struct err *err;
    bool failed;
};

/* The library's fgets. Its line buffer lies on its own stack: wiped at the end of the text, when
 * the last line has been dealt with. */
static char *next_line(char *line, int room, void *arg)
{
    struct reading *r = arg;
    if (!*r->rest) {
        secret_wipe(line, (size_t)room);
        return NULL;
    }
    size_t n = strcspn(r->rest, "\n"), kept = n;
    r->line++;
    if (n > LINE_MAX_BYTES || n + 2 > (size_t)room) {
        /* A long comment does no harm. */
        bool comment = strchr("#;\r\n", r->rest[strspn(r->rest, " \t")]) != NULL;
        if (!comment && !r->too_long)
            r->too_long = r->line;
        kept = 0;
    }
    memcpy(line, r->rest, kept);
    line[kept] = '\n';
    line[kept + 1] = '\0';
    r->rest += n + (r->rest[n] == '\n');
    return line;
}

/* `#` begins a comment where a blank stands before it. The library has cut at ` ;` already. */
static void cut_comment(char *value)
{
    for (char *p = value; *p; p++)
        if (*p == '#' && (p == value || p[-1] == ' ' || p[-1] == '\t')) {
            *p = '\0';
            break;
        }
    size_t n = strlen(value);
    while (n && (value[n - 1] == ' ' || value[n - 1] == '\t' || value[n - 1] == '\r'))
        value[--n] = '\0';
}

static int take_value(struct reading *r, const char *name, char *value)
{
    cut_comment(value);
    if (strcmp(name, "type") == 0) {
        snprintf(r->type, sizeof r->type, "%s", value);
        return 0;
    }
    return creds_spec_ini_line(r->spec, name, value, r->err);
}

/* Returns 1 to go on, as the library has it. */
static int on_line(void *arg, const char *section, const char *name, const char *value)
{
    struct reading *r = arg;
    if (strlen(section) > NAME_MAX_BYTES || strlen(name) > NAME_MAX_BYTES) {
        r->too_long = r->too_long ? r->too_long : r->line;
        return 1;
    }
    if (strcmp(section, r->last) != 0) {
        snprintf(r->last, sizeof r->last, "%s", section);
        creds_names_add(&r->known, section);
    }
    if (r->failed || strcmp(section, r->wanted) != 0)
        return 1;
    r->seen = true;
    char copy[LINE_MAX_BYTES + 2];
    snprintf(copy, sizeof copy, "%s", value ? value : "");
    r->failed = take_value(r, name, copy) < 0;
    secret_wipe(copy, sizeof copy);
    return 1;
}

enum creds_found creds_ini_parse(const char *text, const char *name, struct creds_spec *out,
                                 struct err *err)
{
    struct reading r = {.rest = text, .wanted = name, .spec = out, .err = err};
    int bad_line = ini_parse_stream(next_line, &r, on_line, &r);
    if (r.failed)
        return CREDS_BROKEN;
    if (r.too_long) {
        err_set(err,
                "line %u is too long (%d bytes at most, names %d; a value may go on in lines "
                "that begin with a blank)",
                r.too_long, LINE_MAX_BYTES, NAME_MAX_BYTES);
        return CREDS_BROKEN;
    }
    if (bad_line) {
        err_set(err, "line %d is neither [section] nor name = value", bad_line);
        return CREDS_BROKEN;
    }
    if (!r.seen) {
        err_set(err, "no section %.60s (there are: %s)", name, creds_names_text(&r.known));
        return CREDS_ABSENT;
    }
    if (creds_spec_ini_end(out, r.type[0] ? r.type : NULL, err) < 0) {
        err_prefix(err, "section %.60s", name);
        return CREDS_BROKEN;
    }
    return CREDS_FOUND;
}

static enum creds_found from_text(struct creds_ctx *ctx, const char *shown, const char *text,
                                  struct creds_keys **out, struct err *err)
{
    CLEANUP_SPEC struct creds_spec spec = {0};
    const char *asked = creds_ctx_profile(ctx), *name = asked ? asked : "default";
    enum creds_found found = creds_ini_parse(text, name, &spec, err);
    if (found != CREDS_FOUND)
        return found;
    char source[400], label[CREDS_LABEL_MAX];
    creds_spec_label(&spec, label);
    snprintf(source, sizeof source, "%.160s profile %.60s (%s)", shown, name, label);
    *out = creds_resolve(ctx, &spec, NULL, source, err);
    if (!*out)
        err_prefix(err, "section %.60s", name);
    return *out ? CREDS_FOUND : CREDS_BROKEN;
}

static enum creds_found from_file(struct creds_ctx *ctx, enum creds_file which,
                                  struct creds_keys **out, struct err *err)
{
    CLEANUP_BUF struct buf text = BUF_SECRET_INIT(CREDS_FILE_MAX);
    const char *shown = ctx->files.at[which].shown;
    int rc = creds_files_read(&ctx->files, which, &text, err);
    enum creds_found found = rc < 0 ? CREDS_BROKEN : CREDS_ABSENT;
    if (rc > 0)
        found = from_text(ctx, shown, buf_str(&text), out, err);
    if (found != CREDS_FOUND)
        err_prefix(err, "%.160s", shown ? shown : "ini file");
    return found;
}

enum creds_found creds_ini_file(struct creds_ctx *ctx, struct creds_keys **out, struct err *err)
{
    struct err first = {0}, second = {0};
    enum creds_found a = from_file(ctx, CREDS_FILE_INI, out, &first);
    if (a == CREDS_FOUND)
        return a;
    if (!ctx->files.at[CREDS_FILE_INI_ALT].path) {
        err_set(err, "%s", first.text);
        return a;
    }
    enum creds_found b = from_file(ctx, CREDS_FILE_INI_ALT, out, &second);
    if (b == CREDS_FOUND)
        return b;
    err_set(err, "%.300s; %.300s", first.text, second.text);
    return a == CREDS_BROKEN || b == CREDS_BROKEN ? CREDS_BROKEN : CREDS_ABSENT;
}
