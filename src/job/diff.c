#include "job/job.h"
#include <string.h>

/* Rows written so far and in all. */
struct rows {
    struct job_change *out;
    size_t max, n;
};

static void add_row(struct rows *rows, enum job_change_kind kind, const struct job_field *f)
{
    if (rows->n < rows->max)
        rows->out[rows->n] =
            (struct job_change){.kind = kind, .name = f->name, .number = f->number};
    rows->n++;
}

static bool same_content(const struct job_field *a, const struct job_field *b)
{
    return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

/* Which of the next two names comes first; a job that has no more comes last. */
static int order(const struct job *before, size_t i, const struct job *after, size_t k)
{
    if (!before || i == job_n_fields(before))
        return 1;
    if (!after || k == job_n_fields(after))
        return -1;
    return strcmp(job_field_at(before, i)->name, job_field_at(after, k)->name);
}

size_t job_diff(const struct job *before, const struct job *after, struct job_change *out,
                size_t max)
{
    struct rows rows = {.out = out, .max = max};
    size_t n_before = before ? job_n_fields(before) : 0;
    size_t n_after = after ? job_n_fields(after) : 0;
    for (size_t i = 0, k = 0; i < n_before || k < n_after;) {
        int which = order(before, i, after, k);
        if (which < 0) {
            add_row(&rows, JOB_FIELD_REMOVED, job_field_at(before, i++));
        } else if (which > 0) {
            add_row(&rows, JOB_FIELD_ADDED, job_field_at(after, k++));
        } else {
            const struct job_field *b = job_field_at(before, i++), *a = job_field_at(after, k++);
            if (!same_content(b, a))
                add_row(&rows, JOB_FIELD_CHANGED, a);
        }
    }
    return rows.n;
}
