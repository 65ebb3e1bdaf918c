#include "cli/probe.h"
#include "api/http.h"
#include "api/ice.h"
#include "base/clock.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GRACE_MS 1000
#define PUMP_MS  100

/* On the heap, for it must outlive an answer that comes too late: whoever of the caller and the
 * callback is second frees it. */
struct call {
    struct probe probe;
    bool answered;
    bool abandoned;
};

static void on_answer(void *arg, struct ice_answer *a)
{
    struct call *c = arg;
    if (c->abandoned) {
        free(c);
        return;
    }
    c->answered = true;
    c->probe = (struct probe){.class = a->class,
                              .net = a->net,
                              .status = a->status,
                              .took_ms = a->took_ms,
                              .error = a->error};
    snprintf(c->probe.code, sizeof c->probe.code, "%s", a->code);
    snprintf(c->probe.request_id, sizeof c->probe.request_id, "%s", a->request_id);
}

static int submit(struct ice *ice, const char *job_id, int64_t timeout_ms, struct call *c,
                  struct err *err)
{
    if (job_id)
        return ice_get(ice, job_id, timeout_ms, on_answer, c, err);
    struct ice_list_query query = {.max_results = 1};
    return ice_list(ice, &query, timeout_ms, on_answer, c, err);
}

static void take_result(struct call *c, int64_t timeout_ms, struct probe *out)
{
    if (c->answered) {
        *out = c->probe;
        free(c);
        return;
    }
    c->abandoned = true;
    *out = (struct probe){.class = API_TEMPORARY, .net = API_NET_TIMEOUT, .took_ms = timeout_ms};
    err_set(&out->error, "no answer within %lld ms", (long long)timeout_ms);
}

int probe_call(struct http *http, struct ice *ice, const char *job_id, int64_t timeout_ms,
               struct probe *out, struct err *err)
{
    struct call *c = calloc(1, sizeof *c);
    if (!c)
        return err_set(err, "ask the service: %s", strerror(ENOMEM));
    if (submit(ice, job_id, timeout_ms, c, err) < 0) {
        free(c);
        return -1;
    }
    int64_t deadline = clock_mono_ms() + timeout_ms + GRACE_MS;
    while (!c->answered && clock_mono_ms() < deadline)
        http_pump(http, PUMP_MS);
    take_result(c, timeout_ms, out);
    return 0;
}
