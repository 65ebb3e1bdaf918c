#include "api/creds_http.h"

#define SLICE_MS  100 /* how late a stop may be noticed */
#define REPLY_MAX ((size_t)64 << 10)

struct exchange {
    struct creds_answer *out;
    struct err *err;
    bool done;
};

static void on_done(void *arg, struct http_reply *reply)
{
    struct exchange *x = arg;
    x->done = true;
    x->out->net = reply->net;
    x->out->status = reply->status;
    x->out->date_unix_s = reply->date_unix_s;
    x->out->body = reply->body;
    reply->body = BUF_INIT(reply->body.max);
    if (reply->net != API_NET_NONE)
        err_set(x->err, "%s", reply->error.text);
}

static void pump_until_done(struct creds_ctx *ctx, struct http *http, const struct exchange *x)
{
    while (!x->done && !atomic_load(&ctx->stop))
        http_pump(http, SLICE_MS);
}

int creds_http(struct creds_ctx *ctx, const struct http_request *req, bool direct,
               struct creds_answer *out, struct err *err)
{
    *out = (struct creds_answer){.net = API_NET_TIMEOUT};
    struct http_request r = *req;
    r.timeout_ms = creds_ctx_left_ms(ctx, req->timeout_ms);
    if (r.timeout_ms == 0)
        return err_set(err, "no time was left to ask");
    if (r.connect_timeout_ms > r.timeout_ms)
        r.connect_timeout_ms = r.timeout_ms;
    r.max_reply = REPLY_MAX;
    r.secret_reply = true;
    struct http_config config = {
        .ca_file = ctx->env.ca_file,
        .proxy = direct ? "" : ctx->env.proxy,
        .max_connections = 1,
    };
    out->net = API_NET_BROKEN;
    struct http *http = http_new(&config, err);
    if (!http)
        return -1;
    struct exchange x = {.out = out, .err = err};
    int rc = http_submit(http, &r, on_done, &x, err);
    if (rc == 0)
        pump_until_done(ctx, http, &x);
    /* Ends what a stop left open, with its callback. */
    http_free(http);
    return rc < 0 || out->net != API_NET_NONE ? -1 : 0;
}

void creds_answer_free(struct creds_answer *a)
{
    buf_wipe(&a->body);
}
