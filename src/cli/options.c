#include "cli/options.h"
#include "base/typo.h"
#include "cli/option_value.h"
#include "cli/path.h"
#include <assert.h>
#include <string.h>

#define SECOND  UINT64_C(1000)
#define MINUTE  (60 * SECOND)
#define HOUR    (60 * MINUTE)
#define DAY     (24 * HOUR)
#define MEGA    (UINT64_C(1) << 20)
#define AT(f)   offsetof(struct options, f)
#define NO_UID  UINT64_C(0xffffffff) /* (uid_t)-1 means "nobody in particular" to the kernel */
#define MAXPATH 4095

static const struct option_row table[] = {
    {.name = "profile",
     .kind = OPTION_TEXT,
     .offset = AT(profile),
     .def_words = "$ALIBABA_CLOUD_PROFILE",
     .min = 1,
     .max = 255,
     .arg = "NAME",
     .help = "credentials profile"},
    {.name = "ttl",
     .kind = OPTION_DURATION,
     .offset = AT(ttl_ms),
     .def = "10s",
     .max = 7 * DAY,
     .arg = "TIME",
     .help = "age from which a read of an unfinished job asks the service again"},
    {.name = "patience",
     .kind = OPTION_DURATION,
     .offset = AT(patience_ms),
     .def = "1s",
     .max = 10 * MINUTE,
     .arg = "TIME",
     .help = "how long such a read waits for the newer answer before it gets the older content"},
    {.name = "ttl_missing",
     .kind = OPTION_DURATION,
     .offset = AT(ttl_missing_ms),
     .def = "30s",
     .max = 7 * DAY,
     .arg = "TIME",
     .help = "how long it is remembered that the service knows no such job"},
    {.name = "refresh",
     .kind = OPTION_DURATION,
     .offset = AT(refresh_ms),
     .def = "5s",
     .min = SECOND / 10,
     .max = DAY,
     .arg = "TIME",
     .help = "pace of the refresh of unfinished jobs"},
    {.name = "discover",
     .kind = OPTION_DURATION,
     .offset = AT(discover_ms),
     .def = "24h",
     .min = MINUTE,
     .max = 365 * DAY,
     .word = "off",
     .word_value = OPTIONS_DISCOVER_OFF,
     .arg = "TIME",
     .help = "list the jobs created within this window"},
    {.name = "qps",
     .kind = OPTION_COUNT,
     .offset = AT(qps),
     .def = "10",
     .min = 1,
     .max = 100000,
     .arg = "N",
     .help = "most API calls a second, all causes together"},
    {.name = "timeout",
     .kind = OPTION_DURATION,
     .offset = AT(timeout_ms),
     .def = "10s",
     .min = SECOND / 10,
     .max = 10 * MINUTE,
     .arg = "TIME",
     .help = "the longest that any file operation may wait"},
    {.name = "keep",
     .kind = OPTION_DURATION,
     .offset = AT(keep_ms),
     .def = "forever",
     .min = SECOND,
     .max = 36500 * DAY,
     .word = "forever",
     .word_value = OPTIONS_KEEP_FOREVER,
     .arg = "TIME",
     .help = "forget finished jobs that nobody has read for this long"},
    {.name = "cache_size",
     .kind = OPTION_SIZE,
     .offset = AT(cache_size),
     .def = "64M",
     .min = MEGA,
     .max = MEGA << 20,
     .arg = "SIZE",
     .help = "memory for contents"},
    {.name = "state",
     .kind = OPTION_PATH,
     .offset = AT(state),
     .def_words = "$XDG_STATE_HOME/icejobfs; root: /var/lib/icejobfs",
     .min = 1,
     .max = MAXPATH,
     .word = "none",
     .arg = "DIR",
     .help = "where what is known is kept"},
    {.name = "no_notify",
     .kind = OPTION_FLAG,
     .offset = AT(no_notify),
     .help = "show changes without inotify events"},
    {.name = "fastcache",
     .kind = OPTION_FLAG,
     .offset = AT(fastcache),
     .help = "let the kernel open files by itself: root only, and a change may be seen in part"},
    {.name = "vpc",
     .kind = OPTION_FLAG,
     .offset = AT(vpc),
     .help = "use the region's endpoint inside the VPC"},
    {.name = "ca",
     .kind = OPTION_PATH,
     .offset = AT(ca),
     .def_words = "the system's",
     .min = 1,
     .max = MAXPATH,
     .arg = "FILE",
     .help = "certificates to trust, PEM"},
    {.name = "proxy",
     .kind = OPTION_TEXT,
     .offset = AT(proxy),
     .def_words = "as $https_proxy says",
     .max = 1023,
     .arg = "URL",
     .help = "proxy for all calls; empty for none"},
    {.name = "uid",
     .kind = OPTION_UID,
     .offset = AT(uid),
     .def_words = "the caller's",
     .max = NO_UID - 1,
     .arg = "USER",
     .help = "owner of the files"},
    {.name = "gid",
     .kind = OPTION_GID,
     .offset = AT(gid),
     .def_words = "the caller's",
     .max = NO_UID - 1,
     .arg = "GROUP",
     .help = "group of the files"},
    {.name = "umask",
     .kind = OPTION_MODE,
     .offset = AT(umask),
     .def = "0222",
     .max = 0777,
     .arg = "MODE",
     .help = "permission bits that the files and directories do not have"},
    {.name = "allow_other",
     .kind = OPTION_FLAG,
     .offset = AT(allow_other),
     .help = "let other users see the mount, within its permissions"},
    {.name = "insecure_http",
     .kind = OPTION_FLAG,
     .offset = AT(insecure_http),
     .help = "accept an http:// SOURCE that is not on this machine"},
    {.name = "config",
     .kind = OPTION_PATH,
     .offset = AT(config),
     .def_words = "$XDG_CONFIG_HOME/icejobfs.conf; root: /etc/icejobfs.conf",
     .min = 1,
     .max = MAXPATH,
     .word = "none",
     .arg = "FILE",
     .help = "configuration file; command line only"},
};

static_assert(ARRAY_LEN(table) <= OPTIONS_MAX, "struct options.origin has room for every row");

const struct option_row *options_table(size_t *n)
{
    *n = ARRAY_LEN(table);
    return table;
}

const struct option_row *options_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

const char *options_nearest(const char *name)
{
    const char *known[ARRAY_LEN(table)];
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        known[i] = table[i].name;
    return typo_nearest(name, known, ARRAY_LEN(known));
}

static void *slot_of(struct options *o, const struct option_row *row)
{
    return (char *)o + row->offset;
}

int options_set(struct options *o, const char *name, const char *value, enum option_origin origin,
                const char *cwd, struct err *err)
{
    const struct option_row *row = options_find(name);
    if (!row) {
        const char *near = options_nearest(name);
        return near ? err_set(err, "unknown option '%s': did you mean '%s'?", name, near)
                    : err_set(err, "unknown option '%s'", name);
    }
    size_t i = (size_t)(row - table);
    if (origin >= o->origin[i]) {
        if (option_value_read(row, value, cwd, slot_of(o, row), err) < 0)
            return -1;
        o->origin[i] = (unsigned char)origin;
        return 0;
    }
    struct options unused = {0};
    int rc = option_value_read(row, value, cwd, slot_of(&unused, row), err);
    options_free(&unused);
    return rc;
}

static int set_path(char **slot, const char *dir, const char *name, struct err *err)
{
    *slot = path_join(dir, name);
    return *slot ? 0 : err_set(err, "options: out of memory");
}

/* A directory of the XDG base directory specification, whose relative values count as unset. */
static int set_xdg(char **slot, const char *xdg, const char *home, const char *below,
                   const char *name, struct err *err)
{
    if (xdg && *xdg == '/')
        return set_path(slot, xdg, name, err);
    if (!home || *home != '/')
        return 0;
    CLEANUP_FREE char *dir = NULL;
    if (set_path(&dir, home, below, err) < 0)
        return -1;
    return set_path(slot, dir, name, err);
}

static int set_places(struct options *o, const struct options_env *env, struct err *err)
{
    if (env->uid == 0) {
        if (set_path(&o->state, "/var/lib", "icejobfs", err) < 0)
            return -1;
        return set_path(&o->config, "/etc", "icejobfs.conf", err);
    }
    if (set_xdg(&o->state, env->xdg_state_home, env->home, ".local/state", "icejobfs", err) < 0)
        return -1;
    return set_xdg(&o->config, env->xdg_config_home, env->home, ".config", "icejobfs.conf", err);
}

int options_init(struct options *o, const struct options_env *env, struct err *err)
{
    memset(o, 0, sizeof *o);
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (table[i].def &&
            option_value_read(&table[i], table[i].def, NULL, slot_of(o, &table[i]), err) < 0)
            return -1;
    o->uid = env->uid;
    o->gid = env->gid;
    return set_places(o, env, err);
}

void options_free(struct options *o)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (table[i].kind == OPTION_TEXT || table[i].kind == OPTION_PATH)
            free(*(char **)slot_of(o, &table[i]));
    free(o->source);
    free(o->mountpoint);
    memset(o, 0, sizeof *o);
}

void options_settle(struct options *o)
{
    if (o->patience_ms > o->timeout_ms)
        o->patience_ms = o->timeout_ms;
}
