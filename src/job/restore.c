#include "job/restore.h"
#include "job/key.h"
#include "job/snapshot.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TIMES_MAX ((size_t)1 << 20)

/* ---- put away ---- */

static bool same_times(const struct job_field *a, const struct job_field *b)
{
    return a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
}

static bool has_versions(const struct job *j, const struct job_field *f)
{
    return f->mtime_ns == j->mtime_ns && f->ctime_ns == j->ctime_ns;
}

/* Whether a field before it has the same pair of times, and so the line. */
static bool has_line(const struct job *j, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (same_times(&j->fields[k], &j->fields[i]))
            return true;
    return false;
}

static int add_line(const struct job *j, size_t first, struct buf *out)
{
    const struct job_field *f = &j->fields[first];
    if (buf_addf(out, "%" PRId64 " %" PRId64, f->mtime_ns, f->ctime_ns) < 0)
        return -1;
    for (size_t i = first; i < j->n_fields; i++)
        if (same_times(&j->fields[i], f) && buf_addf(out, " %s", j->fields[i].name) < 0)
            return -1;
    return buf_addc(out, '\n');
}

int job_record(const struct job *j, struct buf *times, struct job_record *r)
{
    const struct job_field *whole = job_find_number(j, job_key_number(JOB_KEY_WHOLE));
    times->max = TIMES_MAX;
    buf_reset(times);
    for (size_t i = 0; i < j->n_fields; i++)
        if (!has_versions(j, &j->fields[i]) && !has_line(j, i) && add_line(j, i, times) < 0)
            return -1;
    *r = (struct job_record){.id = j->id,
                             .body = whole ? whole->data : "",
                             .len = whole ? whole->len : 0,
                             .times = buf_str(times),
                             .mtime_ns = j->mtime_ns,
                             .ctime_ns = j->ctime_ns,
                             .partial = j->partial};
    return 0;
}

/* ---- made again ---- */

static void set_versions(struct job *j, int64_t mtime_ns, int64_t ctime_ns)
{
    j->mtime_ns = j->facts->mtime_ns = mtime_ns;
    j->ctime_ns = j->facts->ctime_ns = ctime_ns;
    for (size_t i = 0; i < j->n_fields; i++) {
        j->fields[i].mtime_ns = mtime_ns;
        j->fields[i].ctime_ns = ctime_ns;
    }
}

static bool set_field(struct job *j, const char *name, int64_t mtime_ns, int64_t ctime_ns)
{
    for (size_t i = 0; i < j->n_fields; i++) {
        if (strcmp(j->fields[i].name, name) != 0)
            continue;
        j->fields[i].mtime_ns = mtime_ns;
        j->fields[i].ctime_ns = ctime_ns;
        return true;
    }
    return false;
}

/* One line, which is cut up. */
static bool set_line(struct job *j, char *line)
{
    int64_t mtime_ns, ctime_ns;
    int used = 0;
    char *save = NULL;
    if (sscanf(line, "%" SCNd64 " %" SCNd64 "%n", &mtime_ns, &ctime_ns, &used) != 2)
        return false;
    for (char *name = strtok_r(line + used, " ", &save); name; name = strtok_r(NULL, " ", &save))
        if (!set_field(j, name, mtime_ns, ctime_ns))
            return false;
    return true;
}

static int set_times(struct job *j, const struct job_record *r, struct err *err)
{
    char *text CLEANUP_FREE = strdup(r->times), *save = NULL;
    if (!text)
        return err_set(err, "no memory for its times");
    set_versions(j, r->mtime_ns, r->ctime_ns);
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        if (!set_line(j, line))
            return err_set(err, "its times make no sense");
    return 0;
}

struct job *job_restore(const struct job_record *r, struct err *err)
{
    const struct job_source src = {.want_id = r->id,
                                   .whole = r->body,
                                   .whole_len = r->len,
                                   .partial = r->partial,
                                   .now_ns = r->ctime_ns};
    struct job *j = job_from_reply(&src, err);
    /* Nobody else has it yet: it is not immutable before it is given out. */
    if (j && set_times(j, r, err) == 0)
        return j;
    job_unref(j);
    err_prefix(err, "stored reply of %s", r->id);
    return NULL;
}
