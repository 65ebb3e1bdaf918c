/* A service with jobs that change when the test says so: Get and List as documented, pages and all.
 */
#ifndef TEST_LIVE_SERVICE_H
#define TEST_LIVE_SERVICE_H

#include "live/fixture.h"
#include <stdlib.h>

#define SERVICE_JOBS   1200
#define SERVICE_PAGE   100
#define SERVICE_BORN_S 60 /* all are so old when the test begins */

struct service_job {
    char id[40];
    const char *status;
    const char *message; /* NULL: none */
    int progress;
    bool unlisted;
    unsigned gets, lists;
    int64_t flipped_ms; /* when its status last changed; 0: it has not */
};

struct service {
    pthread_mutex_t lock; /* protects all below */
    struct service_job jobs[SERVICE_JOBS];
    size_t n;
    unsigned gets, lists;
    const char *get_code;  /* every Get is answered with this error ... */
    int get_status;        /* ... and status */
    const char *list_code; /* the same for lists */
    int list_status;
    const char *get_headers;
    bool hold_gets; /* answers to Gets wait until service_let_go */
    pthread_cond_t let_go;
    unsigned pages_max;    /* pages after so many fail; 0: none does */
    char first_query[512]; /* of the first list */
    bool tokens_wrong;     /* a token came that was not given out */
    char born[CLOCK_ISO_LEN];
};

static inline void service_init(struct service *s, size_t n, const char *status)
{
    memset(s, 0, sizeof(*s));
    mutex_init(&s->lock);
    cond_init(&s->let_go);
    s->n = n;
    clock_iso(clock_real_ns() / NS_PER_S - SERVICE_BORN_S, s->born);
    for (size_t i = 0; i < n; i++) {
        snprintf(s->jobs[i].id, sizeof(s->jobs[i].id), "job-%08zu", i);
        s->jobs[i].status = status;
    }
}

static inline struct service_job *service_find(struct service *s, const char *id)
{
    for (size_t i = 0; id && i < s->n; i++)
        if (strcmp(s->jobs[i].id, id) == 0)
            return &s->jobs[i];
    return NULL;
}

/* The body of an answer, as it grows. */
struct text {
    char *to;
    size_t len, room;
};

static inline void text_add(struct text *t, const char *fmt, ...) ICE_PRINTF(2, 3);
static inline void text_add(struct text *t, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(t->to + t->len, t->room - t->len, fmt, args);
    va_end(args);
    assert_true(n >= 0 && (size_t)n < t->room - t->len);
    t->len += (size_t)n;
}

/* The members that both operations show. */
static inline void service_add_members(struct text *t, const struct service *s,
                                       const struct service_job *j)
{
    text_add(t, "\"JobId\":\"%s\",\"Status\":\"%s\",\"CreateTime\":\"%s\"", j->id, j->status,
             s->born);
    if (j->message)
        text_add(t, ",\"Message\":\"%s\"", j->message);
}

static inline void service_error(struct text *t, struct httpd_response *resp, int status,
                                 const char *code)
{
    text_add(t, "{\"RequestId\":\"R\",\"Code\":\"%s\",\"Message\":\"m\"}", code);
    resp->status = status;
}

static inline void service_get(struct service *s, const struct httpd_request *req, struct text *t,
                               struct httpd_response *resp)
{
    struct service_job *j = service_find(s, httpd_param(req, "JobId"));
    s->gets++;
    if (j)
        j->gets++;
    if (s->get_code) {
        service_error(t, resp, s->get_status, s->get_code);
        resp->headers = s->get_headers;
    } else if (!j) {
        service_error(t, resp, 404, "JobNotFound");
    } else {
        text_add(t, "{\"RequestId\":\"R\",\"MediaProducingJob\":{");
        service_add_members(t, s, j);
        text_add(t, ",\"Progress\":%d}}", j->progress);
    }
    while (s->hold_gets && cond_wait_until(&s->let_go, &s->lock, clock_mono_ms() + 15000))
        ;
}

static inline void service_page(struct service *s, const char *status, size_t i, struct text *t)
{
    unsigned shown = 0;
    text_add(t, "{\"RequestId\":\"R\",\"MediaProducingJobList\":[");
    for (; i < s->n && shown < SERVICE_PAGE; i++) {
        struct service_job *j = &s->jobs[i];
        if (j->unlisted || (status && strcmp(status, j->status) != 0))
            continue;
        text_add(t, shown++ ? ",{" : "{");
        service_add_members(t, s, j);
        text_add(t, "}");
        j->lists++;
    }
    text_add(t, "],\"MaxResults\":\"100\"");
    if (i < s->n)
        text_add(t, ",\"NextToken\":\"page+%zu=\"", i);
    text_add(t, "}");
}

static inline void service_list(struct service *s, const struct httpd_request *req, struct text *t,
                                struct httpd_response *resp)
{
    const char *token = httpd_param(req, "NextToken");
    size_t from = 0;
    if (token && sscanf(token, "page+%zu=", &from) != 1)
        s->tokens_wrong = true;
    if (s->lists++ == 0)
        snprintf(s->first_query, sizeof(s->first_query), "%s", req->query);
    if (s->list_code)
        service_error(t, resp, s->list_status, s->list_code);
    else if (s->pages_max && from / SERVICE_PAGE >= s->pages_max)
        service_error(t, resp, 500, "InternalError");
    else
        service_page(s, httpd_param(req, "Status"), from, t);
}

static inline void service_serve(void *arg, const struct httpd_request *req,
                                 struct httpd_response *resp)
{
    static _Thread_local char body[1 << 16];
    struct text t = {.to = body, .room = sizeof(body)};
    struct service *s = arg;
    const char *action = httpd_header(req, "x-acs-action");
    *resp = (struct httpd_response){.body = body};
    LOCK_SCOPE(&s->lock);
    if (action && strcmp(action, "ListMediaProducingJobs") == 0)
        service_list(s, req, &t, resp);
    else
        service_get(s, req, &t, resp);
}

static inline void service_let_go(struct service *s)
{
    LOCK_SCOPE(&s->lock);
    s->hold_gets = false;
    cond_broadcast(&s->let_go);
}

/* One number of the service, read under its lock. */
#define SERVICE(s, what)                                                                           \
    ({                                                                                             \
        mutex_lock(&(s)->lock);                                                                    \
        __typeof__((s)->what) service_value_ = (s)->what;                                          \
        mutex_unlock(&(s)->lock);                                                                  \
        service_value_;                                                                            \
    })

static inline void service_set_status(struct service *s, size_t i, const char *status)
{
    LOCK_SCOPE(&s->lock);
    s->jobs[i].status = status;
    s->jobs[i].flipped_ms = clock_mono_ms();
}

#endif
