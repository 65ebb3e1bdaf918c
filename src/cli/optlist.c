#include "cli/optlist.h"
#include "cli/options.h"
#include <stdlib.h>
#include <string.h>

/* Options of mount(8), fstab and systemd, and of FUSE where we do so anyway. */
static const char *const ignored[] = {
    "_netdev",     "async",    "atime",      "auto",          "default_permissions",
    "defaults",    "dev",      "diratime",   "dirsync",       "exec",
    "group",       "iversion", "lazytime",   "loud",          "mand",
    "noatime",     "noauto",   "nodev",      "nodiratime",    "noexec",
    "nofail",      "nogroup",  "noiversion", "nolazytime",    "nomand",
    "nonempty",    "noowner",  "norelatime", "nostrictatime", "nosuid",
    "nosymfollow", "nouser",   "nousers",    "owner",         "relatime",
    "ro",          "rw",       "silent",     "strictatime",   "suid",
    "symfollow",   "sync",     "user",       "users",
};

bool optlist_ignored(const char *name)
{
    if (strncmp(name, "x-", 2) == 0 || strncmp(name, "X-", 2) == 0 || strcmp(name, "comment") == 0)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(ignored); i++)
        if (strcmp(ignored[i], name) == 0)
            return true;
    return false;
}

/* Copy one item without its escapes to `out`; returns where the next begins. */
static const char *take_item(const char *list, char *out)
{
    while (*list && *list != ',') {
        if (*list == '\\' && (list[1] == ',' || list[1] == '\\'))
            list++;
        *out++ = *list++;
    }
    *out = '\0';
    return *list ? list + 1 : list;
}

static int apply_item(struct options *o, char *item, const char *cwd, bool sloppy, struct err *err)
{
    char *value = strchr(item, '=');
    if (value)
        *value++ = '\0';
    if (!options_find(item) && (sloppy || optlist_ignored(item)))
        return 0;
    return options_set(o, item, value, OPTION_FROM_COMMAND, cwd, err);
}

int optlist_apply(struct options *o, const char *list, const char *cwd, bool sloppy,
                  struct err *err)
{
    CLEANUP_FREE char *item = malloc(strlen(list) + 1);
    if (!item)
        return err_set(err, "options: out of memory");
    while (*list) {
        list = take_item(list, item);
        if (*item && apply_item(o, item, cwd, sloppy, err) < 0)
            return -1;
    }
    return 0;
}
