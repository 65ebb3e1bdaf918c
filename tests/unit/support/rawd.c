#include "support/rawd.h"
#include "base/thread.h"
#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define TLS_HANDSHAKE 0x16

struct rawd {
    const struct raw_step *steps;
    size_t n_steps;
    int listener, stop; /* stop: an eventfd, readable when it is time to go */
    pthread_t thread;
    char url[64];
    char path[108];
};

/* false: told to stop, or `fd` stayed silent for `ms`. -1: no fd, no end. */
static bool wait_for(const struct rawd *r, int fd, int ms)
{
    struct pollfd p[] = {{.fd = r->stop, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
    return poll(p, 2, ms) > 0 && !p[0].revents;
}

static bool read_request(const struct rawd *r, int fd)
{
    char bytes[16384];
    size_t n = 0;
    while (n < sizeof bytes - 1 && wait_for(r, fd, -1)) {
        ssize_t got = read(fd, bytes + n, sizeof bytes - 1 - n);
        if (got <= 0)
            return false;
        n += (size_t)got;
        bytes[n] = '\0';
        if (strstr(bytes, "\r\n\r\n") || bytes[0] == TLS_HANDSHAKE)
            return true;
    }
    return false;
}

static void play(const struct rawd *r, int fd)
{
    for (size_t i = 0; i < r->n_steps; i++) {
        const char *at = r->steps[i].bytes;
        size_t left = strlen(at);
        while (left > 0) {
            ssize_t sent = send(fd, at, left, MSG_NOSIGNAL);
            if (sent <= 0)
                return;
            at += sent;
            left -= (size_t)sent;
        }
        if (r->steps[i].pause_ms > 0)
            wait_for(r, -1, r->steps[i].pause_ms);
    }
}

static void *serve(void *arg)
{
    struct rawd *r = arg;
    while (wait_for(r, r->listener, -1)) {
        int fd = accept(r->listener, NULL, NULL);
        if (fd >= 0 && read_request(r, fd))
            play(r, fd);
        if (fd >= 0)
            close(fd);
    }
    return NULL;
}

static void listen_tcp(struct rawd *r)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    r->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(r->listener, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(getsockname(r->listener, (struct sockaddr *)&a, &len), 0);
    snprintf(r->url, sizeof r->url, "http://127.0.0.1:%d", ntohs(a.sin_port));
}

static void listen_unix(struct rawd *r, const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    memcpy(r->path, a.sun_path, sizeof r->path);
    r->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(r->listener, (struct sockaddr *)&a, sizeof a), 0);
    snprintf(r->url, sizeof r->url, "http://localhost");
}

struct rawd *rawd_start(const struct raw_step *steps, size_t n, const char *unix_path)
{
    struct rawd *r = calloc(1, sizeof *r);
    assert_non_null(r);
    r->steps = steps;
    r->n_steps = n;
    if (unix_path)
        listen_unix(r, unix_path);
    else
        listen_tcp(r);
    assert_int_equal(listen(r->listener, 16), 0);
    r->stop = eventfd(0, 0);
    assert_int_equal(thread_start(&r->thread, "rawd", serve, r, NULL), 0);
    return r;
}

const char *rawd_url(const struct rawd *r)
{
    return r->url;
}

void rawd_stop(struct rawd *r)
{
    uint64_t one = 1;
    assert_int_equal(write(r->stop, &one, sizeof one), sizeof one);
    thread_join(r->thread);
    close(r->stop);
    close(r->listener);
    if (r->path[0])
        unlink(r->path);
    free(r);
}
