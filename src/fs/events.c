/* The log is one block of whole lines; a reader is a position in the stream of all bytes ever, so
 * cutting the log off its front moves nobody. Positions of readers are always at a line: of a line
 * taken in part, the rest is copied to the reader, where no cut reaches it. */
#include "fs/events.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "fs/events_line.h"
#include "fs/events_private.h"
#include <inttypes.h>
#include <string.h>

#define NS_PER_US 1000

struct events *events_new(const struct events_numbers *numbers, struct err *err)
{
    struct events *e = calloc(1, sizeof *e);
    char *log = malloc(EVENTS_LOG_MAX); /* pages come as they are used */
    int64_t now_ns = clock_real_ns();
    if (!e || !log) {
        free(log);
        free(e);
        err_set(err, "no memory for the log of changes");
        return NULL;
    }
    mutex_init(&e->append_lock);
    mutex_init(&e->lock);
    if (numbers)
        e->numbers = *numbers;
    e->next_seq = e->numbers.first ? e->numbers.first : (uint64_t)(now_ns / NS_PER_US);
    e->line = BUF_INIT(EVENTS_LINE_MAX);
    e->log = log;
    e->mtime_ns = now_ns;
    e->next_ms = INT64_MAX;
    return e;
}

void events_free(struct events *e)
{
    if (!e)
        return;
    mutex_destroy(&e->append_lock);
    mutex_destroy(&e->lock);
    buf_free(&e->line);
    free(e->log);
    free(e);
}

/* ---- the log ---- */

/* Called with the lock held. */
static void make_room(struct events *e, size_t n)
{
    if (e->len + n <= EVENTS_LOG_MAX)
        return;
    const char *half = memchr(e->log + e->len / 2, '\n', e->len - e->len / 2);
    size_t cut = (size_t)(half + 1 - e->log); /* the last byte is a line feed */
    memmove(e->log, e->log + cut, e->len - cut);
    e->len -= cut;
    e->base += cut;
}

/* Called with append_lock held. */
static struct events_waiter *add_line(struct events *e, uint64_t seq, int64_t time_ns)
{
    LOCK_SCOPE(&e->lock);
    make_room(e, e->line.len);
    memcpy(e->log + e->len, e->line.data, e->line.len);
    e->len += e->line.len;
    e->last_seq = seq;
    e->mtime_ns = time_ns;
    return events_waiters_take(e);
}

void events_append(struct events *e, const struct event *event)
{
    struct events_waiter *taken = NULL;
    mutex_lock(&e->append_lock);
    uint64_t seq = e->next_seq++;
    buf_reset(&e->line);
    int rc = events_line_change(&e->line, seq, event);
    if (rc == 0)
        taken = add_line(e, seq, event->time_ns);
    mutex_unlock(&e->append_lock);
    if (e->numbers.used)
        e->numbers.used(e->numbers.arg, seq);
    if (rc < 0)
        log_error("no memory to tell of a change seq=%" PRIu64 " job=%s", seq, event->job);
    events_waiters_wake(taken);
}

void events_stat(struct events *e, struct events_stat *out)
{
    LOCK_SCOPE(&e->lock);
    *out = (struct events_stat){
        .base = e->base, .size = e->len, .last_seq = e->last_seq, .mtime_ns = e->mtime_ns};
}

size_t events_read_log(struct events *e, uint64_t *base, uint64_t position, char *out, size_t n)
{
    LOCK_SCOPE(&e->lock);
    /* `*base` is never past `base`; positions may be anything below 2^63. */
    if (position == 0 || *base + position < e->base)
        *base = e->base;
    uint64_t from = *base + position - e->base;
    if (from >= e->len)
        return 0;
    size_t left = e->len - (size_t)from;
    if (n > left)
        n = left;
    memcpy(out, e->log + from, n);
    return n;
}

/* ---- readers of the stream ---- */

struct events_reader *events_reader_new(struct events *e)
{
    struct events_reader *r = malloc(sizeof *r);
    if (!r)
        return NULL;
    r->events = e;
    r->rest_at = r->rest_end = 0;
    LOCK_SCOPE(&e->lock);
    r->position = e->base + e->len;
    return r;
}

void events_reader_free(struct events_reader *r)
{
    free(r);
}

bool events_reader_has(const struct events_reader *r)
{
    const struct events *e = r->events;
    return r->rest_at < r->rest_end || r->position < e->base + e->len;
}

bool events_reader_ready(struct events_reader *r)
{
    LOCK_SCOPE(&r->events->lock);
    return events_reader_has(r) || r->events->shut;
}

static size_t take_rest(struct events_reader *r, char *out, size_t n)
{
    size_t left = r->rest_end - r->rest_at;
    if (n > left)
        n = left;
    memcpy(out, r->rest + r->rest_at, n);
    r->rest_at += n;
    return n;
}

/* The next line is longer than `n`: it moves to the reader. */
static size_t take_part(struct events_reader *r, const char *line, size_t left, char *out, size_t n)
{
    const char *end = memchr(line, '\n', left);
    size_t len = (size_t)(end + 1 - line); /* lines are whole */
    memcpy(r->rest, line, len);
    r->rest_at = 0;
    r->rest_end = len;
    r->position += len;
    return take_rest(r, out, n);
}

static size_t take_lines(struct events_reader *r, char *out, size_t n)
{
    const struct events *e = r->events;
    if (r->position < e->base)
        r->position = e->base;
    const char *from = e->log + (r->position - e->base);
    size_t left = (size_t)(e->base + e->len - r->position);
    if (left == 0)
        return 0;
    const char *end = memrchr(from, '\n', n < left ? n : left);
    if (!end)
        return take_part(r, from, left, out, n);
    size_t whole = (size_t)(end + 1 - from);
    memcpy(out, from, whole);
    r->position += whole;
    return whole;
}

size_t events_reader_take(struct events_reader *r, char *out, size_t n)
{
    LOCK_SCOPE(&r->events->lock);
    return r->rest_at < r->rest_end ? take_rest(r, out, n) : take_lines(r, out, n);
}
