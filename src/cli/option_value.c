#include "cli/option_value.h"
#include "base/num.h"
#include "cli/options.h"
#include "cli/path.h"
#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The largest unit that divides the value, so that 604800000 reads 7d. */
static int format_duration(uint64_t ms, char *out, size_t n)
{
    static const struct {
        uint64_t ms;
        const char *unit;
    } units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "m"}, {1000, "s"}};
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (ms && ms % units[i].ms == 0)
            return snprintf(out, n, "%" PRIu64 "%s", ms / units[i].ms, units[i].unit);
    return ms ? snprintf(out, n, "%" PRIu64 "ms", ms) : snprintf(out, n, "0");
}

static int format_size(uint64_t bytes, char *out, size_t n)
{
    static const struct {
        unsigned shift;
        const char *unit;
    } units[] = {{40, "T"}, {30, "G"}, {20, "M"}, {10, "K"}};
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (bytes && bytes % (UINT64_C(1) << units[i].shift) == 0)
            return snprintf(out, n, "%" PRIu64 "%s", bytes >> units[i].shift, units[i].unit);
    return snprintf(out, n, "%" PRIu64, bytes);
}

static void format_limit(const struct option_row *row, uint64_t limit, char *out, size_t n)
{
    switch (row->kind) {
    case OPTION_DURATION:
        format_duration(limit, out, n);
        return;
    case OPTION_SIZE:
        format_size(limit, out, n);
        return;
    case OPTION_MODE:
        snprintf(out, n, "%04" PRIo64, limit);
        return;
    case OPTION_COUNT:
    case OPTION_UID:
    case OPTION_GID:
    case OPTION_TEXT:
    case OPTION_PATH:
    case OPTION_FLAG:
        snprintf(out, n, "%" PRIu64, limit);
    }
}

void option_value_range(const struct option_row *row, char out[OPTION_RANGE_MAX])
{
    char min[24];
    char max[24];
    out[0] = '\0';
    if (row->kind == OPTION_TEXT || row->kind == OPTION_PATH || row->kind == OPTION_FLAG ||
        row->kind == OPTION_UID || row->kind == OPTION_GID)
        return;
    format_limit(row, row->min, min, sizeof min);
    format_limit(row, row->max, max, sizeof max);
    snprintf(out, OPTION_RANGE_MAX, "%s to %s", min, max);
}

static const char *what_it_is(enum option_kind kind)
{
    switch (kind) {
    case OPTION_DURATION:
        return "a time such as 500ms, 10s, 5m, 24h or 7d";
    case OPTION_SIZE:
        return "a size such as 64M or 1G";
    case OPTION_COUNT:
        return "a whole number";
    case OPTION_FLAG:
        return "yes or no";
    case OPTION_TEXT:
        return "a text";
    case OPTION_PATH:
        return "a file name";
    case OPTION_MODE:
        return "an octal mode";
    case OPTION_UID:
        return "the name or number of a user";
    case OPTION_GID:
        return "the name or number of a group";
    }
    return "";
}

/* "ttl=99d: must be a time such as ... , 0 to 7d". Texts are not quoted: a proxy's URL may hold a
 * password. */
static int refuse(const struct option_row *row, const char *value, struct err *err)
{
    char range[OPTION_RANGE_MAX];
    bool quote = row->kind != OPTION_TEXT;
    option_value_range(row, range);
    return err_set(err, "option %s%s%s: must be %s%s%s%s%s", row->name, quote ? "=" : "",
                   quote ? value : "", what_it_is(row->kind), *range ? ", " : "", range,
                   row->word ? ", or " : "", row->word ? row->word : "");
}

static int read_flag(const char *value, bool *out)
{
    static const char *const yes[] = {"yes", "true", "on", "1"};
    static const char *const no[] = {"no", "false", "off", "0"};
    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        if (strcmp(value, yes[i]) != 0 && strcmp(value, no[i]) != 0)
            continue;
        *out = strcmp(value, yes[i]) == 0;
        return 0;
    }
    return -1;
}

/* Names longer than the buffer allows are nobody's. */
static int find_user(const char *name, uint64_t *id)
{
    struct passwd entry;
    struct passwd *found = NULL;
    char text[4096];
    if (getpwnam_r(name, &entry, text, sizeof text, &found) != 0 || !found)
        return -1;
    *id = found->pw_uid;
    return 0;
}

static int find_group(const char *name, uint64_t *id)
{
    struct group entry;
    struct group *found = NULL;
    char text[65536]; /* a group's entry lists its members */
    if (getgrnam_r(name, &entry, text, sizeof text, &found) != 0 || !found)
        return -1;
    *id = found->gr_gid;
    return 0;
}

static int read_number(const struct option_row *row, const char *value, uint64_t *out)
{
    int64_t ms;
    uint32_t mode;
    switch (row->kind) {
    case OPTION_DURATION:
        if (num_parse_duration(value, &ms) < 0)
            return -1;
        *out = (uint64_t)ms;
        return 0;
    case OPTION_SIZE:
        return num_parse_size(value, out);
    case OPTION_MODE:
        if (num_parse_mode(value, &mode) < 0)
            return -1;
        *out = mode;
        return 0;
    case OPTION_UID:
        return num_parse_u64(value, row->min, row->max, out) == 0 ? 0 : find_user(value, out);
    case OPTION_GID:
        return num_parse_u64(value, row->min, row->max, out) == 0 ? 0 : find_group(value, out);
    case OPTION_COUNT:
    case OPTION_FLAG:
    case OPTION_TEXT:
    case OPTION_PATH:
        break;
    }
    return num_parse_u64(value, row->min, row->max, out);
}

static void store_number(enum option_kind kind, uint64_t number, void *slot)
{
    if (kind == OPTION_DURATION)
        *(int64_t *)slot = (int64_t)number;
    else if (kind == OPTION_SIZE || kind == OPTION_COUNT)
        *(uint64_t *)slot = number;
    else
        *(uint32_t *)slot = (uint32_t)number;
}

static int take_number(const struct option_row *row, const char *value, void *slot, struct err *err)
{
    uint64_t number;
    if (row->word && strcmp(value, row->word) == 0)
        number = (uint64_t)row->word_value;
    else if (read_number(row, value, &number) < 0 || number < row->min || number > row->max)
        return refuse(row, value, err);
    store_number(row->kind, number, slot);
    return 0;
}

static int take_flag(const struct option_row *row, const char *value, bool *slot, struct err *err)
{
    bool flag = true;
    if (value && read_flag(value, &flag) < 0)
        return refuse(row, value, err);
    *slot = flag;
    return 0;
}

static int take_text(const struct option_row *row, const char *value, const char *cwd, char **slot,
                     struct err *err)
{
    bool word = row->word && strcmp(value, row->word) == 0;
    size_t len = strlen(value);
    if (len < row->min || len > row->max)
        return err_set(err, "option %s: must have %" PRIu64 " to %" PRIu64 " characters", row->name,
                       row->min, row->max);
    if (row->kind == OPTION_PATH && !word && *value != '/' && !cwd)
        return err_set(err, "option %s=%s: must be an absolute file name", row->name, value);
    char *text = NULL;
    if (!word) {
        text = row->kind == OPTION_PATH ? path_join(cwd ? cwd : "", value) : strdup(value);
        if (!text)
            return err_set(err, "option %s: %s", row->name, strerror(ENOMEM));
    }
    free(*slot);
    *slot = text;
    return 0;
}

int option_value_read(const struct option_row *row, const char *value, const char *cwd, void *slot,
                      struct err *err)
{
    if (row->kind == OPTION_FLAG)
        return take_flag(row, value, slot, err);
    if (!value)
        return err_set(err, "option %s: needs a value, %s=%s", row->name, row->name, row->arg);
    if (row->kind == OPTION_TEXT || row->kind == OPTION_PATH)
        return take_text(row, value, cwd, slot, err);
    return take_number(row, value, slot, err);
}
