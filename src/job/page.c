/* The reply of ListMediaProducingJobs. */
#include "base/buf.h"
#include "base/log.h"
#include "job/snapshot.h"
#include <errno.h>
#include <string.h>

/* What the items of one page share. */
struct page_reply {
    const struct json *json;
    const char *request_id;
    struct buf whole; /* job.json of one item after the other */
    int64_t now_ns;
    struct err first; /* why the first dropped item was dropped */
    size_t dropped;
};

/* job.json of a job that only a list has named: the item as sent, in the shape of Get's reply. */
static int wrap_item(struct page_reply *r, const struct json_value *item)
{
    size_t id = json_member(r->json, 0, "RequestId");
    struct buf *b = &r->whole;
    buf_reset(b);
    if (buf_adds(b, "{\"RequestId\":") < 0)
        return -1;
    if (id == JSON_NONE ? buf_adds(b, "\"\"") < 0
                        : buf_add(b, r->json->values[id].raw, r->json->values[id].raw_len) < 0)
        return -1;
    if (buf_adds(b, ",\"MediaProducingJob\":") < 0)
        return -1;
    return buf_add(b, item->raw, item->raw_len) < 0 ? -1 : buf_addc(b, '}');
}

static struct job *from_item(struct page_reply *r, size_t item, struct err *err)
{
    if (wrap_item(r, &r->json->values[item]) < 0) {
        err_set(err, "no memory for its content");
        return NULL;
    }
    const struct job_source src = {.json = r->json,
                                   .object = item,
                                   .request_id = r->request_id,
                                   .whole = buf_str(&r->whole),
                                   .whole_len = r->whole.len,
                                   .partial = true,
                                   .now_ns = r->now_ns};
    return job_build(&src, err);
}

/* -1 only without memory: that says nothing about the item. */
static int add_item(struct page_reply *r, size_t item, struct job_page *out, struct err *err)
{
    struct err why;
    errno = 0;
    struct job *j = from_item(r, item, &why);
    if (j)
        out->jobs[out->n++] = j;
    else if (errno == ENOMEM)
        return err_set(err, "%s", why.text);
    else if (r->dropped++ == 0)
        r->first = why;
    return 0;
}

static int add_items(struct page_reply *r, size_t list, struct job_page *out, struct err *err)
{
    size_t n = 0;
    for (size_t i = json_first(r->json, list); i != JSON_NONE; i = json_next(r->json, list, i))
        n++;
    if (n == 0)
        return 0;
    if (n > JOB_PAGE_MAX)
        return err_set(err, "%zu jobs, more than the %d that are taken", n, JOB_PAGE_MAX);
    out->jobs = (struct job **)calloc(n, sizeof *out->jobs);
    if (!out->jobs)
        return err_set(err, "no memory for %zu jobs", n);
    for (size_t i = json_first(r->json, list); i != JSON_NONE; i = json_next(r->json, list, i))
        if (add_item(r, i, out, err) < 0)
            return -1;
    if (r->dropped)
        log_warn("items of the job list dropped: count=%zu of=%zu first=\"%s\"", r->dropped, n,
                 r->first.text);
    return 0;
}

/* The list; JSON_NONE for an empty page. A reply that has neither list nor RequestId, or a Code
 * instead, is an error that came as an answer. */
static int find_list(const struct json *json, const char *request_id, size_t *list, struct err *err)
{
    *list = json_member(json, 0, "MediaProducingJobList");
    if (*list == JSON_NONE) {
        const char *code = job_reply_text(json, 0, "Code", NULL);
        if (!*request_id || !code || *code)
            return err_set(err, "it has no MediaProducingJobList");
        return 0;
    }
    enum json_type type = json->values[*list].type;
    if (type != JSON_ARRAY)
        return err_set(err, "MediaProducingJobList is %s, not an array", json_type_name(type));
    return 0;
}

static int set_next_token(const struct json *json, struct job_page *out, struct err *err)
{
    const char *token = job_reply_text(json, 0, "NextToken", err);
    if (!token)
        return -1;
    if (!*token)
        return 0;
    out->next_token = strdup(token);
    return out->next_token ? 0 : err_set(err, "no memory for NextToken");
}

static int from_list(const char *body, size_t len, int64_t now_ns, struct job_page *out,
                     struct err *err)
{
    CLEANUP_JSON struct json json = {0};
    struct page_reply r = {.json = &json, .now_ns = now_ns, .whole = BUF_INIT(2 * JOB_REPLY_MAX)};
    size_t list;
    if (job_reply_parse(&json, body, len, err) < 0)
        return -1;
    r.request_id = job_reply_id(&json, err);
    if (!r.request_id || find_list(&json, r.request_id, &list, err) < 0)
        return -1;
    if (set_next_token(&json, out, err) < 0)
        return -1;
    int rc = list == JSON_NONE ? 0 : add_items(&r, list, out, err);
    buf_free(&r.whole);
    return rc;
}

int job_page_from_list(const char *body, size_t len, int64_t now_ns, struct job_page *out,
                       struct err *err)
{
    *out = (struct job_page){0};
    if (from_list(body, len, now_ns, out, err) == 0)
        return 0;
    job_page_free(out);
    return err_prefix(err, "reply of ListMediaProducingJobs");
}

void job_page_free(struct job_page *page)
{
    for (size_t i = 0; i < page->n; i++)
        job_unref(page->jobs[i]);
    free((void *)page->jobs);
    free(page->next_token);
    *page = (struct job_page){0};
}
