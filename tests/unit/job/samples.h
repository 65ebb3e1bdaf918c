/* What the tests of this room share: replies, and short ways to make snapshots of them. */
#ifndef TEST_JOB_SAMPLES_H
#define TEST_JOB_SAMPLES_H

#include "base/attr.h"
#include "base/buf.h"
#include "job/job.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define ID     "cdb3e74639973036bc84aaaabbbbcccc"
#define NOW    (INT64_C(1700000000) * 1000000000)
#define SECOND INT64_C(1000000000)

#define CORPUS TEST_DATA "/../fuzz/corpus/job"

/* A Get reply for ID with more members, each with a comma before it. */
#define REPLY(members) REPLY_OF("R-1", members)
#define REPLY_OF(rid, members)                                                                     \
    "{\"RequestId\":\"" rid "\",\"MediaProducingJob\":{\"JobId\":\"" ID "\"" members "}}"

ICE_UNUSED static struct job *get_after(const char *body, const struct job *prev, int64_t now_ns)
{
    struct err err = {""};
    struct job *j = job_from_get(ID, body, strlen(body), prev, now_ns, &err);
    if (!j)
        fprintf(stderr, "refused: %s\n", err.text);
    assert_non_null(j);
    return j;
}

ICE_UNUSED static struct job *get(const char *body)
{
    return get_after(body, NULL, NOW);
}

/* The reply is refused, and the reason has `why` in it. */
ICE_UNUSED static void assert_refused(const char *body, const char *why)
{
    struct err err = {""};
    assert_null(job_from_get(ID, body, strlen(body), NULL, NOW, &err));
    if (!strstr(err.text, why))
        fail_msg("refused with \"%s\", not with \"%s\"", err.text, why);
}

/* NULL `content`: there is no such file. */
ICE_UNUSED static void assert_file(const struct job *j, const char *name, const char *content)
{
    const struct job_field *f = job_find(j, name);
    if (!content) {
        if (f)
            fail_msg("%s is there: %s", name, f->data);
        return;
    }
    if (!f)
        fail_msg("%s is not there", name);
    assert_int_equal(f->len, strlen(content));
    assert_memory_equal(f->data, content, f->len);
}

ICE_UNUSED static void read_file(const char *path, struct buf *out)
{
    char part[4096];
    ssize_t n;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    buf_reset(out);
    while ((n = read(fd, part, sizeof part)) > 0)
        assert_int_equal(buf_add(out, part, (size_t)n), 0);
    close(fd);
}

ICE_UNUSED static struct job *get_sample(const char *file)
{
    char path[512];
    CLEANUP_BUF struct buf body = BUF_INIT(1 << 20);
    snprintf(path, sizeof path, CORPUS "/%s", file);
    read_file(path, &body);
    return get(buf_str(&body));
}

/* Log lines go to stderr: catch them in a temporary file. */
struct caught {
    FILE *file;
    int stderr_was;
};

ICE_UNUSED static struct caught catch_log(void)
{
    struct caught c = {.file = tmpfile(), .stderr_was = dup(2)};
    assert_non_null(c.file);
    assert_true(c.stderr_was >= 0 && dup2(fileno(c.file), 2) == 2);
    return c;
}

/* How many lines came that have `text` in them. */
ICE_UNUSED static unsigned caught_lines(struct caught *c, const char *text)
{
    char line[2048];
    unsigned n = 0;
    dup2(c->stderr_was, 2);
    close(c->stderr_was);
    rewind(c->file);
    while (fgets(line, sizeof line, c->file))
        n += strstr(line, text) != NULL;
    fclose(c->file);
    return n;
}

#endif
