#include "support/ice_world.h"
#include "base/clock.h"
#include "support/http_client.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

const char *const sent_names[SENT_NAMES] = {"Host",
                                            "Accept",
                                            "User-Agent",
                                            "Content-Type",
                                            "Content-Length",
                                            "Authorization",
                                            "x-acs-action",
                                            "x-acs-version",
                                            "x-acs-date",
                                            "x-acs-signature-nonce",
                                            "x-acs-content-sha256",
                                            "x-acs-accesskey-id",
                                            "x-acs-security-token"};

static void answer(void *arg, const struct httpd_request *req, struct httpd_response *resp)
{
    struct world *w = arg;
    snprintf(w->query, sizeof w->query, "%s", req->query);
    for (size_t i = 0; i < ARRAY_LEN(sent_names); i++) {
        const char *value = httpd_header(req, sent_names[i]);
        snprintf(w->headers[i], sizeof w->headers[i], "%s", value ? value : "");
    }
    *resp = w->response;
}

const char *world_sent(const struct world *w, const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(sent_names); i++)
        if (strcmp(sent_names[i], name) == 0)
            return w->headers[i];
    fail_msg("%s is not kept", name);
    return NULL;
}

static const char *fake_getenv(void *ctx, const char *name)
{
    const struct world *w = ctx;
    if (strcmp(name, "ALIBABA_CLOUD_ACCESS_KEY_ID") == 0)
        return KEY;
    if (strcmp(name, "ALIBABA_CLOUD_ACCESS_KEY_SECRET") == 0)
        return SECRET;
    return strcmp(name, "ALIBABA_CLOUD_SECURITY_TOKEN") == 0 ? w->token : NULL;
}

struct world *world_new(const char *token, bool load)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    w->token = token;
    struct err err = {""};
    const struct creds_env env = {.getenv = fake_getenv, .ctx = w, .home = "/nonexistent"};
    w->httpd = httpd_start(answer, w);
    w->http = new_engine(NULL);
    w->creds = creds_new(&env, &err);
    if (!w->creds || (load && creds_load(w->creds, 5000, &err) < 0))
        fail_msg("%s", err.text);
    w->ice = ice_new(&(struct ice_config){httpd_url(w->httpd), w->http, w->creds}, &err);
    if (!w->ice)
        fail_msg("%s", err.text);
    return w;
}

void world_free(struct world *w)
{
    http_free(w->http);
    ice_free(w->ice);
    creds_free(w->creds);
    httpd_stop(w->httpd);
    free(w);
}

void keep_answer(void *arg, struct ice_answer *a)
{
    struct told *t = arg;
    t->times++;
    t->answer = *a;
    t->had_keys = a->keys != NULL;
    a->body = BUF_INIT(a->body.max);
}

void world_pump_until(struct world *w, const struct told *t)
{
    int64_t deadline = clock_mono_ms() + 6000;
    while (!t->times && clock_mono_ms() < deadline)
        http_pump(w->http, deadline - clock_mono_ms());
    assert_int_equal(t->times, 1);
}

struct told world_get(struct world *w, struct httpd_response response)
{
    struct told t = {0};
    w->response = response;
    assert_int_equal(ice_get(w->ice, JOB, 5000, keep_answer, &t, NULL), 0);
    world_pump_until(w, &t);
    return t;
}

struct told world_get_text(struct world *w, int status, const char *body)
{
    return world_get(w, (struct httpd_response){.status = status, .body = body});
}
