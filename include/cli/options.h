/* The options: ONE table. Parser, configuration file, help, man page, completion and sample
 * configuration are all made from it, so a row added here appears everywhere.
 *
 * A value comes from the place that ranks highest: command line, then the [SOURCE] section of the
 * configuration file, then its top level or [default], then the table. Within one place the last
 * one wins. */
#ifndef ICE_CLI_OPTIONS_H
#define ICE_CLI_OPTIONS_H

#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum options_command {
    OPTIONS_MOUNT,
    OPTIONS_DOCTOR,
    OPTIONS_HELP,
    OPTIONS_VERSION,
    OPTIONS_FAKE, /* mount(8) -f: check the words, mount nothing */
};

enum option_origin {
    OPTION_FROM_TABLE,
    OPTION_FROM_FILE,        /* top level or [default] */
    OPTION_FROM_FILE_SOURCE, /* the section named like SOURCE */
    OPTION_FROM_COMMAND,
};

#define OPTIONS_MAX 32 /* rows that the table may have */

/* Durations that stand for a word. */
#define OPTIONS_DISCOVER_OFF 0
#define OPTIONS_KEEP_FOREVER INT64_MAX

/* Everything that the user can say. Texts belong to the struct; NULL where nothing was given. */
struct options {
    enum options_command command;
    bool foreground; /* -f */
    unsigned debug;  /* -d; twice: libfuse's own lines too */
    char *source;
    char *mountpoint; /* NULL for doctor */

    char *profile;
    int64_t ttl_ms;
    int64_t patience_ms; /* never more than timeout_ms */
    int64_t ttl_missing_ms;
    int64_t refresh_ms;
    int64_t discover_ms; /* OPTIONS_DISCOVER_OFF */
    uint64_t qps;
    int64_t timeout_ms;
    int64_t keep_ms; /* OPTIONS_KEEP_FOREVER */
    uint64_t cache_size;
    char *state; /* absolute; NULL: keep nothing on disk */
    bool no_notify;
    bool fastcache;
    bool vpc;
    char *ca;    /* absolute, or NULL: the system's */
    char *proxy; /* "": none; NULL: as the environment says */
    uint32_t uid;
    uint32_t gid;
    uint32_t umask;
    bool allow_other;
    bool insecure_http;
    char *config; /* absolute; NULL: none is read */

    unsigned char origin[OPTIONS_MAX]; /* enum option_origin of each row */
};

/* What the defaults depend on. All borrowed; NULL where the system has none. */
struct options_env {
    uint32_t uid;
    uint32_t gid;
    const char *home;
    const char *xdg_config_home;
    const char *xdg_state_home;
    const char *cwd; /* file names on the command line are relative to it */
};

enum option_kind {
    OPTION_DURATION, /* int64_t, milliseconds */
    OPTION_SIZE,     /* uint64_t, bytes */
    OPTION_COUNT,    /* uint64_t */
    OPTION_FLAG,     /* bool */
    OPTION_TEXT,     /* char * */
    OPTION_PATH,     /* char *, made absolute */
    OPTION_MODE,     /* uint32_t */
    OPTION_UID,      /* uint32_t; a name or a number */
    OPTION_GID,
};

struct option_row {
    const char *name;
    enum option_kind kind;
    size_t offset;         /* in struct options */
    const char *def;       /* read like any value; NULL: none, or known only when it runs */
    const char *def_words; /* what documents say where `def` is NULL; NULL there too: no default */
    uint64_t min;          /* of the value; of the length for texts */
    uint64_t max;
    const char *word; /* a word taken instead of a value: "off", "forever", "none"; or NULL */
    int64_t word_value;
    const char *arg;  /* what help calls the value */
    const char *help; /* one line, no full stop */
};

/* All rows, in the order that documents show. */
const struct option_row *options_table(size_t *n);

/* The row of that name, or NULL. */
const struct option_row *options_find(const char *name);

/* The known name nearest to a mistyped one, or NULL where none is near. */
const char *options_nearest(const char *name);

/* Zero `o` and fill in the table's defaults and those that depend on `env`. 0, or -1 (no memory);
 * options_free afterwards in both cases. */
int options_init(struct options *o, const struct options_env *env, struct err *err);
void options_free(struct options *o);

/* Set an option from its text; `value` NULL means that the bare name was given. Does nothing (and
 * still checks the value) if it was set from a place that ranks higher. `cwd` NULL: file names must
 * be absolute. 0, or -1 with `err` quoting the value and giving the range. */
int options_set(struct options *o, const char *name, const char *value, enum option_origin origin,
                const char *cwd, struct err *err);

/* Once all places have been read: bring values into line with each other. */
void options_settle(struct options *o);

#endif
