/* Groupings, and the lines of jobs.tsv. */
#include "base/attr.h"
#include "base/buf.h"
#include "cache/fixture.h"
#include "job/row.h"
#include <stdlib.h>

/* By status, by the last digit of the id, and by nothing. */
static uint64_t label(const struct job_facts *f, unsigned grouping)
{
    if (grouping == 0)
        return f->status;
    return grouping == 1 ? (uint64_t)(unsigned char)f->id[strlen(f->id) - 1] : 0;
}

static void open_grouped(struct bench *b)
{
    bench_open(b);
    cache_group_by(b->c, label);
}

/* The ids of a group, sorted, with a blank behind each. */
static void assert_group(struct bench *b, unsigned grouping, uint64_t l, const char *ids)
{
    struct cache_row *rows;
    size_t n, bytes = 0;
    assert_int_equal(cache_list_group(b->c, grouping, l, &rows, &n), 0);
    assert_int_equal(cache_group_size(b->c, grouping, l), n);
    for (size_t i = 0; i < n; i++) {
        bytes += strlen(rows[i].facts->id) + 1;
        assert_non_null(strstr(ids, rows[i].facts->id));
    }
    assert_int_equal(bytes, strlen(ids));
    cache_list_free(rows, n);
}

static void jobs_are_listed_by_their_labels_and_move_with_them(void **state)
{
    (void)state;
    struct bench b;
    open_grouped(&b);
    uint64_t key = known(&b, "group-job-1", "Processing", 0);
    known(&b, "group-job-2", "Processing", 0);
    known(&b, "other-job-1", "Success", 0);
    key_of_name(&b, "provisional-1", 0);
    assert_group(&b, 0, JOB_STATUS_PROCESSING, "group-job-1 group-job-2 ");
    assert_group(&b, 0, JOB_STATUS_SUCCESS, "other-job-1 ");
    assert_group(&b, 0, JOB_STATUS_FAILED, "");
    assert_group(&b, 1, '1', "group-job-1 other-job-1 ");
    assert_group(&b, 2, 1, "");
    put_job(&b, key, "Failed", 10, 1);
    assert_group(&b, 0, JOB_STATUS_PROCESSING, "group-job-2 ");
    assert_group(&b, 0, JOB_STATUS_FAILED, "group-job-1 ");
    assert_group(&b, 1, '1', "group-job-1 other-job-1 ");
    cache_forget(b.c, key); /* nobody has said that it leaves */
    assert_group(&b, 0, JOB_STATUS_FAILED, "group-job-1 ");
    assert_int_equal(cache_forget_idle(b.c, 1000, 5000), 2); /* and the other finished one */
    cache_forget(b.c, key);
    assert_group(&b, 0, JOB_STATUS_FAILED, "");
    assert_group(&b, 1, '1', "other-job-1 ");
    bench_close(&b);
}

static void groups_that_have_jobs_are_listed(void **state)
{
    (void)state;
    struct bench b;
    struct cache_group *groups;
    size_t n;
    char id[32];
    open_grouped(&b);
    for (int i = 0; i < 100; i++) {
        snprintf(id, sizeof id, "many-jobs-%02d%c", i, 'A' + i % 26); /* 26 labels */
        known(&b, id, i % 2 ? "Init" : "Failed", 0);
    }
    assert_int_equal(cache_groups(b.c, 0, &groups, &n), 0);
    assert_int_equal(n, 2);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(groups[i].n, 50);
        assert_int_equal(groups[i].one->status, groups[i].label);
    }
    cache_groups_free(groups, n);
    assert_int_equal(cache_groups(b.c, 1, &groups, &n), 0);
    assert_int_equal(n, 26);
    cache_groups_free(groups, n);
    assert_int_equal(cache_groups(b.c, 2, &groups, &n), 0);
    assert_int_equal(n, 0);
    cache_groups_free(groups, n);
    bench_close(&b);
}

/* ---- lines ---- */

static void add_row(void *arg, const char *row, size_t len)
{
    assert_int_equal(buf_add(arg, row, len), 0);
}

static void the_lines_are_those_of_all_known_jobs_sorted_and_their_size_is_known(void **state)
{
    (void)state;
    struct bench b;
    CLEANUP_BUF struct buf text = BUF_INIT(65536), want = BUF_INIT(65536);
    struct cache_rows_stat stat, again;
    uint64_t generation;
    static const char *const ids[] = {"alpha-job", "bravo-job", "delta-job"};
    bench_open(&b);
    known(&b, ids[2], "Init", 0);
    known(&b, ids[0], "Failed", 0);
    uint64_t key = known(&b, ids[1], "Processing", 0);
    put_job(&b, key, "Processing", 100, 1);
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        struct job *job = cache_current(b.c, key_of_name(&b, ids[i], 0));
        assert_int_equal(job_row(job, &want), 0);
        job_unref(job);
    }
    assert_int_equal(cache_each_row(b.c, add_row, &text, &generation, NULL), 0);
    assert_string_equal(buf_str(&text), buf_str(&want));
    cache_rows_stat(b.c, &stat);
    assert_int_equal(stat.bytes, text.len);
    assert_int_equal(stat.generation, generation);
    put_job(&b, key, "Processing", 100, 2);
    cache_rows_stat(b.c, &again);
    assert_int_equal(again.generation, generation); /* nothing has changed */
    struct job *other = job_new(ids[1], "Processing", 100, NULL);
    cache_put_job(b.c, key, other, 2, 0); /* but its RequestId and times */
    job_unref(other);
    cache_rows_stat(b.c, &again);
    assert_int_equal(again.generation, generation); /* ... in no line */
    put_job(&b, key, "Success", 100, 3);
    cache_rows_stat(b.c, &again);
    assert_int_not_equal(again.generation, generation);
    bench_close(&b);
}

/* A store that gives lines of its own, and of somebody else's job. */
static int stored_rows(void *arg,
                       void (*each)(void *each_arg, const char *id, const char *row, size_t len),
                       void *each_arg, struct err *err)
{
    (void)arg, (void)err;
    each(each_arg, "alpha-job", "alpha-job\tstored\n", 17);
    each(each_arg, "bravo-job", "bravo-job\tstored\n", 17);
    each(each_arg, "somebody-else", "somebody-else\tstored\n", 21);
    return 0;
}

static struct job *load_delta(void *arg, const char *id)
{
    (void)arg;
    return strcmp(id, "delta-job") == 0 ? job_new(id, "Success", 3, NULL) : NULL;
}

static void lines_of_what_has_left_memory_come_from_the_store(void **state)
{
    (void)state;
    struct bench b;
    CLEANUP_BUF struct buf text = BUF_INIT(65536);
    uint64_t generation;
    bench_open(&b);
    cache_set_backing(b.c, &(struct cache_backing){.load = load_delta, .each_row = stored_rows});
    static const char *const away[] = {"alpha-job", "delta-job"};
    for (size_t i = 0; i < ARRAY_LEN(away); i++) {
        struct job *job = job_new(away[i], "Success", 1, NULL);
        assert_int_equal(
            cache_restore(b.c, &(struct cache_restored){.facts = job_facts_of(job), .ended = true}),
            0);
        job_unref(job);
    }
    known(&b, "bravo-job", "Processing", 0); /* newer than what is stored of it */
    assert_int_equal(cache_each_row(b.c, add_row, &text, &generation, NULL), 0);
    assert_string_equal(buf_str(&text), "alpha-job\tstored\n"
                                        "bravo-job\tProcessing\t10\t\t\t\t\t\t\t\t\n"
                                        "delta-job\tSuccess\t3\t\t\t\t\t\t\t\t\n");
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_are_listed_by_their_labels_and_move_with_them),
        cmocka_unit_test(groups_that_have_jobs_are_listed),
        cmocka_unit_test(the_lines_are_those_of_all_known_jobs_sorted_and_their_size_is_known),
        cmocka_unit_test(lines_of_what_has_left_memory_come_from_the_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
