#include "support/http_client.h"
#include "base/clock.h"
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define PATIENCE_MS 5000

void got_reply(void *arg, struct http_reply *reply)
{
    struct got *g = arg;
    g->times++;
    g->reply = *reply;
    reply->body = BUF_INIT(reply->body.max);
    reply->content_type = NULL;
}

void got_free(struct got *g)
{
    http_reply_free(&g->reply, false);
    *g = (struct got){0};
}

struct http_request post_to(const char *url)
{
    return (struct http_request){.method = "POST", .url = url, .timeout_ms = PATIENCE_MS};
}

void pump_until(struct http *h, const struct got *g)
{
    int64_t deadline = clock_mono_ms() + PATIENCE_MS + MS_PER_S;
    while (!g->times && clock_mono_ms() < deadline)
        http_pump(h, deadline - clock_mono_ms());
    assert_int_equal(g->times, 1);
}

struct got call(struct http *h, const struct http_request *req)
{
    struct got g = {0};
    struct err err = {""};
    if (http_submit(h, req, got_reply, &g, &err) < 0)
        fail_msg("%s", err.text);
    pump_until(h, &g);
    return g;
}

struct http *new_engine(const struct http_config *config)
{
    struct err err = {""};
    struct http *h = http_new(config ? config : &(struct http_config){.proxy = ""}, &err);
    if (!h)
        fail_msg("%s", err.text);
    return h;
}
