#include "job/facts.h"
#include "base/clock.h"
#include "job/key.h"
#include "job/row.h"
#include "job/snapshot.h"
#include <stdatomic.h>
#include <string.h>

/* What is given out, and the texts behind it. */
struct counted {
    struct job_facts facts; /* first: what is given out is this */
    atomic_uint refs;
    char texts[];
};

static struct counted *counted_of(const struct job_facts *f)
{
    return (struct counted *)f; /* the count alone is not immutable */
}

static struct job_facts *make(const struct job_facts *from, size_t id_len, size_t project_len)
{
    struct counted *c = malloc(sizeof *c + id_len + project_len + 2);
    if (!c)
        return NULL;
    char *project = c->texts + id_len + 1;
    c->facts = *from;
    c->facts.id = memcpy(c->texts, from->id, id_len);
    c->facts.project = memcpy(project, from->project, project_len);
    c->texts[id_len] = project[project_len] = '\0';
    atomic_init(&c->refs, 1);
    return &c->facts;
}

struct job_facts *job_facts_new(const struct job_facts *from)
{
    return make(from, strlen(from->id), strlen(from->project));
}

struct job_facts *job_facts_ref(const struct job_facts *f)
{
    atomic_fetch_add_explicit(&counted_of(f)->refs, 1, memory_order_relaxed);
    return &counted_of(f)->facts;
}

void job_facts_unref(const struct job_facts *f)
{
    if (f && atomic_fetch_sub_explicit(&counted_of(f)->refs, 1, memory_order_acq_rel) == 1)
        free(counted_of(f));
}

const struct job_facts *job_facts_of(const struct job *j)
{
    return j->facts;
}

/* ---- of a snapshot ---- */

static const struct job_field *field(const struct job *j, enum job_key_id id)
{
    return job_find_number(j, job_key_number(id));
}

static int64_t create_s(const struct job *j)
{
    const struct job_field *f = field(j, JOB_KEY_CREATE_TIME);
    char text[64];
    int64_t ns;
    if (!f || f->len > sizeof text)
        return JOB_NO_TIME;
    memcpy(text, f->data, f->len);
    text[f->len - 1] = '\0'; /* in the place of its line feed */
    return clock_parse_iso(text, &ns) == 0 ? ns / NS_PER_S : JOB_NO_TIME;
}

struct job_facts *job_facts_make(const struct job *j)
{
    const struct job_field *project = field(j, JOB_KEY_PROJECT_ID);
    const struct job_facts facts = {.id = j->id,
                                    .project = project ? project->data : "",
                                    .create_s = create_s(j),
                                    .mtime_ns = j->mtime_ns,
                                    .ctime_ns = j->ctime_ns,
                                    .row_len = (uint32_t)job_row_len(j),
                                    .status = (uint8_t)j->status,
                                    .partial = j->partial,
                                    .duration = field(j, JOB_KEY_DURATION) != NULL};
    return make(&facts, strlen(j->id), project ? project->len - 1 : 0);
}
