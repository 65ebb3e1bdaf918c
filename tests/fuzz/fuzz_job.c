/* Fuzzes both reply parsers: any bytes are refused or give a snapshot that keeps its promises.
 *
 *   clang -std=c11 -D_GNU_SOURCE -g -O1 -fsanitize=fuzzer,address,undefined -Iinclude \
 *       tests/fuzz/fuzz_job.c src/job/[a-z]*.c src/base/[a-z]*.c -lcjson -pthread -o fuzz_job
 *   ./fuzz_job -max_len=65536 NEW_CORPUS tests/fuzz/corpus/job
 *
 * The unit tests replay the corpus through the same function. */
#include "base/log.h"
#include "job/job.h"
#include "job/name.h"
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

#define FUZZ_JOB_ID "cdb3e74639973036bc84aaaabbbbcccc"

/* A broken promise ends the run, whatever NDEBUG says. */
static void must(bool kept, const char *promise)
{
    if (kept)
        return;
    fprintf(stderr, "broken promise: %s\n", promise);
    abort();
}

static void check_field(const struct job *j, const struct job_field *f)
{
    must(job_name_possible(f->name), "a field's name is a file name");
    must(f->name == job_name_text(f->number), "names are interned");
    must(f->len > 0 && f->data[f->len - 1] == '\n', "content ends in a line feed");
    must(!memchr(f->data, '\0', f->len), "content holds no NUL");
    must(job_find(j, f->name) == f, "a field is found by name");
    must(job_find_number(j, f->number) == f, "a field is found by number");
    must(f->mtime_ns <= job_mtime_ns(j), "the job's mtime is the latest");
}

static void check_job(const struct job *j)
{
    must(job_id_possible(job_id(j)), "the id can be one");
    must(job_find(j, "job_id") && job_find(j, "job.json"), "job_id and job.json are there");
    for (size_t i = 0; i < job_n_fields(j); i++) {
        check_field(j, job_field_at(j, i));
        if (i > 0)
            must(strcmp(job_field_at(j, i - 1)->name, job_field_at(j, i)->name) < 0,
                 "fields are sorted and their names differ");
    }
}

static struct job *parse(const char *body, size_t len, const struct job *prev)
{
    struct err err = {"?"};
    struct job *j = job_from_get(FUZZ_JOB_ID, body, len, prev, prev ? 2 : 1, &err);
    must(j || strcmp(err.text, "?") != 0, "a refusal has a reason");
    return j;
}

static void check_get(const char *body, size_t len)
{
    struct job *j = parse(body, len, NULL);
    if (!j)
        return;
    check_job(j);
    must(strcmp(job_id(j), FUZZ_JOB_ID) == 0, "a job is the one asked for");
    struct job *again = parse(body, len, j);
    must(again == j, "the same reply is no change");
    const struct job_field *whole = job_find(j, "job.json");
    struct job *restored = parse(whole->data, whole->len, j);
    must(restored == j, "job.json gives the same job");
    job_unref(restored);
    job_unref(again);
    job_unref(j);
}

static void check_item(const struct job *j)
{
    check_job(j);
    must(job_partial(j), "a list gives partial jobs");
    const struct job_field *whole = job_find(j, "job.json");
    struct job *got = job_from_get(job_id(j), whole->data, whole->len, NULL, 1, NULL);
    must(got != NULL, "an item's job.json is a reply of Get");
    must(job_diff(j, got, NULL, 0) == 0, "an item's job.json gives the item's fields");
    job_unref(got);
}

static void check_list(const char *body, size_t len)
{
    struct job_page page;
    struct err err = {"?"};
    if (job_page_from_list(body, len, 1, &page, &err) < 0) {
        must(strcmp(err.text, "?") != 0, "a refusal has a reason");
        must(page.n == 0 && !page.jobs && !page.next_token, "a refused page is empty");
        return;
    }
    must(!page.next_token || *page.next_token, "no token is NULL");
    for (size_t i = 0; i < page.n; i++)
        check_item(page.jobs[i]);
    job_page_free(&page);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    log_set_level(LOG_LEVEL_ERROR);
    return 0;
}

/* The bytes go through memory of their very size, so that reading past them is seen. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *body = malloc(size ? size : 1);
    must(body != NULL, "memory");
    if (size)
        memcpy(body, data, size);
    check_get(body, size);
    check_list(body, size);
    free(body);
    return 0;
}
