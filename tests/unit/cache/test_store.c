/* What is known, on disk: whole, in its newest version, whoever else writes, whatever fails. */
#include "cache/kept.h"
#include "cache/store_private.h"
#include "job/row.h"
#include "support/alloc_fail.h"
#include "support/bad_vfs.h"
#include <errno.h>
#include <pthread.h>

#define ID "cdb3e74639973036bc84aaaabbbbcccc"

/* ---- what was put is what is read ---- */

struct seen {
    int n;
    char id[JOB_ID_MAX + 1], project[64];
    struct job_facts facts; /* texts aside */
    struct store_job job;
};

static void see(void *arg, const struct store_job *job)
{
    struct seen *s = arg;
    s->n++;
    s->facts = *job->facts;
    s->job = *job;
    snprintf(s->id, sizeof s->id, "%s", job->facts->id);
    snprintf(s->project, sizeof s->project, "%s", job->facts->project);
}

static struct seen see_all(struct store *s)
{
    struct seen seen = {0};
    enum store_trouble why;
    struct err err = {""};
    if (store_each(s, see, &seen, &why, &err) < 0)
        fail_msg("%s", err.text);
    return seen;
}

static struct job *load(struct store *s, const char *id)
{
    enum store_trouble why = STORE_IO;
    struct err err = {""};
    struct job *job = store_load(s, id, &why, &err);
    if (why != STORE_FINE)
        fail_msg("%s: %s", store_trouble_name(why), err.text);
    assert_true(job || strstr(err.text, id));
    return job;
}

static void every_column_comes_back(void **state)
{
    (void)state;
    struct job *job = kept_job(ID,
                               ",\"Status\":\"Success\",\"ProjectId\":\"p-1\",\"Duration\":30.5,"
                               "\"CreateTime\":\"2020-12-23T13:33:40Z\"",
                               NULL, NOW_NS);
    struct store_put put = {.job = {.facts = job_facts_of(job),
                                    .fetched_real_ns = 5,
                                    .got_real_ns = 4,
                                    .read_real_s = 3,
                                    .ended = true},
                            .content = job};
    struct store *s = kept_open();
    kept_save(s, put);
    store_close(s);
    s = kept_open();
    struct seen seen = see_all(s);
    const struct job_facts *f = put.job.facts;
    assert_int_equal(seen.n, 1);
    assert_string_equal(seen.id, ID);
    assert_string_equal(seen.project, "p-1");
    assert_true(seen.facts.create_s == f->create_s && f->create_s != JOB_NO_TIME);
    assert_true(seen.facts.mtime_ns == f->mtime_ns && seen.facts.ctime_ns == f->ctime_ns);
    assert_int_equal(seen.facts.row_len, f->row_len);
    assert_int_equal(seen.facts.status, JOB_STATUS_SUCCESS);
    assert_false(seen.facts.partial);
    assert_true(seen.facts.duration);
    assert_true(seen.job.fetched_real_ns == 5 && seen.job.got_real_ns == 4);
    assert_true(seen.job.read_real_s == 3);
    assert_true(seen.job.ended);
    assert_false(seen.job.gone);
    job_unref(job);
    store_close(s);
}

static void what_a_job_has_not_comes_back_as_that(void **state)
{
    (void)state;
    struct job *item = kept_item(ID, "");
    struct store *s = kept_open();
    struct store_put put = kept_put(item, 5);
    put.job.gone = true;
    kept_save(s, put);
    struct seen seen = see_all(s);
    assert_true(seen.facts.create_s == JOB_NO_TIME);
    assert_string_equal(seen.project, "");
    assert_int_equal(seen.facts.status, JOB_STATUS_OTHER);
    assert_true(seen.facts.partial && !seen.facts.duration);
    assert_true(seen.job.gone && !seen.job.ended);
    struct job *back = load(s, ID);
    assert_same_job(back, item);
    job_unref(back);
    job_unref(item);
    store_close(s);
}

static void content_and_times_come_back_exactly(void **state)
{
    (void)state;
    struct job *first = kept_job(ID,
                                 ",\"Status\":\"Processing\",\"Progress\":10,"
                                 "\"UserData\":\"\xe7\x89\x87\\n\\t\\\\\",\"New\":{\"a\":[1]}",
                                 NULL, NOW_NS);
    struct job *second = kept_job(ID,
                                  ",\"Status\":\"Processing\",\"Progress\":20,"
                                  "\"UserData\":\"\xe7\x89\x87\\n\\t\\\\\",\"New\":{\"a\":[1]}",
                                  first, NOW_NS + 5000000000);
    struct store *s = kept_open();
    kept_save(s, kept_put(first, 1));
    kept_save(s, kept_put(second, 2));
    store_close(s);
    s = kept_open();
    struct job *back = load(s, ID);
    assert_same_job(back, second);
    job_unref(back);
    assert_null(load(s, "0123456789abcdef"));
    job_unref(first);
    job_unref(second);
    store_close(s);
}

/* ---- lines ---- */

struct lines {
    int n;
    char last[JOB_ID_MAX + 1];
    bool sorted, ended;
    size_t bytes;
};

static void count_line(void *arg, const char *id, const char *row, size_t len)
{
    struct lines *l = arg;
    l->sorted &= strcmp(l->last, id) < 0;
    l->ended &= len > 0 && row[len - 1] == '\n' && strncmp(row, id, strlen(id)) == 0;
    snprintf(l->last, sizeof l->last, "%s", id);
    l->bytes += len;
    l->n++;
}

static struct lines all_lines(struct store *s)
{
    struct lines l = {.sorted = true, .ended = true};
    enum store_trouble why;
    assert_int_equal(store_each_row(s, count_line, &l, &why, NULL), 0);
    assert_true(l.sorted);
    assert_true(l.ended);
    return l;
}

static void lines_come_sorted_by_id(void **state)
{
    (void)state;
    struct store *s = kept_open();
    size_t bytes = 0;
    for (unsigned i = 0; i < 500; i++) {
        struct job *job = kept_job(kept_id(i * 2654435761U), ",\"Status\":\"Init\"", NULL, NOW_NS);
        bytes += job_facts_of(job)->row_len;
        kept_save(s, kept_put(job, 1));
        job_unref(job);
    }
    struct lines l = all_lines(s);
    assert_int_equal(l.n, 500);
    assert_int_equal(l.bytes, bytes);
    store_close(s);
}

/* ---- what takes the place of what ---- */

static struct job *with_progress(int progress)
{
    char members[64];
    snprintf(members, sizeof members, ",\"Status\":\"Processing\",\"Progress\":%d", progress);
    return kept_job(ID, members, NULL, NOW_NS + progress);
}

static int progress_of(struct store *s)
{
    struct job *job = load(s, ID);
    const struct job_field *f = job ? job_find(job, "progress") : NULL;
    int progress = f ? (int)strtol(f->data, NULL, 10) : -1;
    job_unref(job);
    return progress;
}

static void put_progress(struct store *s, int progress, int64_t fetched_ns)
{
    struct job *job = with_progress(progress);
    kept_save(s, kept_put(job, fetched_ns));
    job_unref(job);
}

static void what_another_process_renewed_later_stays(void **state)
{
    (void)state;
    struct store *a = kept_open(), *b = kept_open();
    put_progress(a, 10, 100);
    put_progress(b, 20, 200);
    assert_int_equal(progress_of(a), 20);
    put_progress(a, 10, 150);
    assert_int_equal(progress_of(a), 20);
    assert_true(see_all(b).job.fetched_real_ns == 200);
    put_progress(a, 30, 300);
    assert_int_equal(progress_of(b), 30);
    store_close(a);
    store_close(b);
}

static void one_process_saves_its_newest_though_the_clock_was_set_back(void **state)
{
    (void)state;
    struct store *s = kept_open();
    put_progress(s, 10, 100);
    put_progress(s, 20, 50);
    assert_int_equal(progress_of(s), 20);
    store_close(s);
    /* And after a restart: what is stored says it comes from the future. */
    s = kept_open();
    int64_t now = clock_real_ns();
    put_progress(s, 30, now + 3600 * NS_PER_S);
    store_close(s);
    s = kept_open();
    put_progress(s, 40, now);
    assert_int_equal(progress_of(s), 40);
    store_close(s);
}

static void a_list_of_another_process_does_not_cost_what_get_gave(void **state)
{
    (void)state;
    struct store *a = kept_open(), *b = kept_open();
    put_progress(a, 10, 100);
    struct job *item = kept_item(ID, ",\"Status\":\"Processing\"");
    kept_save(b, kept_put(item, 200));
    assert_int_equal(progress_of(b), 10);
    assert_false(see_all(b).facts.partial);
    job_unref(item);
    store_close(a);
    store_close(b);
}

static struct store_put without_content(const struct job *job, int64_t fetched_ns)
{
    struct store_put put = kept_put(job, fetched_ns);
    put.content = NULL;
    put.job.gone = true;
    return put;
}

static void without_content_only_the_rest_is_renewed(void **state)
{
    (void)state;
    struct store *s = kept_open();
    struct job *job = with_progress(10), *other = with_progress(20);
    kept_save(s, kept_put(job, 100));
    kept_save(s, without_content(job, 200));
    struct seen seen = see_all(s);
    assert_true(seen.job.fetched_real_ns == 200 && seen.job.gone);
    struct job *back = load(s, ID);
    assert_same_job(back, job);
    job_unref(back);
    /* Of another content nothing is known: what is stored and what is said of it stay one. */
    kept_save(s, without_content(other, 300));
    seen = see_all(s);
    assert_true(seen.job.fetched_real_ns == 200);
    assert_true(seen.facts.ctime_ns == job_ctime_ns(job));
    job_unref(job);
    job_unref(other);
    store_close(s);
}

static void a_job_whose_content_is_lost_is_known_all_the_same(void **state)
{
    (void)state;
    struct store *s = kept_open();
    struct job *job = with_progress(10), *item = kept_item(ID, "");
    kept_save(s, without_content(job, 100));
    assert_int_equal(see_all(s).n, 1);
    assert_null(load(s, ID));
    assert_int_equal(all_lines(s).n, 0);
    kept_save(s, kept_put(item, 200)); /* better than nothing */
    struct job *back = load(s, ID);
    assert_same_job(back, item);
    job_unref(back);
    job_unref(job);
    job_unref(item);
    store_close(s);
}

static void the_last_read_of_all_processes_counts(void **state)
{
    (void)state;
    struct store *a = kept_open(), *b = kept_open();
    struct job *job = with_progress(10);
    struct store_put put = kept_put(job, 200);
    put.job.read_real_s = 1000;
    kept_save(a, put);
    put = kept_put(job, 100); /* older, but read later */
    put.job.read_real_s = 2000;
    kept_save(b, put);
    assert_true(see_all(a).job.read_real_s == 2000);
    put.job.read_real_s = 500;
    kept_save(a, put);
    assert_true(see_all(a).job.read_real_s == 2000);
    job_unref(job);
    store_close(a);
    store_close(b);
}

/* ---- forgotten, missing ---- */

static void forgotten_jobs_leave_with_all_they_had(void **state)
{
    (void)state;
    static const char *const ids[] = {ID, "no-such-job"};
    struct store *s = kept_open();
    put_progress(s, 10, 100);
    kept_save_batch(s, &(struct store_batch){.forget = ids, .n_forget = 2});
    assert_int_equal(see_all(s).n, 0);
    assert_null(load(s, ID));
    store_close(s);
    assert_int_equal(kept_number(kept_path, "SELECT (SELECT count(*) FROM reply) + "
                                            "(SELECT count(*) FROM line)"),
                     0);
}

static void a_job_that_somebody_has_read_since_is_not_forgotten(void **state)
{
    (void)state;
    static const char *const ids[] = {ID};
    struct store_batch batch = {.forget = ids, .n_forget = 1, .forget_unread_s = 999};
    struct store *s = kept_open();
    struct job *job = with_progress(10);
    struct store_put put = kept_put(job, 200);
    put.job.read_real_s = 1000;
    kept_save(s, put);
    kept_save_batch(s, &batch);
    assert_int_equal(see_all(s).n, 1);
    batch.forget_unread_s = 1000;
    kept_save_batch(s, &batch);
    assert_int_equal(see_all(s).n, 0);
    job_unref(job);
    store_close(s);
}

static void forgetting_comes_before_putting(void **state)
{
    (void)state;
    static const char *const ids[] = {ID};
    struct store *s = kept_open();
    struct job *job = with_progress(10);
    const struct store_put put = kept_put(job, 100);
    kept_save_batch(s,
                    &(struct store_batch){.puts = &put, .n_puts = 1, .forget = ids, .n_forget = 1});
    assert_int_equal(see_all(s).n, 1);
    job_unref(job);
    store_close(s);
}

static void sum_missing(void *arg, const char *id, int64_t until_real_ms)
{
    int64_t *sum = arg;
    assert_true(job_id_possible(id));
    *sum += until_real_ms;
}

static int64_t missing(struct store *s, int64_t now_ms)
{
    int64_t sum = 0;
    enum store_trouble why;
    assert_int_equal(store_each_missing(s, now_ms, sum_missing, &sum, &why, NULL), 0);
    return sum;
}

static void missing_ids_are_remembered_until_their_time(void **state)
{
    (void)state;
    const struct store_missing rows[] = {{"missing-1", 1000}, {"missing-2", 20000}};
    struct store *s = kept_open();
    kept_save_batch(s, &(struct store_batch){.missing = rows, .n_missing = 2});
    assert_true(missing(s, 0) == 21000);
    assert_true(missing(s, 1000) == 20000);
    put_progress(s, 10, 100); /* says nothing of them */
    assert_true(missing(s, 0) == 21000);
    kept_save_batch(s, &(struct store_batch){.missing = rows, .n_missing = 1});
    assert_true(missing(s, 0) == 1000);
    kept_save_batch(s, &(struct store_batch){.missing = rows});
    assert_true(missing(s, 0) == 0);
    store_close(s);
}

/* ---- numbers ---- */

static uint64_t reserve(struct store *s, uint64_t from, uint64_t n)
{
    uint64_t first;
    enum store_trouble why;
    struct err err = {""};
    if (store_reserve(s, from, n, &first, &why, &err) < 0)
        fail_msg("%s: %s", store_trouble_name(why), err.text);
    return first;
}

static void reserved_numbers_never_overlap(void **state)
{
    (void)state;
    struct store *a = kept_open(), *b = kept_open();
    assert_true(reserve(a, 100, 10) == 100);
    assert_true(reserve(b, 1, 5) == 110);
    assert_true(reserve(a, 105, 10) == 115);
    store_close(a);
    assert_true(reserve(b, 1, 1) == 125);
    store_close(b);
    b = kept_open();
    assert_true(reserve(b, 1, 1) == 126);
    store_close(b);
}

static void *reserve_many(void *arg)
{
    uint64_t *firsts = arg;
    struct store *s = kept_open();
    for (int i = 0; i < 50; i++)
        firsts[i] = reserve(s, 1, 7);
    store_close(s);
    return NULL;
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void reserved_numbers_never_overlap_whoever_is_quicker(void **state)
{
    (void)state;
    pthread_t threads[4];
    uint64_t firsts[200];
    store_close(kept_open());
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, reserve_many, &firsts[50 * i]), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    qsort(firsts, 200, sizeof *firsts, by_number);
    for (int i = 0; i < 200; i++)
        assert_true(firsts[i] == 1 + 7 * (uint64_t)i);
}

static void a_number_that_makes_no_sense_is_damage(void **state)
{
    (void)state;
    uint64_t first;
    enum store_trouble why;
    struct store *s = kept_open();
    reserve(s, 1, 1);
    store_close(s);
    kept_sql(kept_path, "UPDATE meta SET value = -5");
    s = kept_open();
    assert_int_equal(store_reserve(s, 1, 1, &first, &why, NULL), -1);
    assert_int_equal(why, STORE_CORRUPT);
    assert_int_equal(store_reserve(s, UINT64_MAX, 1, &first, &why, NULL), -1);
    assert_int_equal(why, STORE_IO);
    put_progress(s, 10, 100); /* the transaction is not left open */
    store_close(s);
}

/* ---- versions ---- */

static const char *const made_up_steps[] = {
    "CREATE TABLE old (x); INSERT INTO old VALUES (1)", "ALTER TABLE old ADD COLUMN y DEFAULT 7",
    "UPDATE old SET x = x + 1; CREATE TABLE old (x)", /* fails after it has changed something */
};

static int update(int64_t n, enum store_trouble *why)
{
    struct store *s = calloc(1, sizeof *s);
    struct store_db db;
    struct err err = {""};
    const struct store_fault f = {why, &err};
    assert_non_null(s);
    s->path = kept_path;
    atomic_init(&s->hurry_ms, INT64_MAX);
    assert_int_equal(store_db_open(&db, s, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, 1000, &f),
                     0);
    int rc = store_schema_update(&db, made_up_steps, n, &f);
    store_db_close(&db);
    free(s);
    return rc;
}

static void an_older_version_is_brought_up_step_by_step(void **state)
{
    (void)state;
    enum store_trouble why;
    assert_int_equal(update(1, &why), 0);
    assert_true(kept_number(kept_path, "PRAGMA user_version") == 1);
    assert_int_equal(update(2, &why), 0);
    assert_true(kept_number(kept_path, "PRAGMA user_version") == 2);
    assert_true(kept_number(kept_path, "SELECT x + y FROM old") == 8);
    assert_int_equal(update(1, &why), 0); /* a newer one is not taken back */
    assert_true(kept_number(kept_path, "PRAGMA user_version") == 2);
}

static void a_step_that_fails_leaves_the_version_before_it(void **state)
{
    (void)state;
    enum store_trouble why = STORE_FINE;
    assert_int_equal(update(2, &why), 0);
    assert_int_equal(update(3, &why), -1);
    assert_int_equal(why, STORE_CORRUPT);
    assert_true(kept_number(kept_path, "PRAGMA user_version") == 2);
    assert_true(kept_number(kept_path, "SELECT x FROM old") == 1);
}

static void *read_whole(const char *path, size_t *len)
{
    struct stat st;
    CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    char *bytes = malloc((size_t)st.st_size + 1);
    assert_non_null(bytes);
    assert_int_equal(read(fd, bytes, (size_t)st.st_size + 1), st.st_size);
    *len = (size_t)st.st_size;
    return bytes;
}

static void assert_refused(enum store_trouble as)
{
    enum store_trouble why = STORE_FINE;
    struct err err = {""};
    size_t len, len_after;
    CLEANUP_FREE char *before = read_whole(kept_path, &len);
    assert_null(store_open(kept_path, NULL, &why, &err));
    if (why != as)
        fail_msg("%s: %s", store_trouble_name(why), err.text);
    assert_non_null(strstr(err.text, kept_path));
    CLEANUP_FREE char *after = read_whole(kept_path, &len_after);
    assert_int_equal(len, len_after);
    assert_memory_equal(before, after, len);
}

static void a_newer_version_is_refused_and_left_as_it_is(void **state)
{
    (void)state;
    struct store *s = kept_open();
    put_progress(s, 10, 100);
    store_close(s);
    kept_sql(kept_path, "PRAGMA user_version = 2");
    assert_refused(STORE_NEWER);
    /* With a log that is not in the database yet, too. */
    sqlite3 *db;
    assert_int_equal(sqlite3_open(kept_path, &db), SQLITE_OK);
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    assert_int_equal(sqlite3_exec(db, "UPDATE job SET read = 77", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_refused(STORE_NEWER);
    assert_true(kept_number(kept_path, "SELECT read FROM job") == 77);
}

static void another_programs_database_is_refused(void **state)
{
    (void)state;
    kept_sql(kept_path, "CREATE TABLE theirs (x)");
    assert_refused(STORE_CORRUPT);
    kept_sql(kept_path, "PRAGMA user_version = 1");
    assert_refused(STORE_CORRUPT);
}

/* ---- damage ---- */

static void write_text(const char *path, const char *text)
{
    CLEANUP_FD int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void a_file_that_is_no_database_is_refused(void **state)
{
    (void)state;
    write_text(kept_path, "This is no database, though long enough to be taken for one: it goes on "
                          "for more than the hundred bytes of a header.\n");
    assert_refused(STORE_CORRUPT);
}

static void damage_is_told_as_damage(void **state)
{
    (void)state;
    enum store_trouble why = STORE_FINE;
    struct seen seen = {0};
    struct lines l = {0};
    struct store *s = kept_open();
    for (unsigned i = 0; i < 300; i++) {
        struct job *job = kept_job(kept_id(i), ",\"Status\":\"Init\"", NULL, NOW_NS);
        kept_save(s, kept_put(job, 1));
        job_unref(job);
    }
    store_close(s);
    kept_damage(kept_path, (off_t)3 * 4096);
    s = store_open(kept_path, NULL, &why, NULL);
    if (s) {
        assert_int_equal(store_each(s, see, &seen, &why, NULL), -1);
        assert_int_equal(why, STORE_CORRUPT);
        assert_int_equal(store_each_row(s, count_line, &l, &why, NULL), -1);
        assert_int_equal(why, STORE_CORRUPT);
        assert_null(store_load(s, kept_id(7), &why, NULL));
        store_close(s);
    }
    assert_int_equal(why, STORE_CORRUPT);
}

static void a_reply_that_makes_no_sense_is_none(void **state)
{
    (void)state;
    struct store *s = kept_open();
    put_progress(s, 10, 100);
    store_close(s);
    kept_sql(kept_path, "UPDATE reply SET body = x'7b7d'");
    s = kept_open();
    assert_null(load(s, ID));
    store_close(s);
    kept_sql(kept_path, "UPDATE job SET id = 'a/b'");
    s = kept_open();
    assert_int_equal(see_all(s).n, 0);
    store_close(s);
}

static void a_table_that_is_gone_is_damage(void **state)
{
    (void)state;
    enum store_trouble why = STORE_FINE;
    struct store *s = kept_open();
    store_close(s);
    kept_sql(kept_path, "DROP TABLE reply");
    s = kept_open();
    assert_null(store_load(s, ID, &why, NULL));
    assert_int_equal(why, STORE_CORRUPT);
    store_close(s);
}

static void set_aside(char aside[PATH_MAX])
{
    struct err err = {""};
    if (store_set_aside(kept_path, 1608730420, aside, &err) < 0)
        fail_msg("%s", err.text);
}

static void what_is_set_aside_is_never_put_over_something(void **state)
{
    (void)state;
    char first[PATH_MAX], second[PATH_MAX], wal[PATH_MAX + 8];
    snprintf(wal, sizeof wal, "%s-wal", kept_path);
    write_text(kept_path, "one");
    write_text(wal, "its log");
    set_aside(first);
    assert_true(strncmp(first, kept_path, strlen(kept_path)) == 0);
    assert_non_null(strstr(first, ".corrupt-2020-12-23T13:33:40Z"));
    assert_int_equal(access(kept_path, F_OK), -1);
    assert_int_equal(access(wal, F_OK), -1);
    write_text(kept_path, "two");
    set_aside(second);
    assert_string_not_equal(first, second);
    size_t len;
    CLEANUP_FREE char *one = read_whole(first, &len);
    assert_memory_equal(one, "one", 3);
    snprintf(wal, sizeof wal, "%s-wal", first);
    CLEANUP_FREE char *log = read_whole(wal, &len);
    assert_memory_equal(log, "its log", 7);
    CLEANUP_FREE char *two = read_whole(second, &len);
    assert_memory_equal(two, "two", 3);
    struct err err = {""};
    assert_int_equal(store_set_aside(kept_path, 1608730420, NULL, &err), -1);
    assert_non_null(strstr(err.text, kept_path));
}

/* ---- locked ---- */

static void a_lock_of_somebody_else_is_waited_for_so_long_and_no_longer(void **state)
{
    (void)state;
    sqlite3 *other;
    enum store_trouble why = STORE_FINE;
    struct job *job = with_progress(10);
    const struct store_put put = kept_put(job, 100);
    const struct store_batch batch = {.puts = &put, .n_puts = 1};
    struct store *s = kept_open();
    assert_int_equal(sqlite3_open(kept_path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    int64_t start = clock_mono_ms();
    assert_int_equal(store_save(s, &batch, &why, NULL), -1);
    assert_int_equal(why, STORE_BUSY);
    assert_true(clock_mono_ms() - start >= STORE_WRITE_BUSY_MS);
    assert_null(load(s, ID)); /* who reads is not in the way of who writes */
    store_hurry(s, clock_mono_ms());
    start = clock_mono_ms();
    assert_int_equal(store_save(s, &batch, &why, NULL), -1);
    assert_int_equal(why, STORE_BUSY);
    assert_true(clock_mono_ms() - start < STORE_WRITE_BUSY_MS);
    store_hurry(s, INT64_MAX);
    assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    kept_save_batch(s, &batch);
    sqlite3_close(other);
    job_unref(job);
    store_close(s);
}

static void *open_and_close(void *arg)
{
    (void)arg;
    for (int i = 0; i < 3; i++)
        store_close(kept_open());
    return NULL;
}

static void several_may_begin_a_database_at_once(void **state)
{
    (void)state;
    pthread_t threads[4];
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 4; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, open_and_close, NULL), 0);
        for (int i = 0; i < 4; i++)
            pthread_join(threads[i], NULL);
        assert_true(kept_number(kept_path, "PRAGMA user_version") == STORE_VERSION);
        unlink(kept_path);
    }
}

/* ---- files ---- */

static mode_t mode_of(const char *suffix)
{
    char path[160];
    struct stat st;
    snprintf(path, sizeof path, "%s%s", kept_path, suffix);
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 07777;
}

static void all_files_are_for_their_owner_alone(void **state)
{
    (void)state;
    static const mode_t masks[] = {0, 0777};
    for (size_t i = 0; i < ARRAY_LEN(masks); i++) {
        mode_t before = umask(masks[i]);
        struct store *s = kept_open();
        put_progress(s, 10, 100);
        umask(before);
        assert_int_equal(mode_of(""), 0600);
        assert_int_equal(mode_of("-wal"), 0600);
        assert_int_equal(mode_of("-shm"), 0600);
        store_close(s);
        unlink(kept_path);
    }
    struct store *s = kept_open();
    store_close(s);
    chmod(kept_path, 0644);
    s = kept_open();
    put_progress(s, 10, 100);
    assert_int_equal(mode_of(""), 0600);
    assert_int_equal(mode_of("-wal"), 0600);
    store_close(s);
}

static void a_link_in_the_databases_place_is_not_followed(void **state)
{
    (void)state;
    char other[160];
    enum store_trouble why = STORE_FINE;
    struct err err = {""};
    snprintf(other, sizeof other, "%s/other", kept_dir);
    assert_int_equal(symlink(other, kept_path), 0);
    assert_null(store_open(kept_path, NULL, &why, &err));
    assert_int_equal(why, STORE_IO);
    assert_int_equal(access(other, F_OK), -1);
    write_text(other, "");
    assert_null(store_open(kept_path, NULL, &why, &err));
    assert_int_equal(why, STORE_IO);
    unlink(kept_path);
}

static void links_on_the_way_are_followed(void **state)
{
    (void)state;
    char way[160], below[192];
    enum store_trouble why = STORE_FINE;
    struct err err = {""};
    snprintf(way, sizeof way, "%s/way?%%#", kept_dir);
    snprintf(below, sizeof below, "%s/known.db", way);
    assert_int_equal(symlink(kept_dir, way), 0);
    struct store *s = store_open(below, NULL, &why, &err);
    if (!s)
        fail_msg("%s", err.text);
    put_progress(s, 10, 100);
    store_close(s);
    s = kept_open();
    assert_int_equal(progress_of(s), 10);
    store_close(s);
}

static void a_directory_that_is_not_there_is_told(void **state)
{
    (void)state;
    enum store_trouble why = STORE_FINE;
    struct err err = {""};
    assert_null(store_open("/nowhere-at-all/known.db", NULL, &why, &err));
    assert_int_equal(why, STORE_IO);
    assert_non_null(strstr(err.text, "/nowhere-at-all"));
    assert_null(store_open("relative.db", NULL, &why, &err));
    assert_int_equal(why, STORE_IO);
}

static void a_database_that_was_moved_away_is_noticed(void **state)
{
    (void)state;
    char other[160];
    snprintf(other, sizeof other, "%s/other", kept_dir);
    struct store *s = kept_open();
    assert_true(store_in_place(s));
    assert_int_equal(rename(kept_path, other), 0);
    assert_false(store_in_place(s));
    store_close(s);
}

/* ---- what cannot be written ---- */

/* 0, or the number of what was wrong. */
static int check_readable_only(void)
{
    enum store_trouble why = STORE_FINE;
    struct err err = {""};
    struct seen seen = {0};
    uint64_t first;
    struct store *s = store_open(kept_path, NULL, &why, &err);
    if (!s)
        return 1;
    if (store_writable(s))
        return 2;
    if (store_each(s, see, &seen, &why, &err) < 0 || seen.n != 1)
        return 3;
    struct job *job = store_load(s, ID, &why, &err);
    if (!job)
        return 4;
    const struct store_put put = kept_put(job, 500);
    if (store_save(s, &(struct store_batch){.puts = &put, .n_puts = 1}, &why, &err) == 0)
        return 5;
    if (why != STORE_READONLY || !strstr(err.text, kept_path))
        return 6;
    if (store_reserve(s, 1, 1, &first, &why, &err) == 0 || why != STORE_READONLY)
        return 7;
    if (!store_in_place(s))
        return 8;
    job_unref(job);
    store_close(s);
    return 0;
}

static int check_not_readable(void)
{
    enum store_trouble why = STORE_FINE;
    struct store *s = store_open(kept_path, NULL, &why, NULL);
    return s ? 1 : why == STORE_READONLY ? 0 : 2;
}

/* By whom a log can be read, SQLite names the trouble otherwise. */
static int check_refused(void)
{
    enum store_trouble why = STORE_FINE;
    struct store *s = store_open(kept_path, NULL, &why, NULL);
    return s || why == STORE_FINE || why == STORE_CORRUPT ? 1 : 0;
}

static void a_file_that_cannot_be_written_is_read(void **state)
{
    (void)state;
    struct store *s = kept_open();
    put_progress(s, 10, 100);
    store_close(s);
    chmod(kept_path, 0400);
    as_nobody(check_readable_only);
}

static void a_directory_that_cannot_be_written_is_read_from(void **state)
{
    (void)state;
    struct store *s = kept_open();
    put_progress(s, 10, 100);
    store_close(s);
    chmod(kept_dir, 0500);
    as_nobody(check_readable_only);
    chmod(kept_path, 0400);
    as_nobody(check_readable_only);
    /* What stands in the log alone would be missing: then rather nothing. */
    char wal[160];
    snprintf(wal, sizeof wal, "%s-wal", kept_path);
    chmod(kept_dir, 0700);
    write_text(wal, "something");
    chmod(wal, 0400);
    chmod(kept_dir, 0500);
    as_nobody(check_refused);
}

static void a_directory_that_takes_no_file_is_told(void **state)
{
    (void)state;
    chmod(kept_dir, 0500);
    as_nobody(check_not_readable);
}

static void an_empty_file_that_cannot_be_written_is_told(void **state)
{
    (void)state;
    write_text(kept_path, "");
    chmod(kept_path, 0400);
    as_nobody(check_not_readable);
}

/* ---- what fails ---- */

static struct store *open_bad(void)
{
    enum store_trouble why;
    struct err err = {""};
    struct store *s = store_open(kept_path, bad_vfs(), &why, &err);
    if (!s)
        fail_msg("%s", err.text);
    return s;
}

static void save_fails(struct store *s, int progress, enum store_trouble as)
{
    enum store_trouble why = STORE_FINE;
    struct err err = {""};
    struct job *job = with_progress(progress);
    const struct store_put put = kept_put(job, 200);
    assert_int_equal(store_save(s, &(struct store_batch){.puts = &put, .n_puts = 1}, &why, &err),
                     -1);
    job_unref(job);
    if (why != as)
        fail_msg("%s: %s", store_trouble_name(why), err.text);
    assert_non_null(strstr(err.text, kept_path));
}

static void what_fails_to_be_written_changes_nothing_and_works_later(void **state)
{
    (void)state;
    struct store *s = open_bad();
    put_progress(s, 10, 100);
    for (unsigned working = 0; working < 4; working++) {
        bad_vfs_fail(BAD_FULL, working);
        save_fails(s, 20, STORE_FULL);
        bad_vfs_fail(BAD_WRITE, working);
        save_fails(s, 20, STORE_IO);
        bad_vfs_fail(BAD_NOTHING, 0);
        assert_int_equal(progress_of(s), 10);
    }
    put_progress(s, 30, 300);
    assert_int_equal(progress_of(s), 30);
    store_close(s);
    s = kept_open();
    assert_int_equal(progress_of(s), 30);
    store_close(s);
}

static void what_fails_to_be_read_is_no_damage(void **state)
{
    (void)state;
    enum store_trouble why = STORE_FINE;
    struct store *s = open_bad();
    put_progress(s, 10, 100);
    store_close(s);
    s = open_bad();
    bad_vfs_fail(BAD_READ, 0);
    assert_null(store_load(s, ID, &why, NULL));
    assert_int_equal(why, STORE_IO);
    bad_vfs_fail(BAD_NOTHING, 0);
    assert_int_equal(progress_of(s), 10);
    store_close(s);
}

/* Each call fails in its turn: it opens or says why, and nothing stored is lost. */
static void whatever_fails_in_opening_is_told(void **state)
{
    (void)state;
    static const enum bad_kind kinds[] = {BAD_FULL, BAD_WRITE, BAD_SYNC, BAD_READ};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        for (unsigned working = 0;; working++) {
            enum store_trouble why = STORE_FINE;
            struct err err = {""};
            unlink(kept_path);
            bad_vfs_fail(kinds[i], working);
            struct store *s = store_open(kept_path, bad_vfs(), &why, &err);
            unsigned failed = bad_vfs_failed();
            bad_vfs_fail(BAD_NOTHING, 0);
            if (!s && (why != (kinds[i] == BAD_FULL ? STORE_FULL : STORE_IO) || !*err.text))
                fail_msg("%s: %s", store_trouble_name(why), err.text);
            store_close(s);
            s = open_bad();
            put_progress(s, 10, 100);
            store_close(s);
            if (failed == 0)
                break;
        }
    }
}

static void names_tell_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        int code, system_errno;
        const char *name;
    } cases[] = {
        {SQLITE_OK, 0, "fine"},
        {SQLITE_BUSY_SNAPSHOT, 0, "busy"},
        {SQLITE_FULL, 0, "full"},
        {SQLITE_IOERR_WRITE, ENOSPC, "full"},
        {SQLITE_IOERR_SHMSIZE, EDQUOT, "full"},
        {SQLITE_CANTOPEN, EROFS, "read-only"},
        {SQLITE_READONLY_DBMOVED, 0, "read-only"},
        {SQLITE_IOERR_READ, EIO, "io"},
        {SQLITE_CANTOPEN, EMFILE, "io"},
        {SQLITE_CORRUPT_INDEX, 0, "corrupt"},
        {SQLITE_NOTADB, 0, "corrupt"},
        {SQLITE_IOERR_NOMEM, 0, "no memory"},
        {SQLITE_NOMEM, 0, "no memory"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(
            store_trouble_name(store_trouble_of(cases[i].code, cases[i].system_errno)),
            cases[i].name);
    assert_string_equal(store_trouble_name(STORE_NEWER), "newer");
}

static void without_memory_nothing_is_half_done(void **state)
{
    (void)state;
    struct job *job = with_progress(10);
    const struct store_put put = kept_put(job, 100);
    for (unsigned n = 1;; n++) {
        enum store_trouble why = STORE_FINE;
        bool saved = false;
        struct job *back = NULL;
        alloc_fail_at(n);
        struct store *s = store_open(kept_path, NULL, &why, NULL);
        if (s)
            saved =
                store_save(s, &(struct store_batch){.puts = &put, .n_puts = 1}, &why, NULL) == 0;
        assert_true(saved || why == STORE_NOMEM);
        if (saved)
            back = store_load(s, ID, &why, NULL);
        store_close(s);
        bool fired = alloc_fail_fired();
        if (back)
            assert_same_job(back, job);
        job_unref(back);
        s = kept_open();
        assert_int_equal(see_all(s).n, saved);
        store_close(s);
        unlink(kept_path);
        if (!fired)
            break;
    }
    job_unref(job);
}

/* SQLite's own memory, by its ceiling. */
static void without_memory_in_sqlite_it_is_told_and_works_later(void **state)
{
    (void)state;
    enum store_trouble why = STORE_FINE;
    struct store *s = kept_open();
    struct job *job = with_progress(10);
    const struct store_put put = kept_put(job, 100);
    sqlite3_hard_heap_limit64(sqlite3_memory_used() + 1);
    assert_int_equal(store_save(s, &(struct store_batch){.puts = &put, .n_puts = 1}, &why, NULL),
                     -1);
    assert_int_equal(why, STORE_NOMEM);
    assert_null(store_load(s, ID, &why, NULL));
    assert_int_equal(why, STORE_NOMEM);
    assert_null(store_open(kept_path, NULL, &why, NULL));
    assert_int_equal(why, STORE_NOMEM);
    sqlite3_hard_heap_limit64(0);
    kept_save(s, put);
    assert_int_equal(progress_of(s), 10);
    job_unref(job);
    store_close(s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kept_set_up, kept_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_column_comes_back),
        TEST(what_a_job_has_not_comes_back_as_that),
        TEST(content_and_times_come_back_exactly),
        TEST(lines_come_sorted_by_id),
        TEST(what_another_process_renewed_later_stays),
        TEST(one_process_saves_its_newest_though_the_clock_was_set_back),
        TEST(a_list_of_another_process_does_not_cost_what_get_gave),
        TEST(without_content_only_the_rest_is_renewed),
        TEST(a_job_whose_content_is_lost_is_known_all_the_same),
        TEST(the_last_read_of_all_processes_counts),
        TEST(forgotten_jobs_leave_with_all_they_had),
        TEST(a_job_that_somebody_has_read_since_is_not_forgotten),
        TEST(forgetting_comes_before_putting),
        TEST(missing_ids_are_remembered_until_their_time),
        TEST(reserved_numbers_never_overlap),
        TEST(reserved_numbers_never_overlap_whoever_is_quicker),
        TEST(a_number_that_makes_no_sense_is_damage),
        TEST(an_older_version_is_brought_up_step_by_step),
        TEST(a_step_that_fails_leaves_the_version_before_it),
        TEST(a_newer_version_is_refused_and_left_as_it_is),
        TEST(another_programs_database_is_refused),
        TEST(a_file_that_is_no_database_is_refused),
        TEST(damage_is_told_as_damage),
        TEST(a_reply_that_makes_no_sense_is_none),
        TEST(a_table_that_is_gone_is_damage),
        TEST(what_is_set_aside_is_never_put_over_something),
        TEST(a_lock_of_somebody_else_is_waited_for_so_long_and_no_longer),
        TEST(several_may_begin_a_database_at_once),
        TEST(all_files_are_for_their_owner_alone),
        TEST(a_link_in_the_databases_place_is_not_followed),
        TEST(links_on_the_way_are_followed),
        TEST(a_directory_that_is_not_there_is_told),
        TEST(a_database_that_was_moved_away_is_noticed),
        TEST(a_file_that_cannot_be_written_is_read),
        TEST(a_directory_that_cannot_be_written_is_read_from),
        TEST(a_directory_that_takes_no_file_is_told),
        TEST(an_empty_file_that_cannot_be_written_is_told),
        TEST(what_fails_to_be_written_changes_nothing_and_works_later),
        TEST(what_fails_to_be_read_is_no_damage),
        TEST(whatever_fails_in_opening_is_told),
        TEST(names_tell_what_is_wrong),
        TEST(without_memory_nothing_is_half_done),
        TEST(without_memory_in_sqlite_it_is_told_and_works_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
