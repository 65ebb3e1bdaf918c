#include "cache/store.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "cache/store_private.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MODE 0600

/* ---- the files ---- */

/* SQLite refuses a path with symbolic links anywhere; only the file's own name must not be one. */
static char *real_path(const char *path, const struct store_fault *f)
{
    char dir[PATH_MAX], *whole = NULL;
    const char *slash = strrchr(path, '/');
    if (!slash || (size_t)(slash - path) >= sizeof dir - 1) {
        store_fault(f, STORE_IO, "%s is no absolute path of a database", path);
        return NULL;
    }
    snprintf(dir, sizeof dir, "%.*s", slash == path ? 1 : (int)(slash - path), path);
    CLEANUP_FREE char *real = realpath(dir, NULL);
    if (!real) {
        store_fault(f, errno == ENOMEM ? STORE_NOMEM : STORE_IO, "cannot open the directory %s: %s",
                    dir, strerror(errno));
        return NULL;
    }
    size_t size = strlen(real) + strlen(slash) + 1;
    if ((whole = malloc(size)) == NULL)
        store_fault(f, STORE_NOMEM, "no memory for the store");
    else
        snprintf(whole, size, "%s%s", slash == path ? "" : real, slash);
    return whole;
}

/* Of one file: for its owner alone. SQLite makes -wal and -shm like the database. */
static void tighten(const char *path, const char *suffix)
{
    char name[PATH_MAX];
    struct stat st;
    if ((size_t)snprintf(name, sizeof name, "%s%s", path, suffix) >= sizeof name)
        return;
    /* Not opened: closing a file drops the locks that SQLite holds on it. */
    if (lstat(name, &st) < 0 || !S_ISREG(st.st_mode) || (st.st_mode & 077) == 0)
        return;
    if (fchmodat(AT_FDCWD, name, MODE, AT_SYMLINK_NOFOLLOW) < 0)
        log_warn("a file of the store is open to others file=%s error=%s", name, strerror(errno));
}

/* Make an empty file if there is none: SQLite would ask the umask. */
static int make_file(const char *path, const struct store_fault *f)
{
    CLEANUP_FD int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, MODE);
    if (fd >= 0) {
        if (fchmod(fd, MODE) == 0)
            return 0;
    } else if (errno == EEXIST) {
        return 0;
    }
    int why = errno;
    return store_fault(f, store_trouble_of(SQLITE_CANTOPEN, why), "cannot make %s: %s", path,
                       strerror(why));
}

/* Whether there is something in the log that the database itself lacks. */
static bool has_log(const char *path)
{
    char name[PATH_MAX];
    struct stat st;
    if ((size_t)snprintf(name, sizeof name, "%s-wal", path) >= sizeof name)
        return true;
    return stat(name, &st) == 0 ? st.st_size > 0 : errno != ENOENT;
}

/* ---- for reading ---- */

static int look(struct store *s, struct store_db *d, int64_t *version, const struct store_fault *f)
{
    if (store_db_open(d, s, SQLITE_OPEN_READONLY, STORE_READ_BUSY_MS, f) < 0)
        return -1;
    if (store_schema_check(d, version, f) == 0)
        return 0;
    store_db_close(d);
    return -1;
}

/* A directory that takes no -shm: the database alone is read, if it has all. */
static int look_immutable(struct store *s, int64_t *version, const struct store_fault *f)
{
    if (has_log(s->path))
        return err_prefix(f->err, "%s-wal cannot be read without writing", s->path);
    s->immutable = true;
    return look(s, &s->reading, version, f);
}

static int open_readonly(struct store *s, const struct store_fault *f)
{
    int64_t version = 0;
    s->writable = false;
    if (look(s, &s->reading, &version, f) < 0 &&
        (*f->why == STORE_CORRUPT || *f->why == STORE_NEWER || *f->why == STORE_NOMEM ||
         look_immutable(s, &version, f) < 0))
        return -1;
    if (version == STORE_VERSION)
        return 0;
    return store_fault_unwritable(s, f); /* nor can it be made, or brought to this version */
}

/* ---- for writing ---- */

/* In a log of its own, so that who reads and who writes are not in each other's way. Once in this
 * mode a database stays in it. */
static int settle(struct store_db *d, const struct store_fault *f)
{
    static const char how[] =
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
        "PRAGMA wal_autocheckpoint = 2000; PRAGMA journal_size_limit = 16777216;"
        "PRAGMA cache_size = -4096; PRAGMA temp_store = MEMORY";
    int64_t start_ms = clock_mono_ms();
    while (store_exec(d, how) < 0) {
        /* SQLite does not wait by itself while the mode is changed. */
        bool busy = (sqlite3_errcode(d->db) & 0xff) == SQLITE_BUSY;
        if (!busy || !store_db_wait(d, start_ms))
            return store_db_fault(d, "set the log", f);
    }
    return 0;
}

static int open_writing(struct store *s, const struct store_fault *f)
{
    int64_t version;
    if (store_db_open(&s->writing, s, SQLITE_OPEN_READWRITE, STORE_WRITE_BUSY_MS, f) < 0)
        return -1;
    if (store_schema_check(&s->writing, &version, f) < 0)
        return -1;
    if (sqlite3_db_readonly(s->writing.db, "main"))
        return store_fault(f, STORE_READONLY, "%s cannot be written", s->path);
    if (settle(&s->writing, f) < 0)
        return -1;
    if (version < STORE_VERSION &&
        store_schema_update(&s->writing, store_schema_steps, STORE_VERSION, f) < 0)
        return -1;
    sqlite3_db_config(s->writing.db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    return 0;
}

static int open_second(struct store *s, struct store_db *d, int busy_ms, const char *how,
                       const struct store_fault *f)
{
    int flags = s->writable ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
    if (store_db_open(d, s, flags, busy_ms, f) < 0)
        return -1;
    if (store_exec(d, how) == 0)
        return 0;
    store_db_fault(d, "prepare to read", f);
    store_db_close(d);
    return -1;
}

/* It may repair the log, and so is no read-only connection. */
#define READING "PRAGMA query_only = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = "

int store_walk_open(struct store *s, struct store_db *d, const struct store_fault *f)
{
    return open_second(s, d, STORE_WRITE_BUSY_MS, READING "-1024", f);
}

/* Whether a failure to open for writing leaves hope of reading. */
static bool may_read(enum store_trouble why)
{
    return why == STORE_READONLY || why == STORE_IO || why == STORE_FULL;
}

static int open_both(struct store *s, const struct store_fault *f)
{
    s->writable = true;
    if (open_writing(s, f) == 0)
        return open_second(s, &s->reading, STORE_READ_BUSY_MS, READING "-512", f);
    store_db_close(&s->writing);
    s->unwritable = *f->why;
    s->unwritable_text = *f->err;
    return may_read(*f->why) ? open_readonly(s, f) : -1;
}

int store_fault_unwritable(const struct store *s, const struct store_fault *f)
{
    return store_fault(f, s->unwritable, "%s", s->unwritable_text.text);
}

/* ---- the whole ---- */

static struct store *new_store(const char *path, const char *vfs, const struct store_fault *f)
{
    struct store *s = calloc(1, sizeof *s);
    if (!s || (vfs && !(s->vfs = strdup(vfs)))) {
        free(s);
        store_fault(f, STORE_NOMEM, "no memory for the store");
        return NULL;
    }
    atomic_init(&s->hurry_ms, INT64_MAX);
    s->writer_id = (int64_t)(random_u64() >> 1);
    mutex_init(&s->write_lock);
    mutex_init(&s->read_lock);
    s->path = real_path(path, f);
    if (s->path)
        return s;
    store_close(s);
    return NULL;
}

static int open_files(struct store *s, const struct store_fault *f)
{
    tighten(s->path, "");
    tighten(s->path, "-wal");
    tighten(s->path, "-shm");
    return make_file(s->path, f) == 0 && open_both(s, f) == 0 ? 0 : -1;
}

struct store *store_open(const char *path, const char *vfs, enum store_trouble *why,
                         struct err *err)
{
    struct err text = {""};
    const struct store_fault f = {why, &text};
    struct store *s = new_store(path, vfs, &f);
    if (s && open_files(s, &f) < 0) {
        store_close(s);
        s = NULL;
    }
    if (s)
        *why = STORE_FINE;
    else
        err_set(err, "%s", text.text);
    return s;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    store_db_close(&s->reading);
    store_db_close(&s->writing); /* last: it puts the log into the database */
    mutex_destroy(&s->read_lock);
    mutex_destroy(&s->write_lock);
    free(s->path);
    free(s->vfs);
    free(s);
}

bool store_writable(const struct store *s)
{
    return s->writable;
}

void store_hurry(struct store *s, int64_t mono_ms)
{
    atomic_store(&s->hurry_ms, mono_ms);
}

static bool in_place(struct store_db *d)
{
    int moved = 0;
    return sqlite3_file_control(d->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) != SQLITE_OK ||
           !moved;
}

bool store_in_place(struct store *s)
{
    struct store_db *d = s->writable ? &s->writing : &s->reading;
    LOCK_SCOPE(s->writable ? &s->write_lock : &s->read_lock);
    return in_place(d);
}
