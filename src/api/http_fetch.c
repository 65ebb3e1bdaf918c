#include "api/http.h"
#include "base/clock.h"
#include <curl/curl.h>

int http_global_init(struct err *err)
{
    CURLcode rc = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (rc != CURLE_OK)
        return err_set(err, "cannot set up libcurl: %s", curl_easy_strerror(rc));
    /* Without a resolver of its own threads a name look-up would hold up every transfer. */
    const int needed = CURL_VERSION_SSL | CURL_VERSION_ASYNCHDNS;
    const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);
    if ((v->features & needed) != needed)
        return err_set(err, "libcurl %s was built without TLS or without asynchronous DNS",
                       v->version);
    return 0;
}

void http_reply_free(struct http_reply *reply, bool secret)
{
    if (secret)
        buf_wipe(&reply->body);
    else
        buf_free(&reply->body);
    free(reply->content_type);
    reply->content_type = NULL;
}

struct fetched {
    struct http_reply *reply;
    bool done;
};

static void on_done(void *arg, struct http_reply *reply)
{
    struct fetched *f = arg;
    *f->reply = *reply;
    reply->body = BUF_INIT(reply->body.max);
    reply->content_type = NULL;
    f->done = true;
}

void http_fetch(const struct http_config *config, const struct http_request *req,
                struct http_reply *reply)
{
    *reply = (struct http_reply){.net = API_NET_BROKEN};
    struct http *h = http_new(config, &reply->error);
    if (!h)
        return;
    struct fetched f = {.reply = reply};
    /* The transfer's own deadline ends this loop. */
    if (http_submit(h, req, on_done, &f, &reply->error) == 0)
        while (!f.done)
            http_pump(h, MS_PER_S);
    http_free(h);
}
