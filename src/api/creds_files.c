#include "api/creds_files.h"
#include "base/clock.h"
#include "base/log.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static char *join(const char *dir, const char *name)
{
    struct buf path = BUF_INIT(4096);
    if (buf_addf(&path, "%s/%s", dir, name) < 0) {
        buf_free(&path);
        return NULL;
    }
    return buf_take(&path);
}

static char *shorten(const char *path, const char *home)
{
    size_t n = home ? strlen(home) : 0;
    if (n > 1 && strncmp(path, home, n) == 0 && path[n] == '/')
        return join("~", path + n + 1);
    return strdup(path);
}

/* `named` by the user, or `name` under the home directory, or none. */
static int place(struct creds_files *f, enum creds_file which, const char *named, const char *home,
                 const char *name)
{
    if (!named && !home)
        return 0;
    f->at[which].path = named ? strdup(named) : join(home, name);
    if (!f->at[which].path)
        return -1;
    f->at[which].shown = shorten(f->at[which].path, home);
    return f->at[which].shown ? 0 : -1;
}

int creds_files_init(struct creds_files *f, const char *home, const char *cli, const char *ini,
                     struct err *err)
{
    *f = (struct creds_files){0};
    if (place(f, CREDS_FILE_CLI, cli, home, ".aliyun/config.json") < 0 ||
        place(f, CREDS_FILE_INI, ini, home, ".alibabacloud/credentials") < 0)
        return err_set(err, "cannot note the paths of the credentials files: out of memory");
    if (!ini && place(f, CREDS_FILE_INI_ALT, NULL, home, ".alibabacloud/credentials.ini") < 0)
        return err_set(err, "cannot note the paths of the credentials files: out of memory");
    return 0;
}

void creds_files_free(struct creds_files *f)
{
    for (size_t i = 0; i < CREDS_FILE_COUNT; i++) {
        free(f->at[i].path);
        free(f->at[i].shown);
    }
    *f = (struct creds_files){0};
}

static struct creds_stamp stamp_of(const char *path)
{
    struct stat st;
    if (!path || stat(path, &st) < 0)
        return (struct creds_stamp){0};
    return (struct creds_stamp){
        .dev = st.st_dev,
        .ino = st.st_ino,
        .size = st.st_size,
        .mtime_ns = (int64_t)st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec,
        .ctime_ns = (int64_t)st.st_ctim.tv_sec * NS_PER_S + st.st_ctim.tv_nsec,
    };
}

static bool same(const struct creds_stamp *a, const struct creds_stamp *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
           a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
}

void creds_files_note(struct creds_files *f)
{
    for (size_t i = 0; i < CREDS_FILE_COUNT; i++)
        f->at[i].stamp = stamp_of(f->at[i].path);
}

bool creds_files_changed(const struct creds_files *f, unsigned mask)
{
    for (size_t i = 0; i < CREDS_FILE_COUNT; i++) {
        struct creds_stamp now = stamp_of(f->at[i].path);
        if ((mask & (1u << i)) && !same(&now, &f->at[i].stamp))
            return true;
    }
    return false;
}

static int read_all(int fd, struct buf *out, struct err *err)
{
    char piece[4096];
    int rc = 0;
    for (;;) {
        ssize_t n = read(fd, piece, sizeof piece);
        if (n == 0)
            break;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 || buf_add(out, piece, (size_t)n) < 0) {
            rc = errno == EFBIG ? err_set(err, "larger than %zu bytes", out->max)
                                : err_set(err, "cannot be read: %s", strerror(errno));
            break;
        }
    }
    explicit_bzero(piece, sizeof piece);
    return rc;
}

int creds_file_slurp(const char *path, struct buf *out, mode_t *mode, struct err *err)
{
    /* Not blocking: a fifo in this place must not hold us. */
    CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
        err_set(err, "not there");
        return 0;
    }
    if (fd < 0)
        return err_set(err, "cannot be opened: %s", strerror(errno));
    struct stat st;
    if (fstat(fd, &st) < 0)
        return err_set(err, "cannot be examined: %s", strerror(errno));
    if (!S_ISREG(st.st_mode))
        return err_set(err, "is no regular file");
    if (read_all(fd, out, err) < 0)
        return -1;
    if (out->len && memchr(out->data, '\0', out->len))
        return err_set(err, "holds a NUL byte, so it is no text");
    if (mode)
        *mode = st.st_mode & 07777;
    return 1;
}

int creds_files_read(struct creds_files *f, enum creds_file which, struct buf *out, struct err *err)
{
    if (!f->at[which].path) {
        err_set(err, "no home directory is known");
        return 0;
    }
    mode_t mode = 0;
    int rc = creds_file_slurp(f->at[which].path, out, &mode, err);
    if (rc == 1 && (mode & 044) && !f->at[which].warned) {
        f->at[which].warned = true;
        log_warn("credentials file can be read by others path=%s mode=%04o fix=\"chmod 600\"",
                 f->at[which].path, (unsigned)mode);
    }
    return rc;
}
