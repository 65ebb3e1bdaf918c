/* A job object becomes a snapshot. */
#include "base/clock.h"
#include "job/name.h"
#include "job/snapshot.h"
#include <string.h>

static enum job_status status_of(const struct plan *plan)
{
    const char *text = plan->text[JOB_KEY_STATUS];
    for (enum job_status s = JOB_STATUS_INIT; text && s <= JOB_STATUS_FAILED; s++)
        if (strcmp(text, job_status_name(s)) == 0)
            return s;
    return JOB_STATUS_OTHER;
}

static int check_id(const struct plan *plan, const char *want_id, struct err *err)
{
    const char *id = plan->text[JOB_KEY_JOB_ID];
    if (!id)
        return err_set(err, "it has no JobId");
    if (!job_id_possible(id))
        return err_set(err, "its JobId cannot be one: %.64s", id);
    if (want_id && strcmp(id, want_id) != 0)
        return err_set(err, "it is of another job, %.64s", id);
    return 0;
}

/* ---- is it a change? ---- */

static bool same_content(const struct job_field *have, const struct plan_file *f)
{
    if (have->number != f->number || have->len != plan_size(f))
        return false;
    /* an added line feed: its place in `have` need not be looked at, for the lengths are equal and
     * every file ends in one */
    return memcmp(have->data, plan_bytes(f), f->len) == 0;
}

static bool same_job(const struct job *prev, const struct plan *plan)
{
    size_t i = 0, k = 0;
    for (;; i++, k++) {
        while (i < prev->n_fields && job_key_is_envelope(prev->fields[i].number))
            i++;
        while (k < plan->n && job_key_is_envelope(plan->files[k].number))
            k++;
        if (i == prev->n_fields || k == plan->n)
            return i == prev->n_fields && k == plan->n;
        if (!same_content(&prev->fields[i], &plan->files[k]))
            return false;
    }
}

/* ---- times ---- */

/* What the service says about when the job last changed, or `now`. */
static int64_t service_time(const struct plan *plan, int64_t now_ns)
{
    static const enum job_key_id sources[] = {JOB_KEY_MODIFIED_TIME, JOB_KEY_COMPLETE_TIME,
                                              JOB_KEY_CREATE_TIME};
    for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
        const char *text = plan->text[sources[i]];
        int64_t ns;
        if (text && clock_parse_iso(text, &ns) == 0 && ns > 0)
            return ns;
    }
    return now_ns;
}

/* One time for all that this version changes: ModifiedTime when it is later than all before, else a
 * millisecond past them (less would be lost on programs that hold a file's time in a double). */
static int64_t version_mtime(const struct job *prev, const struct plan *plan, int64_t now_ns)
{
    int64_t ns = service_time(plan, now_ns);
    return prev && ns <= prev->mtime_ns ? prev->mtime_ns + NS_PER_MS : ns;
}

static int64_t version_ctime(const struct job *prev, int64_t now_ns)
{
    return prev && now_ns < prev->ctime_ns ? prev->ctime_ns : now_ns;
}

static void set_times(struct job *j, struct job_field *field, const struct job *prev,
                      const struct plan_file *f)
{
    const struct job_field *had = prev ? job_find(prev, f->name) : NULL;
    bool same = had && same_content(had, f);
    field->mtime_ns = same ? had->mtime_ns : j->mtime_ns;
    field->ctime_ns = same ? had->ctime_ns : j->ctime_ns;
}

/* ---- bytes ---- */

/* Copy to *arena, with `lf` and a NUL behind it, and move *arena on. */
static const char *put(char **arena, const char *bytes, size_t len, bool lf)
{
    char *start = *arena;
    memcpy(start, bytes, len);
    if (lf)
        start[len++] = '\n';
    start[len] = '\0';
    *arena = start + len + 1;
    return start;
}

static size_t arena_size(const struct plan *plan, const struct job_source *src)
{
    size_t size = strlen(plan->text[JOB_KEY_JOB_ID]) + 1 + strlen(src->request_id) + 1;
    for (size_t i = 0; i < plan->n; i++)
        size += plan_size(&plan->files[i]) + 1;
    return size;
}

static struct job *free_unmade(struct job *j)
{
    free(j);
    return NULL;
}

static struct job *assemble(const struct plan *plan, const struct job_source *src)
{
    size_t head = sizeof(struct job) + plan->n * sizeof(struct job_field);
    size_t size = head + arena_size(plan, src);
    struct job *j = malloc(size);
    if (!j)
        return NULL;
    const char *id = plan->text[JOB_KEY_JOB_ID];
    char *arena = (char *)j + head;
    atomic_init(&j->refs, 1);
    j->status = status_of(plan);
    j->partial = src->partial;
    j->id = put(&arena, id, strlen(id), false);
    j->request_id = put(&arena, src->request_id, strlen(src->request_id), false);
    j->mtime_ns = version_mtime(src->prev, plan, src->now_ns);
    j->ctime_ns = version_ctime(src->prev, src->now_ns);
    j->size = size;
    j->n_fields = plan->n;
    for (size_t i = 0; i < plan->n; i++) {
        const struct plan_file *f = &plan->files[i];
        j->fields[i] = (struct job_field){.name = f->name,
                                          .number = f->number,
                                          .data = put(&arena, plan_bytes(f), f->len, f->add_lf),
                                          .len = plan_size(f)};
        set_times(j, &j->fields[i], src->prev, f);
    }
    j->facts = job_facts_make(j);
    return j->facts ? j : free_unmade(j);
}

struct job *job_build(const struct job_source *src, struct err *err)
{
    CLEANUP_PLAN struct plan plan;
    if (plan_make(&plan, src->json, src->object, err) < 0)
        return NULL;
    if (check_id(&plan, src->want_id, err) < 0)
        return NULL;
    plan_add_made(&plan, JOB_KEY_REQUEST_ID, src->request_id, strlen(src->request_id));
    plan_add_made(&plan, JOB_KEY_WHOLE, src->whole, src->whole_len);
    plan_finish(&plan);
    if (src->prev && src->prev->partial == src->partial && same_job(src->prev, &plan))
        return job_ref(src->prev);
    struct job *j = assemble(&plan, src);
    if (!j)
        err_set(err, "no memory for its content");
    return j;
}
