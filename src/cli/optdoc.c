#include "cli/optdoc.h"
#include "cli/option_value.h"
#include "cli/options.h"
#include <string.h>

static const char help_head[] =
    "Usage: icejobfs [-f] [-d] [-o OPTION[=VALUE][,...]] SOURCE MOUNTPOINT\n"
    "       icejobfs wait [--timeout TIME] JOBDIR...\n"
    "       icejobfs doctor [-d] [-o ...] SOURCE\n"
    "       icejobfs --help | --version\n"
    "\n"
    "Shows the media producing jobs of Alibaba Cloud ICE as files: jobs/<JobId>/status, progress,\n"
    "media_url and so on, read-only. `wait` blocks until the jobs in directories of a mount have\n"
    "ended; exit status 0: all Success, 1: one Failed, 124: out of time. `doctor` checks FUSE,\n"
    "credentials, clock, endpoint and permissions, and says what to do.\n"
    "\n"
    "SOURCE is a region (cn-shanghai), an http(s)://host[:port] URL, or `demo` (a simulated\n"
    "service).\n"
    "\n"
    "  -f             stay in front, log to stderr\n"
    "  -d             log what is being done, too\n"
    "  -h, --help     show this\n"
    "  -V, --version  show the version\n"
    "  -o OPTION      one of these; they may stand in the configuration file as well\n"
    "\n";

static const char help_tail[] =
    "\n"
    "A time is a number with ms, s, m, h or d (alone: seconds). mount(8)'s own options (_netdev,\n"
    "nofail, x-*, dev, suid, ...) are accepted and ignored.\n"
    "To unmount: umount MOUNTPOINT, or fusermount3 -u MOUNTPOINT.\n";

/* "ttl=TIME", or the bare name of a flag. */
static int add_name(struct buf *out, const struct option_row *row)
{
    return row->arg ? buf_addf(out, "%s=%s", row->name, row->arg) : buf_adds(out, row->name);
}

static const char *default_of(const struct option_row *row)
{
    return row->def ? row->def : row->def_words ? row->def_words : "off";
}

/* "(default 10s; 0 to 7d, or off)" */
static int add_facts(struct buf *out, const struct option_row *row)
{
    char range[OPTION_RANGE_MAX];
    option_value_range(row, range);
    if (buf_addf(out, "default %s", default_of(row)) < 0)
        return -1;
    if (*range && buf_addf(out, "; %s", range) < 0)
        return -1;
    return row->word ? buf_addf(out, "%s %s", *range ? ", or" : "; or", row->word) : 0;
}

static int help_row(struct buf *out, const struct option_row *row)
{
    struct buf name = BUF_INIT(64);
    int rc = add_name(&name, row);
    if (rc == 0)
        rc = buf_addf(out, "  %-17s %s\n  %-17s (", buf_str(&name), row->help, "");
    buf_free(&name);
    if (rc < 0 || add_facts(out, row) < 0)
        return -1;
    return buf_adds(out, ")\n");
}

static int each_row(struct buf *out, int (*add)(struct buf *out, const struct option_row *row))
{
    size_t n;
    const struct option_row *rows = options_table(&n);
    for (size_t i = 0; i < n; i++)
        if (add(out, &rows[i]) < 0)
            return -1;
    return 0;
}

int optdoc_help(struct buf *out)
{
    if (buf_adds(out, help_head) < 0 || each_row(out, help_row) < 0)
        return -1;
    return buf_adds(out, help_tail);
}

/* Text of man(7): a backslash and a minus are themselves only when escaped; no row's text begins
 * with a dot or a quote. */
static int add_roff(struct buf *out, const char *text)
{
    for (; *text; text++) {
        const char *escape = *text == '\\' ? "\\e" : *text == '-' ? "\\-" : NULL;
        if ((escape ? buf_adds(out, escape) : buf_addc(out, *text)) < 0)
            return -1;
    }
    return 0;
}

static int man_row(struct buf *out, const struct option_row *row)
{
    struct buf facts = BUF_INIT(512);
    int rc = buf_addf(out, ".TP\n.B %s", row->name);
    if (rc == 0 && row->arg)
        rc = buf_addf(out, "\\fR=\\fI%s", row->arg);
    if (rc == 0)
        rc = buf_addc(out, '\n');
    if (rc == 0)
        rc = add_roff(out, row->help);
    if (rc == 0)
        rc = add_facts(&facts, row);
    if (rc == 0)
        rc = buf_adds(out, ".\n(");
    if (rc == 0)
        rc = add_roff(out, buf_str(&facts));
    buf_free(&facts);
    return rc == 0 ? buf_adds(out, ")\n") : -1;
}

int optdoc_man(struct buf *out)
{
    return each_row(out, man_row);
}

static int sample_row(struct buf *out, const struct option_row *row)
{
    if (strcmp(row->name, "config") == 0)
        return 0;
    if (buf_addf(out, "\n# %s\n# (", row->help) < 0 || add_facts(out, row) < 0)
        return -1;
    const char *value = row->def ? row->def : row->kind == OPTION_FLAG ? "no" : "";
    return buf_addf(out, ")\n#%s =%s%s\n", row->name, *value ? " " : "", value);
}

int optdoc_sample(struct buf *out)
{
    static const char head[] =
        "# icejobfs.conf: options of icejobfs(1), one `name = value` a line.\n"
        "#\n"
        "# Read from /etc/icejobfs.conf by root, by others from $XDG_CONFIG_HOME/icejobfs.conf or\n"
        "# ~/.config/icejobfs.conf. What stands here or under [default] holds for every SOURCE;\n"
        "# a section named like a SOURCE wins over that, and the command line over both:\n"
        "#\n"
        "#   [cn-shanghai]\n"
        "#   profile = studio\n";
    return buf_adds(out, head) < 0 ? -1 : each_row(out, sample_row);
}

int optdoc_names(struct buf *out)
{
    size_t n;
    const struct option_row *rows = options_table(&n);
    for (size_t i = 0; i < n; i++)
        if (buf_addf(out, "%s%s%s", i ? " " : "", rows[i].name, rows[i].arg ? "=" : "") < 0)
            return -1;
    return 0;
}
