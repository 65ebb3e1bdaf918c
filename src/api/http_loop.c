#include "api/http_loop.h"
#include "base/attr.h"
#include "base/clock.h"
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define EVENTS_MAX 64
/* Between waits that fail: nothing else would hold the owner back. */
#define ERROR_PAUSE_MS 50

/* One that is on the list already, or is not after all, is put right by the other operation: the
 * kernel takes a socket off by itself when it is closed, and its number may come again. */
static int list(const struct http_loop *l, curl_socket_t fd, uint32_t events, bool listed)
{
    struct epoll_event e = {.events = events, .data.fd = fd};
    if (epoll_ctl(l->epoll_fd, listed ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &e) == 0)
        return 0;
    if (errno != (listed ? ENOENT : EEXIST))
        return -1;
    return epoll_ctl(l->epoll_fd, listed ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &e);
}

/* `listed`: what curl_multi_assign remembers for us, until libcurl removes the socket. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *listed)
{
    (void)easy;
    struct http_loop *l = arg;
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, fd, NULL); /* a closed one is off the list already */
        return 0;
    }
    uint32_t in = what & CURL_POLL_IN ? EPOLLIN : 0, out = what & CURL_POLL_OUT ? EPOLLOUT : 0;
    if (list(l, fd, in | out, listed) < 0)
        return -1;
    return listed || curl_multi_assign(l->multi, fd, l) == CURLM_OK ? 0 : -1;
}

static int on_timer(CURLM *multi, long ms, void *arg)
{
    (void)multi;
    struct http_loop *l = arg;
    l->due_ms = ms < 0 ? INT64_MAX : clock_mono_ms() + ms;
    return 0;
}

static int watch_wake_ups(const struct http_loop *l)
{
    struct epoll_event e = {.events = EPOLLIN, .data.fd = l->wake_fd};
    return epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, l->wake_fd, &e);
}

static int set_up(struct http_loop *l, unsigned connections)
{
    long n = (long)connections;
    return curl_multi_setopt(l->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, n) == CURLM_OK &&
                   curl_multi_setopt(l->multi, CURLMOPT_MAXCONNECTS, n) == CURLM_OK &&
                   curl_multi_setopt(l->multi, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK &&
                   curl_multi_setopt(l->multi, CURLMOPT_SOCKETDATA, l) == CURLM_OK &&
                   curl_multi_setopt(l->multi, CURLMOPT_TIMERFUNCTION, on_timer) == CURLM_OK &&
                   curl_multi_setopt(l->multi, CURLMOPT_TIMERDATA, l) == CURLM_OK
               ? 0
               : -1;
}

int http_loop_open(struct http_loop *l, unsigned connections)
{
    *l = (struct http_loop){.multi = curl_multi_init(),
                            .epoll_fd = epoll_create1(EPOLL_CLOEXEC),
                            .wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
                            .due_ms = INT64_MAX};
    if (!l->multi || l->epoll_fd < 0 || l->wake_fd < 0)
        return -1;
    return watch_wake_ups(l) < 0 ? -1 : set_up(l, connections);
}

/* The multi handle first: it takes its sockets off the list. */
void http_loop_close(struct http_loop *l)
{
    curl_multi_cleanup(l->multi);
    if (l->epoll_fd >= 0)
        close(l->epoll_fd);
    if (l->wake_fd >= 0)
        close(l->wake_fd);
    *l = HTTP_LOOP_CLOSED;
}

CURLMcode http_loop_run(struct http_loop *l)
{
    int running;
    if (l->due_ms > clock_mono_ms())
        return CURLM_OK;
    l->due_ms = INT64_MAX;
    return curl_multi_socket_action(l->multi, CURL_SOCKET_TIMEOUT, 0, &running);
}

static CURLMcode act(struct http_loop *l, const struct epoll_event *e)
{
    int running, what = 0;
    uint64_t n;
    if (e->data.fd == l->wake_fd)
        return read(l->wake_fd, &n, sizeof n) < 0 && errno != EAGAIN ? CURLM_INTERNAL_ERROR
                                                                     : CURLM_OK;
    if (e->events & (EPOLLIN | EPOLLHUP))
        what |= CURL_CSELECT_IN;
    if (e->events & EPOLLOUT)
        what |= CURL_CSELECT_OUT;
    if (e->events & EPOLLERR)
        what |= CURL_CSELECT_ERR;
    return curl_multi_socket_action(l->multi, e->data.fd, what, &running);
}

static int wait_ms(const struct http_loop *l, int64_t ms)
{
    int64_t due = l->due_ms == INT64_MAX ? INT64_MAX : l->due_ms - clock_mono_ms();
    if (due < ms)
        ms = due;
    return ms <= 0 ? 0 : ms > INT_MAX ? INT_MAX : (int)ms;
}

CURLMcode http_loop_wait(struct http_loop *l, int64_t ms)
{
    struct epoll_event events[EVENTS_MAX];
    CURLMcode rc = CURLM_OK;
    int n = epoll_wait(l->epoll_fd, events, EVENTS_MAX, wait_ms(l, ms));
    if (n < 0 && errno != EINTR)
        poll(NULL, 0, ERROR_PAUSE_MS);
    for (int i = 0; i < n && rc == CURLM_OK; i++)
        rc = act(l, &events[i]);
    return rc;
}

void http_loop_wake(struct http_loop *l)
{
    uint64_t one = 1;
    ssize_t n;
    do
        n = write(l->wake_fd, &one, sizeof one);
    while (n < 0 && errno == EINTR); /* EAGAIN: it is readable already */
}
