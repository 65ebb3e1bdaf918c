#include "sim/reply.h"
#include "sim/out.h"
#include "sim/xml.h"
#include <stdio.h>
#include <string.h>

void sim_reply_init(struct sim_reply *r)
{
    *r = (struct sim_reply){.status = 200,
                            .content_type = "application/json;charset=utf-8",
                            .body = BUF_INIT(SIM_BODY_MAX),
                            .headers = BUF_INIT(64U << 10)};
}

void sim_reply_free(struct sim_reply *r)
{
    buf_free(&r->body);
    buf_free(&r->headers);
}

struct known {
    const char *code;
    int status;
    const char *message;
};

static const struct known known[] = {
    {"Throttling.User", 400, "Request was denied due to user flow control."},
    {"Throttling.Api", 400, "Request was denied due to api flow control."},
    {"Throttling", 400, "Request was denied due to request throttling."},
    {"ServiceUnavailable", 503, "The request has failed due to a temporary failure of the server."},
    {"InternalError", 500,
     "The request processing has failed due to some unknown error, exception or failure."},
    {"JobNotFound", 404, "The specified job does not exist."},
    {"Forbidden.RAM", 403, "User not authorized to operate on the specified resource."},
    {"InvalidAction.NotFound", 404,
     "Specified api is not found, please check your url and method."},
    {"InvalidApi.NotFound", 404, "Specified api is not found, please check your url and method."},
    {"InvalidAccessKeyId.NotFound", 404, "Specified access key is not found."},
    {"InvalidAccessKeyId.Inactive", 400, "Specified access key is disabled."},
    {"InvalidSecurityToken.Expired", 400, "Specified SecurityToken is expired."},
    {"InvalidSecurityToken.MismatchWithAccessKey", 400,
     "Specified SecurityToken mismatch with the AccessKey."},
    {"MissingSecurityToken", 400, "SecurityToken is mandatory for this action."},
    {"InvalidTimeStamp.Expired", 400,
     "Specified time stamp or date value is expired: it is more than 15 minutes off."},
    {"InvalidTimeStamp.Format", 400, "Specified time stamp or date value is not well formatted."},
    {"SignatureNonceUsed", 400, "Specified signature nonce was used already."},
    {"IncompleteSignature", 400, "The request signature does not conform to ACS3-HMAC-SHA256."},
};

static const struct known *find(const char *code)
{
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strcmp(known[i].code, code) == 0)
            return &known[i];
    return NULL;
}

int sim_error_status(const char *code)
{
    const struct known *k = find(code);
    return k ? k->status : 400;
}

const char *sim_error_message(const char *code)
{
    const struct known *k = find(code);
    return k ? k->message : "The request was refused.";
}

static int write_json(struct sim_reply *r, const struct sim_error *e, const char *message)
{
    struct sim_out o = {.buf = &r->body};
    char link[256];
    snprintf(link, sizeof(link),
             "https://api.aliyun.com/troubleshoot?q=%s&product=ICE&requestId=%s", e->code,
             r->request_id);
    sim_out_text(&o, "{");
    sim_out_pair(&o, "RequestId", r->request_id);
    sim_out_pair(&o, "HostId", e->host);
    sim_out_pair(&o, "Code", e->code);
    sim_out_pair(&o, "Message", message);
    sim_out_pair(&o, "Recommend", link);
    if (e->detail) {
        sim_out_key(&o, "AccessDeniedDetail");
        sim_out_text(&o, e->detail);
    }
    sim_out_text(&o, "}");
    return sim_out_end(&o);
}

int sim_reply_error(struct sim_reply *r, const struct sim_error *e)
{
    r->status = e->status ? e->status : sim_error_status(e->code);
    snprintf(r->code, sizeof(r->code), "%s", e->code);
    buf_reset(&r->body);
    if (write_json(r, e, e->message ? e->message : sim_error_message(e->code)) < 0)
        return -1;
    if (!e->xml)
        return 0;
    struct buf CLEANUP_BUF xml = BUF_INIT(SIM_BODY_MAX);
    if (sim_xml_document(&xml, "Error", buf_str(&r->body)) < 0)
        return -1;
    r->content_type = "text/xml;charset=utf-8";
    buf_reset(&r->body);
    return buf_add(&r->body, buf_str(&xml), xml.len);
}
