/* One thread owns the multi handle, the slots and every started transfer. Others reach it through
 * the queue alone:
 *
 *   any thread                       the owner (http_pump)
 *   http_submit: copy, push, wake -> pop while a slot is free -> curl -> callback, slot free
 *
 * A slot is a curl easy handle that is kept, with the transfer that it carries now. As many slots
 * as connections: what waits, waits in our queue, where its deadline is watched; curl does not
 * watch the transfers that it holds back itself. */
#include "api/http.h"
#include "api/http_easy.h"
#include "api/http_loop.h"
#include "api/http_outcome.h"
#include "api/http_transfer.h"
#include "base/clock.h"
#include "base/thread.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define MAX_CONNECTIONS 64U

struct slot {
    CURL *easy;              /* made on first use */
    struct http_transfer *t; /* NULL: free */
};

struct http {
    struct http_config config; /* its texts are our own */
    struct http_loop loop;
    struct slot *slots;
    unsigned n_slots;
    unsigned busy;    /* slots with a transfer */
    bool called_back; /* in this turn of the pump */

    pthread_mutex_t lock; /* protects what follows; held for list work alone */
    struct http_transfer *first, **last;
    bool closing;
    bool waiting; /* the owner waits, or is about to: it takes a wake-up to end that */
    bool woken;   /* the owner shall not wait */
};

static int check_ca(const char *path, struct err *err)
{
    CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    char byte;
    ssize_t n = fd < 0 ? -1 : read(fd, &byte, 1);
    if (n < 0)
        return err_set(err, "cannot read the CA file %s: %s", path, strerror(errno));
    if (n == 0)
        return err_set(err, "cannot use the CA file %s: it is empty", path);
    return 0;
}

static int copy_text(const char **to, const char *from)
{
    *to = from ? strdup(from) : NULL;
    return from && !*to ? -1 : 0;
}

static int copy_config(struct http *h, const struct http_config *from)
{
    h->n_slots = from->max_connections ? from->max_connections : MAX_CONNECTIONS;
    h->slots = calloc(h->n_slots, sizeof *h->slots);
    if (!h->slots || copy_text(&h->config.ca_file, from->ca_file) < 0 ||
        copy_text(&h->config.proxy, from->proxy) < 0 ||
        copy_text(&h->config.unix_socket, from->unix_socket) < 0)
        return -1;
    return 0;
}

struct http *http_new(const struct http_config *config, struct err *err)
{
    if (config->ca_file && check_ca(config->ca_file, err) < 0)
        return NULL;
    struct http *h = calloc(1, sizeof *h);
    if (!h) {
        err_set(err, "HTTP engine: no memory");
        return NULL;
    }
    mutex_init(&h->lock);
    h->last = &h->first;
    h->loop = HTTP_LOOP_CLOSED;
    if (copy_config(h, config) < 0 || http_loop_open(&h->loop, h->n_slots) < 0) {
        err_set(err, "HTTP engine: no memory, or no descriptors");
        http_free(h);
        return NULL;
    }
    return h;
}

/* Nothing of ours refers to the transfer any more: its owner gets the answer. */
static void finish(struct http *h, struct http_transfer *t)
{
    t->reply.took_ms = clock_mono_ms() - t->submitted_ms;
    h->called_back = true;
    t->done(t->arg, &t->reply);
    http_transfer_free(t);
}

/* Take the transfer out of its slot; the handle stays for the next. */
static struct http_transfer *vacate(struct http *h, struct slot *s)
{
    struct http_transfer *t = MOVE_PTR(s->t);
    curl_multi_remove_handle(h->loop.multi, s->easy);
    http_easy_disarm(s->easy);
    h->busy--;
    return t;
}

/* The next that can be begun now, or NULL. */
static struct http_transfer *pop(struct http *h)
{
    LOCK_SCOPE(&h->lock);
    struct http_transfer *t = h->first;
    if (!t || (t->url && h->busy == h->n_slots))
        return NULL;
    h->first = MOVE_PTR(t->next);
    if (!h->first)
        h->last = &h->first;
    return t;
}

static struct slot *free_slot(struct http *h)
{
    struct slot *s = h->slots;
    while (s->t)
        s++;
    return s;
}

static int begin_in(struct http *h, struct slot *s, struct http_transfer *t, struct err *err)
{
    if (!s->easy)
        s->easy = http_easy_new(&h->config, err);
    if (!s->easy)
        return -1;
    if (http_easy_arm(s->easy, t) < 0 ||
        curl_easy_setopt(s->easy, CURLOPT_PRIVATE, s) != CURLE_OK) {
        http_easy_disarm(s->easy);
        return err_set(err, "HTTP request to %s: libcurl refuses it (no memory?)", t->peer);
    }
    CURLMcode rc = curl_multi_add_handle(h->loop.multi, s->easy);
    if (rc != CURLM_OK) {
        http_easy_disarm(s->easy);
        return err_set(err, "HTTP request to %s: %s", t->peer, curl_multi_strerror(rc));
    }
    t->started = true;
    s->t = t;
    h->busy++;
    return 0;
}

static void begin_queued(struct http *h)
{
    struct http_transfer *t;
    struct err err;
    while ((t = pop(h))) {
        if (t->url && begin_in(h, free_slot(h), t, &err) == 0)
            continue;
        if (t->url)
            http_transfer_fail(t, API_NET_BROKEN, "%s", err.text);
        finish(h, t);
    }
}

static void fail_started(struct http *h, const char *why)
{
    for (struct slot *s = h->slots; h->busy > 0; s++) {
        if (!s->t)
            continue;
        struct http_transfer *t = vacate(h, s);
        http_transfer_fail(t, API_NET_BROKEN, "HTTP request to %s: %s", t->peer, why);
        finish(h, t);
    }
}

static void judge(struct http *h, CURLMcode rc)
{
    if (rc != CURLM_OK)
        fail_started(h, curl_multi_strerror(rc));
}

static void retire_done(struct http *h)
{
    int left;
    CURLMsg *msg;
    while ((msg = curl_multi_info_read(h->loop.multi, &left))) {
        char *private = NULL;
        if (msg->msg != CURLMSG_DONE ||
            curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &private) != CURLE_OK)
            continue;
        struct slot *s = (struct slot *)(void *)private;
        http_outcome(s->easy, msg->data.result, s->t);
        finish(h, vacate(h, s));
    }
}

/* Bytes that we send count as movement too; curl tells them on request only. */
static void note_upload(struct slot *s, int64_t now)
{
    curl_off_t sent = 0;
    curl_easy_getinfo(s->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    if (sent != s->t->uploaded)
        s->t->moved_ms = now;
    s->t->uploaded = sent;
}

/* End the started transfers whose time is over. Returns the next deadline. */
static int64_t end_late_started(struct http *h, int64_t now)
{
    int64_t next = INT64_MAX;
    unsigned seen = 0;
    for (struct slot *s = h->slots; seen < h->busy; s++) {
        if (!s->t)
            continue;
        if (http_transfer_deadline(s->t) <= now)
            note_upload(s, now);
        if (http_transfer_deadline(s->t) > now) {
            next = time_min(next, http_transfer_deadline(s->t));
            seen++;
            continue;
        }
        http_outcome_late(s->t);
        finish(h, vacate(h, s));
    }
    return next;
}

/* Unlink the queued ones whose time is over. `next`: the earliest deadline of those that stay. */
static struct http_transfer *unlink_late(struct http *h, int64_t now, int64_t *next)
{
    struct http_transfer *late = NULL;
    LOCK_SCOPE(&h->lock);
    struct http_transfer **at = &h->first;
    while (*at) {
        struct http_transfer *t = *at;
        if (!t->url || http_transfer_deadline(t) > now) {
            *next = t->url ? time_min(*next, http_transfer_deadline(t)) : now;
            at = &t->next;
            continue;
        }
        *at = t->next;
        t->next = late;
        late = t;
    }
    h->last = at;
    return late;
}

static int64_t end_late(struct http *h, int64_t now)
{
    int64_t next = end_late_started(h, now);
    struct http_transfer *late = unlink_late(h, now, &next);
    while (late) {
        struct http_transfer *t = late;
        late = MOVE_PTR(t->next);
        http_outcome_late(t);
        finish(h, t);
    }
    return next;
}

/* The moment before the wait: whatever is queued or asked for later finds `waiting` set and sends a
 * wake-up, which costs system calls; whatever came before is seen here. */
static bool may_wait(struct http *h)
{
    LOCK_SCOPE(&h->lock);
    bool can_begin = h->first && (!h->first->url || h->busy < h->n_slots);
    h->waiting = !can_begin && !h->woken;
    return h->waiting;
}

/* The owner has its turn now, which is what a wake-up asks for. */
static void end_wait(struct http *h)
{
    LOCK_SCOPE(&h->lock);
    h->waiting = false;
    h->woken = false;
}

static void wait_for_news(struct http *h, int64_t ms)
{
    if (may_wait(h))
        judge(h, http_loop_wait(&h->loop, ms));
}

void http_pump(struct http *h, int64_t wait_ms)
{
    h->called_back = false;
    begin_queued(h);
    judge(h, http_loop_run(&h->loop));
    retire_done(h);
    int64_t now = clock_mono_ms();
    int64_t next = end_late(h, now);
    if (!h->called_back)
        wait_for_news(h, time_min(wait_ms, next - now));
    end_wait(h);
}

void http_wakeup(struct http *h)
{
    mutex_lock(&h->lock);
    bool first = h->waiting && !h->woken; /* one wake-up ends the wait */
    h->woken = true;
    mutex_unlock(&h->lock);
    if (first)
        http_loop_wake(&h->loop);
}

/* `front`: ahead of everything, for what needs no slot. */
static int push(struct http *h, struct http_transfer *t, bool front, struct err *err)
{
    mutex_lock(&h->lock);
    bool closing = h->closing;
    if (!closing) {
        t->next = front ? h->first : NULL;
        *(front ? &h->first : h->last) = t;
        if (!t->next)
            h->last = &t->next;
    }
    mutex_unlock(&h->lock);
    if (closing) {
        http_transfer_free(t);
        return err_set(err, "HTTP request: shutting down");
    }
    http_wakeup(h);
    return 0;
}

int http_submit(struct http *h, const struct http_request *req, http_done_fn *done, void *arg,
                struct err *err)
{
    struct http_transfer *t = http_transfer_new(&h->config, req, err);
    if (!t)
        return -1;
    t->done = done;
    t->arg = arg;
    return push(h, t, false, err);
}

int http_defer(struct http *h, http_done_fn *done, void *arg, struct err *err)
{
    struct http_transfer *t = http_transfer_empty(err);
    if (!t)
        return -1;
    t->done = done;
    t->arg = arg;
    return push(h, t, true, err);
}

static void fail_queued(struct http *h, const char *why)
{
    mutex_lock(&h->lock);
    h->closing = true;
    struct http_transfer *t = MOVE_PTR(h->first);
    h->last = &h->first;
    mutex_unlock(&h->lock);
    while (t) {
        struct http_transfer *next = MOVE_PTR(t->next);
        if (t->url)
            http_transfer_fail(t, API_NET_BROKEN, "HTTP request to %s: %s", t->peer, why);
        finish(h, t);
        t = next;
    }
}

void http_free(struct http *h)
{
    if (!h)
        return;
    fail_queued(h, "shutting down");
    fail_started(h, "shutting down");
    for (unsigned i = 0; h->slots && i < h->n_slots; i++)
        curl_easy_cleanup(h->slots[i].easy);
    http_loop_close(&h->loop);
    free(h->slots);
    free((char *)h->config.ca_file);
    free((char *)h->config.proxy);
    free((char *)h->config.unix_socket);
    mutex_destroy(&h->lock);
    free(h);
}
