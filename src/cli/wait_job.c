#include "cli/wait_job.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define TEXT_MAX 4096 /* of a field: a line is for people, and the file has it all */

bool wait_job_may_pass(int error)
{
    switch (error) {
    case EINTR:
    case EAGAIN:
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case EPROTO:
    case EIO:
    case ESTALE:
    case ENOMEM:
    case ENFILE:
    case EMFILE:
        return true;
    default:
        return false;
    }
}

const char *wait_job_reason(int error)
{
    bool gone = error == ENOTCONN || error == ECONNABORTED || error == ENODEV;
    return gone ? "the mount went away" : strerror(error);
}

/* One line without what could forge a column, a line or a terminal's mood. */
static void flatten(char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            text[i] = ' ';
}

static ssize_t read_whole(int fd, char text[TEXT_MAX])
{
    size_t n = 0;
    ssize_t got;
    do {
        got = read(fd, text + n, TEXT_MAX - 1 - n);
        if (got < 0)
            return -1;
        n += (size_t)got;
    } while (got > 0 && n < TEXT_MAX - 1);
    return (ssize_t)n;
}

/* The text of a field's file without its line feed. 0, or -1 with errno. */
static int read_field(const char *dir, const char *name, char text[TEXT_MAX])
{
    char path[PATH_MAX];
    int len = snprintf(path, sizeof path, "%s/%s", dir, name);
    if (len < 0 || (size_t)len >= sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    ssize_t n = fd < 0 ? -1 : read_whole(fd, text);
    if (n < 0)
        return -1;
    if (n > 0 && text[n - 1] == '\n')
        n--;
    text[n] = '\0';
    flatten(text, (size_t)n);
    return 0;
}

/* Nothing where the job has none, or where it cannot be had: the status is known all the same. -1
 * for a signal. */
static int read_optional(const char *dir, const char *name, char text[TEXT_MAX])
{
    if (read_field(dir, name, text) == 0)
        return 0;
    text[0] = '\0';
    return errno == EINTR ? -1 : 0;
}

static enum wait_look refuse(const char *dir, int error, struct err *err)
{
    struct stat st;
    if (error == ENOENT && stat(dir, &st) < 0 && errno == ENOENT)
        err_set(err, "%s: no such job", dir);
    else if (error == ENOENT || error == ENOTDIR || error == EISDIR)
        err_set(err, "%s: not the directory of a job", dir);
    else
        err_set(err, "%s: %s", dir, wait_job_reason(error));
    return WAIT_LOOK_NO_JOB;
}

static enum wait_look fault(const char *dir, struct err *err)
{
    int error = errno;
    if (!wait_job_may_pass(error))
        return refuse(dir, error, err);
    err_set(err, "%s: %s", dir, strerror(error));
    errno = error;
    return WAIT_LOOK_LATER;
}

static int describe(const char *dir, const char *id, bool success, struct buf *line)
{
    char code[TEXT_MAX], message[TEXT_MAX];
    if (success)
        return buf_addf(line, "%s\tSuccess\n", id);
    if (read_optional(dir, "code", code) < 0 || read_optional(dir, "message", message) < 0)
        return -1;
    return buf_addf(line, "%s\tFailed\t%s\t%s\n", id, code, message);
}

enum wait_look wait_job_look(const char *dir, struct buf *line, struct err *err)
{
    char status[TEXT_MAX], id[TEXT_MAX];
    if (read_field(dir, "status", status) < 0 || read_field(dir, "job_id", id) < 0)
        return fault(dir, err);
    bool success = strcmp(status, "Success") == 0;
    if (!success && strcmp(status, "Failed") != 0)
        return WAIT_LOOK_RUNNING;
    if (describe(dir, id, success, line) < 0)
        return fault(dir, err);
    return success ? WAIT_LOOK_SUCCESS : WAIT_LOOK_FAILED;
}
