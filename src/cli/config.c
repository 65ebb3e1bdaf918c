#include "cli/config.h"
#include "cli/options.h"
#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <string.h>

/* inih reads lines of at most 199 bytes and takes the rest of a longer one for the next line, cuts
 * a section's name at 49 bytes or at its first ']' (of [https://[::1]:8443]), and takes an indented
 * line for more of the value before it. So the lines go through next_line first. */
#define LINE_ROOM 198

struct reader {
    struct options *o;
    FILE *file;
    const char *name;
    unsigned line;
    enum option_origin origin; /* what the section in force counts as */
    bool other;                /* it is another SOURCE's */
    bool failed;
    struct err *err;
};

static int fail(struct reader *r, const char *why)
{
    r->failed = true;
    return err_set(r->err, "%s:%u: %s", r->name, r->line, why);
}

/* The ']' that ends a section's name: a line's end or a blank (and a comment) follows it. */
static char *section_end(char *line)
{
    for (char *c = strchr(line, ']'); c; c = strchr(c + 1, ']'))
        if (c[1] == '\0' || isspace((unsigned char)c[1]))
            return c;
    return NULL;
}

/* Note which section begins with this line. */
static void enter_section(struct reader *r, char *line)
{
    char *end = *line == '[' ? section_end(line) : NULL;
    if (!end)
        return;
    *end = '\0';
    r->other = false;
    if (strcmp(line + 1, "default") == 0)
        r->origin = OPTION_FROM_FILE;
    else if (r->o->source && strcmp(line + 1, r->o->source) == 0)
        r->origin = OPTION_FROM_FILE_SOURCE;
    else
        r->other = true;
    *end = ']';
}

/* Where a line's text begins: behind blanks and a byte order mark. */
static const char *text_of(const struct reader *r, const char *line)
{
    if (r->line == 1 && strncmp(line, "\xEF\xBB\xBF", 3) == 0)
        line += 3;
    while (isblank((unsigned char)*line))
        line++;
    return line;
}

/* For ini_parse_stream: as fgets. */
static char *next_line(char *out, int n, void *arg)
{
    struct reader *r = arg;
    char line[LINE_ROOM];
    size_t room = (size_t)n < sizeof line ? (size_t)n : sizeof line;
    if (r->failed || !fgets(line, (int)room, r->file))
        return NULL;
    r->line++;
    size_t len = strlen(line);
    if (len == room - 1 && line[len - 1] != '\n') {
        fail(r, "the line is too long");
        return NULL;
    }
    const char *text = text_of(r, line);
    memcpy(out, text, strlen(text) + 1);
    enter_section(r, out);
    return out;
}

static int set_option(struct reader *r, const char *name, const char *value)
{
    struct err why = {""};
    if (strcmp(name, "config") == 0)
        return fail(r, "option config: only on the command line");
    if (r->other && options_find(name))
        return 0;
    if (options_set(r->o, name, value, r->origin, NULL, &why) < 0)
        return fail(r, why.text);
    return 0;
}

/* For ini_parse_stream: nonzero to go on. */
static int take_pair(void *arg, const char *section, const char *name, const char *value)
{
    (void)section;
    struct reader *r = arg;
    return !r->failed && set_option(r, name, value) == 0;
}

int config_read(struct options *o, FILE *file, const char *name, struct err *err)
{
    struct reader r = {.o = o, .file = file, .name = name, .origin = OPTION_FROM_FILE, .err = err};
    int line = ini_parse_stream(next_line, &r, take_pair, &r);
    if (r.failed)
        return -1;
    if (ferror(file))
        return err_set(err, "%s: %s", name, strerror(errno));
    if (line > 0)
        return err_set(err, "%s:%d: is neither a section nor NAME = VALUE", name, line);
    return line < 0 ? err_set(err, "%s: out of memory", name) : 0;
}

int config_apply(struct options *o, struct err *err)
{
    if (!o->config)
        return 0;
    const struct option_row *row = options_find("config");
    size_t n;
    bool asked_for = o->origin[row - options_table(&n)] == OPTION_FROM_COMMAND;
    FILE *file = fopen(o->config, "re");
    if (!file && errno == ENOENT && !asked_for)
        return 0;
    if (!file)
        return err_set(err, "configuration file %s: %s", o->config, strerror(errno));
    int rc = config_read(o, file, o->config, err);
    fclose(file);
    return rc;
}
