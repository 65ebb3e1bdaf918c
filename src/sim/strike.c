/* What a fault does to a call. */
#include "sim/out.h"
#include "sim/service_call.h"
#include <stdio.h>
#include <string.h>

#define HUGE_DEFAULT (64U << 20)

static int do_error(struct sim_call *c, const char *code)
{
    const struct sim_fault *f = c->strike.fault;
    struct sim_error e = {
        .status = f->status, .code = f->code ? f->code : code, .message = f->message};
    if (f->kind == SIM_FAULT_FORBIDDEN)
        e.detail = "{\"AuthAction\":\"ice:GetMediaProducingJob\",\"AuthPrincipalType\":\"SubUser\","
                   "\"AuthPrincipalOwnerId\":\"1234567890123456\","
                   "\"AuthPrincipalDisplayName\":\"201234567890123456\","
                   "\"NoPermissionType\":\"ImplicitDeny\",\"PolicyType\":"
                   "\"AccountLevelIdentityBasedPolicy\",\"EncodedDiagnosticMessage\":\"AQIB...\"}";
    return sim_call_retry_after(c, f->retry_after_ms) < 0 ? -1 : sim_call_fail(c, &e);
}

static int do_body(struct sim_call *c, const char *content_type, const void *body, size_t n)
{
    const struct sim_fault *f = c->strike.fault;
    if (f->status)
        c->reply->status = f->status;
    c->reply->content_type = content_type;
    if (f->content_type) {
        c->reply->content_type = NULL;
        if (buf_addf(&c->reply->headers, "Content-Type: %s\n", f->content_type) < 0)
            return -1;
    }
    return f->has_body ? buf_add(&c->reply->body, buf_str(&f->body), f->body.len)
                       : buf_add(&c->reply->body, body, n);
}

static int do_garbage(struct sim_call *c)
{
    static const char page[] = "<html><head><title>Welcome</title></head>"
                               "<body><h1>Please log in to the network</h1></body></html>\n";
    return do_body(c, "text/html; charset=utf-8", page, sizeof(page) - 1);
}

static int do_ok_error(struct sim_call *c)
{
    const struct sim_fault *f = c->strike.fault;
    struct sim_out o = {.buf = &c->reply->body};
    snprintf(c->reply->code, sizeof(c->reply->code), "%s", f->code ? f->code : "InternalError");
    sim_out_text(&o, "{");
    sim_out_pair(&o, "RequestId", c->reply->request_id);
    sim_out_pair(&o, "Code", c->reply->code);
    sim_out_pair(&o, "Message", f->message ? f->message : sim_error_message(c->reply->code));
    sim_out_text(&o, "}");
    return sim_out_end(&o);
}

/* The wire fills it up and closes the string and both objects. */
static int do_huge(struct sim_call *c)
{
    const struct sim_fault *f = c->strike.fault;
    struct sim_out o = {.buf = &c->reply->body};
    sim_out_text(&o, "{");
    sim_out_pair(&o, "RequestId", c->reply->request_id);
    sim_out_text(&o, ",\"MediaProducingJob\":{");
    sim_out_pair(&o, "JobId", c->job ? c->job : "");
    sim_out_text(&o, ",\"Timeline\":\"");
    c->reply->wire = SIM_WIRE_HUGE;
    c->reply->total = f->bytes < 0 ? HUGE_DEFAULT : (size_t)f->bytes;
    return sim_out_end(&o);
}

/* A good answer that speaks of another job. */
static void rename_job(struct sim_reply *reply)
{
    static const char key[] = "\"JobId\":\"";
    char *at = reply->body.data ? strstr(reply->body.data, key) : NULL;
    if (at)
        at[sizeof(key) - 1] = at[sizeof(key) - 1] == 'f' ? '0' : 'f';
}

static void do_wire(struct sim_call *c, enum sim_wire wire)
{
    const struct sim_fault *f = c->strike.fault;
    size_t len = c->reply->body.len;
    size_t otherwise = wire == SIM_WIRE_SLOW ? 1 : len / 2;
    c->reply->wire = wire;
    c->reply->fault_id = f->id;
    c->reply->pace_ms = f->pace_ms;
    c->reply->part = f->bytes < 0 ? otherwise : (size_t)f->bytes;
}

int sim_strike_blindly(struct sim_call *c)
{
    static const char nothing[] = "";
    if (!c->strike.fault || c->strike.fault->kind > SIM_FAULT_HUGE)
        return 0;
    int rc = 0;
    switch (c->strike.fault->kind) {
    case SIM_FAULT_ERROR:
        rc = do_error(c, "InternalError");
        break;
    case SIM_FAULT_HANG:
        do_wire(c, SIM_WIRE_HANG);
        break;
    case SIM_FAULT_RESET:
        do_wire(c, SIM_WIRE_RESET);
        break;
    case SIM_FAULT_GARBAGE:
        rc = do_garbage(c);
        break;
    case SIM_FAULT_HUGE:
        rc = do_huge(c);
        break;
    default: /* empty and raw */
        rc = do_body(c, c->reply->content_type, nothing, 0);
    }
    return rc < 0 ? -1 : 1;
}

int sim_strike_answer(struct sim_call *c)
{
    int rc;
    switch (c->strike.fault->kind) {
    case SIM_FAULT_THROTTLE:
        return do_error(c, "Throttling.User");
    case SIM_FAULT_TOKEN_EXPIRED:
        return do_error(c, "InvalidSecurityToken.Expired");
    case SIM_FAULT_NOT_FOUND:
        return do_error(c, "JobNotFound");
    case SIM_FAULT_FORBIDDEN:
        return do_error(c, "Forbidden.RAM");
    case SIM_FAULT_OK_ERROR:
        return do_ok_error(c);
    case SIM_FAULT_OTHER_JOB:
        rc = sim_call_operate(c);
        rename_job(c->reply);
        return rc;
    default: /* cut and slow */
        rc = sim_call_operate(c);
        do_wire(c, c->strike.fault->kind == SIM_FAULT_CUT ? SIM_WIRE_CUT : SIM_WIRE_SLOW);
        return rc;
    }
}
