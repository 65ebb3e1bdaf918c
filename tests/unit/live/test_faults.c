/* A bad network and a bad service: each fault ends in the errno of the table, in time, and the next
 * read after it succeeds. */
#include "base/log.h"
#include "live/fixture.h"
#include <stdlib.h>
#include <sys/stat.h>

#define BUSY_MS 1000 /* a busy machine may answer so much later than it means to */

static const struct setting usual = {.timeout_ms = 5000, .qps = 100};

#define XML_FAULT                                                                                  \
    "<?xml version='1.0'?><Error><RequestId>R</RequestId><HostId>h</HostId>"                       \
    "<Code>InternalError</Code><Message>m</Message></Error>"

/* A repetition needs a second before its readers go: with little more than that for the whole, the
 * first bad answer ends the look-up. */
static const struct setting hasty = {.timeout_ms = 1100, .qps = 100};

static const struct {
    const char *what;
    struct step step;
    int error;
} faults[] = {
    {"500", {.status = 500, .code = "InternalError"}, EIO},
    {"503", {.status = 503, .code = "ServiceUnavailable"}, EIO},
    {"an XML error", {.status = 500, .body = XML_FAULT, .headers = "Content-Type: text/xml"}, EIO},
    {"no answer", {.close_early = true}, EIO},
    {"HTML", {.body = "<html>login</html>"}, EPROTO},
    {"an empty body", {.body = ""}, EPROTO},
    {"a cut body", {.cut_after = 30}, EIO},
    {"cut JSON", {.body = "{\"MediaProducingJob\":{\"JobId\":\"" ID "\",}"}, EPROTO},
    {"another job's answer", {.job = "another-jobs-id"}, EPROTO},
    {"throttling", {.status = 400, .code = "Throttling.User"}, EAGAIN},
    {"bad request", {.status = 400, .code = "InvalidParameter"}, EINVAL},
    {"hang", {.hang = true}, ETIMEDOUT},
};

static void each_fault_ends_in_its_errno_in_time_and_the_next_read_succeeds(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        struct step steps[] = {faults[i].step, {0}};
        struct world w = world_with_keys();
        world_open(&w, steps, 2, hasty);
        struct reader r = read_job(&w, ID);
        if (r.got.verdict != CACHE_FAULT || r.got.error != faults[i].error)
            fail_msg("%s: verdict %d, errno %d", faults[i].what, r.got.verdict, r.got.error);
        assert_true(reader_took(&r) <= hasty.timeout_ms + BUSY_MS);
        r = read_job(&w, ID);
        assert_int_equal(r.got.verdict, CACHE_CONTENT);
        assert_false(r.got.stale);
        assert_int_equal(w.calls, 2);
        world_close(&w);
    }
}

static void a_hiccup_is_repeated_unseen(void **state)
{
    (void)state;
    static const struct step hiccups[] = {{.status = 500, .code = "InternalError"},
                                          {.status = 502, .body = "<html>"},
                                          {.close_early = true},
                                          {.body = "{"},
                                          {.job = "another-jobs-id"},
                                          {.status = 400, .code = "SignatureNonceUsed"},
                                          {.status = 400, .code = "InvalidTimeStamp.Expired"}};
    for (size_t i = 0; i < ARRAY_LEN(hiccups); i++) {
        struct step steps[] = {hiccups[i], {0}};
        struct world w = world_with_keys();
        world_open(&w, steps, 2, usual);
        struct reader r = read_job(&w, ID);
        assert_int_equal(r.got.verdict, CACHE_CONTENT);
        assert_int_equal(w.calls, 2);
        world_close(&w);
    }
}

static void a_hung_call_leaves_time_for_another(void **state)
{
    (void)state;
    static const struct step steps[] = {{.hang = true}, {0}};
    struct world w = world_with_keys();
    world_open(&w, steps, 2, (struct setting){.timeout_ms = 6000, .qps = 100});
    struct reader r = read_job(&w, ID);
    assert_int_equal(r.got.verdict, CACHE_CONTENT);
    assert_in_range(reader_took(&r), 2000, 6000);
    world_close(&w);
}

static void throttling_waits_for_as_long_as_the_service_says(void **state)
{
    (void)state;
    static const struct step steps[] = {
        {.status = 400, .code = "Throttling.User", .headers = "x-acs-retry-after: 700"}, {0}};
    struct world w = world_with_keys();
    world_open(&w, steps, 2, (struct setting){.timeout_ms = 8000, .qps = 100});
    struct reader r = read_job(&w, ID);
    assert_int_equal(r.got.verdict, CACHE_CONTENT);
    assert_in_range(w.at_ms[1] - w.at_ms[0], 690, 6000);
    struct live_health h;
    live_health(w.live, &h);
    assert_true(h.pace <= 62.5); /* halved; a step may have come back */
    world_close(&w);
}

static void job_not_found_is_enoent_and_remembered(void **state)
{
    (void)state;
    static const struct step steps[] = {{.status = 404, .code = "JobNotFound"}};
    struct world w = world_with_keys();
    world_open(&w, steps, 1, usual);
    for (int i = 0; i < 5; i++) {
        struct reader r = read_job(&w, ID);
        assert_int_equal(r.got.verdict, CACHE_MISSING);
        assert_int_equal(r.got.error, ENOENT);
    }
    assert_int_equal(w.calls, 1);
    world_close(&w);
}

static void denied_is_remembered_too(void **state)
{
    (void)state;
    static const struct step steps[] = {{.status = 403, .code = "Forbidden.RAM"}};
    struct world w = world_with_keys();
    world_open(&w, steps, 1, usual);
    for (int i = 0; i < 5; i++)
        assert_int_equal(read_job(&w, ID).got.error, EACCES);
    assert_int_equal(w.calls, 1);
    world_close(&w);
}

static void a_fault_leaves_older_content_and_marks_it_stale(void **state)
{
    (void)state;
    static const struct step steps[] = {{0}, {.status = 500, .code = "InternalError"}, {0}};
    struct world w = world_with_keys();
    world_open(&w, steps, 3, usual);
    assert_false(read_job(&w, ID).got.stale);
    usleep((TTL + 10) * 1000);
    struct reader r = read_job(&w, ID);
    assert_int_equal(r.got.verdict, CACHE_CONTENT);
    assert_true(r.got.stale);
    r = read_job(&w, ID);
    assert_int_equal(r.got.verdict, CACHE_CONTENT);
    assert_false(r.got.stale);
    world_close(&w);
}

static void an_outage_is_known_as_one_and_its_end_too(void **state)
{
    (void)state;
    struct step steps[64];
    for (int i = 0; i < 63; i++)
        steps[i] = (struct step){.status = 503, .code = "ServiceUnavailable"};
    steps[63] = (struct step){0};
    struct world w = world_with_keys();
    world_open(&w, steps, 64, usual);
    struct live_health h;
    char id[32];
    int n = 0;
    do {
        snprintf(id, sizeof(id), "some-job-%d", n++);
        assert_int_equal(read_job(&w, id).got.error, EIO);
        live_health(w.live, &h);
    } while (!h.service_down && n < 40);
    assert_true(h.service_down);
    /* Known to be down: one attempt, no repetition, no waiting. */
    unsigned before = w.calls;
    struct reader r = read_job(&w, "another-job");
    assert_int_equal(r.got.error, EIO);
    assert_true(reader_took(&r) < 2000);
    assert_in_range(w.calls, before, before + 2); /* for its LOOKUP and for itself at most */
    atomic_store(&w.calls, 63);                   /* the outage is over */
    AWAIT((r = read_job(&w, "another-job"), r.got.verdict == CACHE_CONTENT));
    AWAIT((live_health(w.live, &h), !h.service_down));
    world_close(&w);
}

static void an_outage_sends_those_who_wait_for_a_repetition_away(void **state)
{
    (void)state;
    static const struct step steps[] = {
        {.status = 503, .code = "ServiceUnavailable", .delay_ms = 300}};
    struct world w = world_with_keys();
    world_open(&w, steps, 1, (struct setting){.timeout_ms = 10000, .qps = 1000});
    struct reader r[20];
    char id[32];
    for (int i = 0; i < 20; i++) {
        snprintf(id, sizeof(id), "some-job-%d", i);
        reader_start(&w, &r[i], id);
    }
    for (int i = 0; i < 20; i++) {
        reader_wait(&r[i]);
        assert_int_equal(r[i].got.error, EIO);
        assert_true(reader_took(&r[i]) < 4000); /* far below the timeout */
    }
    world_close(&w);
}

static void write_keys(struct world *w, const char *key_id)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/.aliyun/config.json", w->home);
    FILE *f = fopen(path, "we");
    fprintf(f,
            "{\"current\":\"default\",\"profiles\":[{\"name\":\"default\",\"mode\":\"AK\","
            "\"access_key_id\":\"%s\",\"access_key_secret\":\"s\",\"region_id\":\"cn-shanghai\"}]}",
            key_id);
    fclose(f);
    chmod(path, 0600);
}

static void mend_keys(struct world *w)
{
    write_keys(w, "LTAI-good");
}

static struct world world_with_a_file(void)
{
    struct world w = {.home = "/tmp/test-live-XXXXXX", .refuse_key = "LTAI-bad"};
    char path[128];
    assert_non_null(mkdtemp(w.home));
    snprintf(path, sizeof(path), "%s/.aliyun", w.home);
    assert_int_equal(mkdir(path, 0700), 0);
    write_keys(&w, "LTAI-bad");
    return w;
}

static void remove_file(struct world *w)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/.aliyun/config.json", w->home);
    unlink(path);
    snprintf(path, sizeof(path), "%s/.aliyun", w->home);
    rmdir(path);
    rmdir(w->home);
}

static void refused_keys_are_renewed_once_and_the_call_repeated(void **state)
{
    (void)state;
    static const struct step steps[] = {{0}};
    struct world w = world_with_a_file();
    w.on_refusal = mend_keys;
    world_open(&w, steps, 1, (struct setting){.timeout_ms = 8000, .qps = 100});
    struct reader r = read_job(&w, ID);
    assert_int_equal(r.got.verdict, CACHE_CONTENT);
    assert_int_equal(w.calls, 2);
    assert_true(reader_took(&r) < 4000);
    world_close(&w);
    remove_file(&w);
}

static void keys_that_cannot_change_are_refused_at_once(void **state)
{
    (void)state;
    static const struct step steps[] = {{0}};
    struct world w = world_with_keys();
    w.refuse_key = "LTAI-test";
    world_open(&w, steps, 1, usual);
    struct reader r = read_job(&w, ID);
    assert_int_equal(r.got.error, EACCES);
    assert_int_equal(w.calls, 1);
    assert_true(reader_took(&r) < 2000);
    world_close(&w);
}

static void a_wrong_clock_is_corrected_once(void **state)
{
    (void)state;
    static const struct step steps[] = {{.status = 400, .code = "InvalidTimeStamp.Expired"}};
    struct world w = world_with_keys();
    world_open(&w, steps, 1, usual);
    assert_int_equal(read_job(&w, ID).got.error, EACCES);
    assert_int_equal(w.calls, 2);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_ends_in_its_errno_in_time_and_the_next_read_succeeds),
        cmocka_unit_test(a_hiccup_is_repeated_unseen),
        cmocka_unit_test(a_hung_call_leaves_time_for_another),
        cmocka_unit_test(throttling_waits_for_as_long_as_the_service_says),
        cmocka_unit_test(job_not_found_is_enoent_and_remembered),
        cmocka_unit_test(denied_is_remembered_too),
        cmocka_unit_test(a_fault_leaves_older_content_and_marks_it_stale),
        cmocka_unit_test(an_outage_is_known_as_one_and_its_end_too),
        cmocka_unit_test(an_outage_sends_those_who_wait_for_a_repetition_away),
        cmocka_unit_test(refused_keys_are_renewed_once_and_the_call_repeated),
        cmocka_unit_test(keys_that_cannot_change_are_refused_at_once),
        cmocka_unit_test(a_wrong_clock_is_corrected_once),
    };
    log_set_level(LOG_LEVEL_DEBUG); /* every line is made, whatever is in it */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
