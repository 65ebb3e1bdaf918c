/* Reading a snapshot. */
#include "job/snapshot.h"
#include <string.h>

struct job *job_ref(const struct job *j)
{
    struct job *counted = (struct job *)j; /* the count alone is not immutable */
    atomic_fetch_add_explicit(&counted->refs, 1, memory_order_relaxed);
    return counted;
}

void job_unref(const struct job *j)
{
    struct job *counted = (struct job *)j;
    if (!counted || atomic_fetch_sub_explicit(&counted->refs, 1, memory_order_acq_rel) != 1)
        return;
    job_facts_unref(counted->facts);
    free(counted);
}

const char *job_id(const struct job *j)
{
    return j->id;
}

enum job_status job_status(const struct job *j)
{
    return j->status;
}

bool job_final(const struct job *j)
{
    return job_status_final(j->status);
}

bool job_partial(const struct job *j)
{
    return j->partial;
}

const char *job_request_id(const struct job *j)
{
    return j->request_id;
}

int64_t job_mtime_ns(const struct job *j)
{
    return j->mtime_ns;
}

int64_t job_ctime_ns(const struct job *j)
{
    return j->ctime_ns;
}

size_t job_size(const struct job *j)
{
    return j->size;
}

size_t job_n_fields(const struct job *j)
{
    return j->n_fields;
}

const struct job_field *job_field_at(const struct job *j, size_t i)
{
    return &j->fields[i];
}

static int name_to_field(const void *name, const void *field)
{
    return strcmp(name, ((const struct job_field *)field)->name);
}

const struct job_field *job_find(const struct job *j, const char *name)
{
    return bsearch(name, j->fields, j->n_fields, sizeof *j->fields, name_to_field);
}

const struct job_field *job_find_number(const struct job *j, uint16_t number)
{
    for (size_t i = 0; i < j->n_fields; i++)
        if (j->fields[i].number == number)
            return &j->fields[i];
    return NULL;
}
