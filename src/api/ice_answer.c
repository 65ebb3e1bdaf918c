#include "api/ice_answer.h"
#include "api/fault.h"
#include "api/http.h"
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* One line, written piece by piece; what does not fit is left out. */
struct line {
    char text[ERR_TEXT_MAX];
    size_t len;
};

static void say(struct line *l, const char *fmt, ...) ICE_PRINTF(2, 3);

static void say(struct line *l, const char *fmt, ...)
{
    size_t room = sizeof l->text - l->len;
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(l->text + l->len, room, fmt, args);
    va_end(args);
    if (n > 0)
        l->len += (size_t)n < room ? (size_t)n : room - 1;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* NULL, or why these bytes cannot be the data: a look at both ends and for one key, no parsing. The
 * quotes around the key keep it from being found inside of a text, where they would be escaped. */
static const char *why_not_data(const struct buf *body, const char *member)
{
    const char *from = buf_str(body), *to = from + body->len;
    while (from < to && is_blank(*from))
        from++;
    while (to > from && is_blank(to[-1]))
        to--;
    if (from == to)
        return "the answer is empty";
    if (*from != '{')
        return "the answer is not JSON";
    if (to[-1] != '}')
        return "the answer is cut off";
    return memmem(from, (size_t)(to - from), member, strlen(member)) ? NULL
                                                                     : "the answer holds no data";
}

static void say_hint(struct line *l, const struct ice_answer *a)
{
    const char *hint = api_hint(a->status, a->code, a->net);
    if (hint)
        say(l, "; %s", hint);
    if (a->request_id[0])
        say(l, " (request %s)", a->request_id);
}

static void read_no_answer(struct line *l, const struct http_reply *reply, struct ice_answer *out)
{
    out->net = reply->net;
    out->class = api_classify_net(reply->net);
    say(l, "%s", reply->error.text);
    say_hint(l, out);
}

/* An answer without data. `why`: what is wrong with one that should have had some. */
static void read_fault(struct line *l, const char *why, const struct http_reply *reply,
                       struct ice_answer *out)
{
    struct fault fault;
    bool has_code = fault_parse(buf_str(&reply->body), reply->body.len, &fault);
    snprintf(out->code, sizeof out->code, "%s", fault.code);
    snprintf(out->request_id, sizeof out->request_id, "%s", fault.request_id);
    out->class = api_classify(reply->status, out->code, reply->retry_after_ms > 0);
    /* A status of success without data is no success. */
    if (out->class == API_OK || (why && !has_code))
        out->class = API_BROKEN;
    if (has_code)
        say(l, "%d %s%s%s", reply->status, fault.code, fault.message[0] ? ": " : "", fault.message);
    else
        say(l, "%d: %s", reply->status, why ? why : "the answer names no error code");
    say_hint(l, out);
}

void ice_answer_read(const char *call, const char *member, struct http_reply *reply,
                     struct ice_answer *out)
{
    *out = (struct ice_answer){.status = reply->status,
                               .retry_after_ms = reply->retry_after_ms,
                               .took_ms = reply->took_ms};
    struct line line = {.len = 0};
    say(&line, "%s: ", call);
    const char *why = reply->status == 200 ? why_not_data(&reply->body, member) : NULL;
    if (reply->net != API_NET_NONE) {
        read_no_answer(&line, reply, out);
    } else if (reply->status == 200 && !why) {
        out->class = API_OK;
        out->body = reply->body;
        reply->body = BUF_INIT(reply->body.max);
        return;
    } else {
        read_fault(&line, why, reply, out);
    }
    err_set(&out->error, "%s", line.text);
}
