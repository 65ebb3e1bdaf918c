#include "fs/events_sequence.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/num.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define NS_PER_US 1000

static void give_up(struct events_sequence *s, const char *doing, const char *why)
{
    log_warn("the numbers of events are not kept: they follow the clock %s=%s error=%s", doing,
             s->file, why);
    free(MOVE_PTR(s->file));
}

/* What the file says; 0 without one. -1 with errno, 0 where it was read and made no sense. */
static int load(const char *file, uint64_t *number)
{
    char text[32] = "";
    *number = 0;
    CLEANUP_FD int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : -1;
    if (read(fd, text, sizeof text - 1) < 0)
        return -1;
    text[strcspn(text, "\n")] = '\0';
    errno = 0;
    return num_parse_u64(text, 0, EVENTS_SEQUENCE_MAX, number);
}

static int write_durably(const char *file, uint64_t number)
{
    CLEANUP_FD int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || dprintf(fd, "%" PRIu64 "\n", number) < 0)
        return -1;
    return fdatasync(fd);
}

/* Whole or not at all: written beside it and renamed. */
static int store(const char *file, uint64_t number)
{
    char beside[PATH_MAX];
    int n = snprintf(beside, sizeof beside, "%s.new", file);
    if (n < 0 || (size_t)n >= sizeof beside) {
        errno = ENAMETOOLONG;
        return -1;
    }
    if (write_durably(beside, number) == 0 && rename(beside, file) == 0)
        return 0;
    int saved = errno;
    unlink(beside);
    errno = saved;
    return -1;
}

int events_sequence_init(struct events_sequence *s, const char *file, int64_t now_real_ns,
                         struct err *err)
{
    uint64_t kept = 0;
    *s = (struct events_sequence){.next = (uint64_t)(now_real_ns / NS_PER_US)};
    if (!file)
        return 0;
    s->file = strdup(file);
    if (!s->file)
        return err_set(err, "no memory for the numbers of events");
    if (load(file, &kept) < 0)
        give_up(s, "read", errno ? strerror(errno) : "it holds no number");
    if (kept > s->next)
        s->next = kept;
    return 0;
}

void events_sequence_free(struct events_sequence *s)
{
    free(MOVE_PTR(s->file));
}

uint64_t events_sequence_next(struct events_sequence *s)
{
    if (s->file && s->next >= s->reserved) {
        s->reserved = s->next + EVENTS_SEQUENCE_AHEAD;
        if (store(s->file, s->reserved) < 0)
            give_up(s, "write", strerror(errno));
    }
    return s->next++;
}
