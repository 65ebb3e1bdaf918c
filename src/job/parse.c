/* The reply of GetMediaProducingJob. */
#include "job/snapshot.h"

/* A reply with a Code in place of the job is an error that came as an answer: its Code says which.
 */
static int no_job(const struct json *json, struct err *err)
{
    const char *code = job_reply_text(json, 0, "Code", NULL);
    if (code && *code)
        return err_set(err, "it has no MediaProducingJob, but the Code \"%.64s\"", code);
    return err_set(err, "it has no MediaProducingJob");
}

struct job *job_from_reply(const struct job_source *request, struct err *err)
{
    CLEANUP_JSON struct json json = {0};
    struct job_source src = *request;
    if (job_reply_parse(&json, src.whole, src.whole_len, err) < 0)
        return NULL;
    src.json = &json;
    src.object = json_member(&json, 0, "MediaProducingJob");
    if (src.object == JSON_NONE) {
        no_job(&json, err);
        return NULL;
    }
    src.request_id = job_reply_id(&json, err);
    return src.request_id ? job_build(&src, err) : NULL;
}

struct job *job_from_get(const char *want_id, const char *body, size_t len, const struct job *prev,
                         int64_t now_ns, struct err *err)
{
    const struct job_source src = {
        .want_id = want_id, .whole = body, .whole_len = len, .prev = prev, .now_ns = now_ns};
    struct job *j = job_from_reply(&src, err);
    if (!j)
        err_prefix(err, "reply of GetMediaProducingJob for %s", want_id);
    return j;
}
