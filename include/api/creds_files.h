/* Private to credentials: the configuration files, read with a ceiling and watched by stat(2). */
#ifndef ICE_API_CREDS_FILES_H
#define ICE_API_CREDS_FILES_H

#include "base/buf.h"
#include "base/err.h"
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CREDS_FILE_MAX ((size_t)1 << 20)

enum creds_file {
    CREDS_FILE_CLI,     /* ~/.aliyun/config.json */
    CREDS_FILE_INI,     /* ~/.alibabacloud/credentials */
    CREDS_FILE_INI_ALT, /* ~/.alibabacloud/credentials.ini */
    CREDS_FILE_COUNT,
};

/* What identifies one version of a file. All zero: there is none. */
struct creds_stamp {
    dev_t dev;
    ino_t ino;
    off_t size;
    int64_t mtime_ns;
    int64_t ctime_ns;
};

struct creds_files {
    struct {
        char *path;  /* NULL: no such file in this set-up */
        char *shown; /* for people: the home directory as ~ */
        struct creds_stamp stamp;
        bool warned;
    } at[CREDS_FILE_COUNT];
};

/* `cli`, `ini`: paths named by the user, or NULL for those under `home` (which may be NULL too).
 * 0 or -1; free in either case. */
int creds_files_init(struct creds_files *f, const char *home, const char *cli, const char *ini,
                     struct err *err);
void creds_files_free(struct creds_files *f);

/* Remember the versions that are there now; call it before reading them, so that no change goes
 * unseen. */
void creds_files_note(struct creds_files *f);

/* Has a file whose bit (1u << which) is in `mask` another version than was noted? */
bool creds_files_changed(const struct creds_files *f, unsigned mask);

/* Read one of them. 1; 0: there is no such file (`err` says so); -1. Warns in the log, once, when
 * others may read it. The caller wipes `out`. */
int creds_files_read(struct creds_files *f, enum creds_file which, struct buf *out,
                     struct err *err);

/* Read any regular file of text (no NUL) up to the ceiling of `out`. The same results; `mode`, when
 * not NULL, gets its permissions. `err` does not name the file. */
int creds_file_slurp(const char *path, struct buf *out, mode_t *mode, struct err *err);

#endif
