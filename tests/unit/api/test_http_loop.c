/* Waits end by a wake-up, by what is due and by their time; a turn without news calls nothing. */
#include "api/http_loop.h"
#include "base/clock.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define LONG_MS 20000
#define SOON_MS 5000 /* far below LONG_MS, far above what a wait takes that has ended */

static int set_up(void **state)
{
    static struct http_loop loop;
    *state = &loop;
    return http_loop_open(&loop, 4);
}

static int tear_down(void **state)
{
    http_loop_close(*state);
    return 0;
}

static int64_t wait_takes_ms(struct http_loop *l, int64_t ms)
{
    int64_t begin = clock_mono_ms();
    assert_int_equal(http_loop_wait(l, ms), CURLM_OK);
    return clock_mono_ms() - begin;
}

static void a_wake_up_ends_the_next_wait_and_no_other(void **state)
{
    http_loop_wake(*state);
    http_loop_wake(*state);
    assert_in_range(wait_takes_ms(*state, LONG_MS), 0, SOON_MS);
    assert_in_range(wait_takes_ms(*state, 30), 29, SOON_MS);
}

static void a_wait_without_time_returns(void **state)
{
    assert_in_range(wait_takes_ms(*state, 0), 0, SOON_MS);
    assert_in_range(wait_takes_ms(*state, -1), 0, SOON_MS);
}

/* The path of a socket whose other end takes connections, and never answers. */
static int listen_silently(const char *path)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
    unlink(path);
    assert_int_equal(bind(fd, (struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(listen(fd, 1), 0);
    return fd;
}

static void what_is_added_is_due_at_once_and_ends_at_its_time(void **state)
{
    struct http_loop *l = *state;
    char path[108];
    snprintf(path, sizeof path, "/tmp/test_http_loop-%d", (int)getpid());
    int silent = listen_silently(path), left = 0;
    CURL *easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, path);
    curl_easy_setopt(easy, CURLOPT_URL, "http://silent/");
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 50L);
    assert_int_equal(http_loop_run(l), CURLM_OK); /* nothing to do */
    curl_multi_add_handle(l->multi, easy);
    assert_in_range(l->due_ms, 0, clock_mono_ms());
    int64_t begin = clock_mono_ms();
    CURLMsg *end;
    while (http_loop_run(l) == CURLM_OK && !(end = curl_multi_info_read(l->multi, &left)))
        assert_in_range(wait_takes_ms(l, LONG_MS), 0, SOON_MS);
    assert_non_null(end);
    assert_int_equal(end->data.result, CURLE_OPERATION_TIMEDOUT);
    assert_in_range(clock_mono_ms() - begin, 40, SOON_MS);
    curl_multi_remove_handle(l->multi, easy);
    curl_easy_cleanup(easy);
    close(silent);
    unlink(path);
}

static void what_is_not_open_is_closed_all_the_same(void **state)
{
    (void)state;
    struct http_loop never = HTTP_LOOP_CLOSED;
    http_loop_close(&never);
    assert_int_equal(never.epoll_fd, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_wake_up_ends_the_next_wait_and_no_other, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_wait_without_time_returns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_added_is_due_at_once_and_ends_at_its_time, set_up,
                                        tear_down),
        cmocka_unit_test(what_is_not_open_is_closed_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
