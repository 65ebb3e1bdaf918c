/* The multi handle of libcurl and what it waits for (curl_multi_socket_action(3)): a turn costs
 * what has happened, not how many transfers there are, which curl_multi_perform(3) would each look
 * at.
 *
 * All by one thread, the owner; http_loop_wake from any. */
#ifndef ICE_API_HTTP_LOOP_H
#define ICE_API_HTTP_LOOP_H

#include <curl/curl.h>
#include <stdint.h>

struct http_loop {
    CURLM *multi; /* NULL: not open */
    int epoll_fd;
    int wake_fd;    /* readable after a wake-up */
    int64_t due_ms; /* when libcurl wants to be called whatever happens; INT64_MAX: never */
};

#define HTTP_LOOP_CLOSED ((struct http_loop){.epoll_fd = -1, .wake_fd = -1})

/* At most `connections` at once. 0 or -1 (no memory, no descriptors); close it in both cases. */
int http_loop_open(struct http_loop *l, unsigned connections);
void http_loop_close(struct http_loop *l); /* HTTP_LOOP_CLOSED is nothing */

/* Do what is due by the clock: begin what has been added, among others. */
CURLMcode http_loop_run(struct http_loop *l);

/* Wait for bytes, for what is due, or for a wake-up, at most `ms`; move the bytes. */
CURLMcode http_loop_wait(struct http_loop *l, int64_t ms);

/* End a wait, or the next one. */
void http_loop_wake(struct http_loop *l);

#endif
