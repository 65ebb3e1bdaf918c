/* Discovery on real sockets, against the simulator's service. */
#include "base/metric.h"
#include "live/live_private.h"
#include "live/simulated.h"
#include "support/alloc_fail.h"
#include <cjson/cJSON.h>
#include <fcntl.h>

#define DAY_MS  INT64_C(86400000)
#define HOUR_MS INT64_C(3600000)

static struct simulated sim;

static void open_sim(struct world *w, struct setting s)
{
    *w = world_with_keys();
    w->serve = simulated_serve;
    w->serve_arg = &sim;
    world_make(w, NULL, 0, s);
}

static void start(struct world *w)
{
    MUST(creds_start(w->creds, live_wake, w->live, err) == 0);
    MUST(live_start(w->live, err) == 0);
}

static void close_sim(struct world *w)
{
    world_close(w);
    simulated_free(&sim);
}

static size_t known(struct world *w)
{
    struct cache_row *rows;
    size_t n;
    assert_int_equal(cache_list(w->cache, &rows, &n), 0);
    cache_list_free(rows, n);
    return n;
}

static bool knows(struct world *w, const char *id)
{
    uint64_t key;
    struct job_facts *facts = cache_find(w->cache, id, &key);
    job_facts_unref(facts);
    return facts != NULL;
}

static bool is_swept(struct world *w)
{
    struct live_health h;
    live_health(w->live, &h);
    return h.pages > 0 && !h.discovering;
}

/* Longer than AWAIT, for what takes seconds on a fast machine. */
#define AWAIT_LONG(condition)                                                                      \
    do {                                                                                           \
        int64_t long_deadline = clock_mono_ms() + 60000;                                           \
        while (!(condition)) {                                                                     \
            assert_true(clock_mono_ms() < long_deadline);                                          \
            usleep(1000);                                                                          \
        }                                                                                          \
    } while (0)

/* Rounds and heads so rare that they do not come into it. */
static const struct setting quiet = {
    .timeout_ms = 30000, .qps = 200, .refresh_ms = HOUR_MS, .discover_ms = DAY_MS};

/* ---- the sweep ---- */

static void ten_thousand_jobs_are_found_for_a_hundred_calls(void **state)
{
    (void)state;
    struct world w;
    simulated_init(&sim, 10000, 20 * HOUR_MS, true);
    open_sim(&w, quiet);
    int64_t begun_ms = clock_mono_ms();
    start(&w);
    AWAIT_LONG(is_swept(&w));
    int64_t took_ms = SIMULATED(&sim, last_list_ms) - begun_ms;
    print_message("10,000 jobs found in %d ms at 200 calls a second\n", (int)took_ms);
    assert_int_equal(SIMULATED(&sim, s->stats.list), 100);
    assert_int_equal(SIMULATED(&sim, gets_before), 0); /* theirs wait for the sweep */
    assert_int_equal(known(&w), 10000);
    assert_true(simulated_content(&sim));
    struct live_health h;
    live_health(w.live, &h);
    assert_int_equal(h.pages, 100);
    assert_int_equal(h.discovered, 10000);
    assert_in_range(h.discovered_s, 86400, 86400 + 60);
    assert_false(h.lists_refused);
    close_sim(&w);
}

static void jobs_that_had_ended_get_their_one_get_and_cost_nothing_more(void **state)
{
    (void)state;
    enum { N = 450 };
    struct world w;
    simulated_init(&sim, N, 20 * HOUR_MS, true);
    open_sim(&w, quiet);
    start(&w);
    char id[SIM_ID_LEN];
    simulated_id(3, id);
    AWAIT(knows(&w, id));
    assert_int_equal(read_job(&w, id).got.verdict, CACHE_CONTENT); /* a reader may be first */
    struct live_health h;
    AWAIT_LONG((live_health(w.live, &h), is_swept(&w) && h.details_due == 0 && h.inflight == 0));
    for (uint64_t i = 0; i < N; i++) {
        simulated_id(i, id);
        if (simulated_gets_of(&sim, id) != 1)
            fail_msg("job %d of %d: %d Gets, temporary failures: %d", (int)i, N,
                     (int)simulated_gets_of(&sim, id), (int)metric_get(METRIC_API_TEMPORARY));
    }
    live_health(w.live, &h);
    assert_false(h.behind);
    /* After a restart they are known: pages alone. */
    live_stop(w.live);
    live_free(w.live);
    MUST((w.live = live_new(&(struct live_config){.http = w.http,
                                                  .ice = w.ice,
                                                  .creds = w.creds,
                                                  .cache = w.cache,
                                                  .qps = quiet.qps,
                                                  .timeout_ms = quiet.timeout_ms,
                                                  .refresh_ms = quiet.refresh_ms,
                                                  .discover_ms = quiet.discover_ms},
                            err)));
    w.awake = w.live;
    uint64_t lists = SIMULATED(&sim, s->stats.list);
    MUST(live_start(w.live, err) == 0);
    AWAIT(is_swept(&w));
    AWAIT((live_health(w.live, &h), h.inflight == 0 && h.waiting == 0));
    assert_int_equal(h.details_due, 0);
    assert_int_equal(h.discovered, 0);
    assert_int_equal(SIMULATED(&sim, s->stats.list) - lists, 5);
    assert_int_equal(SIMULATED(&sim, s->stats.get), N);
    close_sim(&w);
}

static void a_year_is_listed_in_thirteen_calls_and_none_is_refused(void **state)
{
    (void)state;
    struct world w;
    simulated_init(&sim, 0, 0, false);
    struct setting year = quiet;
    year.discover_ms = 365 * DAY_MS;
    open_sim(&w, year);
    start(&w);
    AWAIT(is_swept(&w));
    assert_int_equal(SIMULATED(&sim, s->stats.list), 13);
    assert_true(simulated_content(&sim));
    close_sim(&w);
}

static void jobs_of_a_whole_year_are_found_in_all_windows(void **state)
{
    (void)state;
    struct world w;
    simulated_init(&sim, 3000, 364 * DAY_MS, true);
    struct setting year = quiet;
    year.discover_ms = 365 * DAY_MS;
    open_sim(&w, year);
    start(&w);
    AWAIT_LONG(is_swept(&w));
    assert_int_equal(known(&w), 3000);
    assert_in_range(SIMULATED(&sim, s->stats.list), 30, 30 + 13);
    assert_true(simulated_content(&sim));
    close_sim(&w);
}

static void pages_that_fail_and_tokens_that_are_refused_leave_no_job_out(void **state)
{
    (void)state;
    struct world w;
    simulated_init(&sim, 2000, 20 * HOUR_MS, true);
    simulated_fault(&sim, "{\"kind\":\"error\",\"action\":\"ListMediaProducingJobs\",\"code\":"
                          "\"ServiceUnavailable\",\"rate\":0.3}");
    simulated_fault(&sim, "{\"kind\":\"garbage\",\"action\":\"ListMediaProducingJobs\","
                          "\"rate\":0.1}");
    open_sim(&w, quiet);
    start(&w);
    AWAIT_LONG(known(&w) >= 300);
    simulated_fault(&sim, "{\"kind\":\"error\",\"action\":\"ListMediaProducingJobs\",\"code\":"
                          "\"InvalidParameter\",\"status\":400,\"count\":1}");
    AWAIT_LONG(is_swept(&w));
    assert_int_equal(known(&w), 2000);
    close_sim(&w);
}

static void a_service_that_is_down_at_first_is_found_up_again(void **state)
{
    (void)state;
    struct world w;
    simulated_init(&sim, 150, 20 * HOUR_MS, true);
    simulated_fault(&sim, "{\"kind\":\"error\",\"code\":\"ServiceUnavailable\"}");
    open_sim(&w, quiet);
    start(&w);
    struct live_health h;
    AWAIT_LONG((live_health(w.live, &h), h.service_down));
    simulated_no_faults(&sim);
    AWAIT_LONG(is_swept(&w)); /* nobody reads, nothing is known: discovery itself probes */
    assert_int_equal(known(&w), 150);
    close_sim(&w);
}

/* ---- turns ---- */

/* A thousand jobs that change all the time: their status comes with the lists. */
static void jobs_at_work_cost_the_sweep_no_gets_while_lists_alone_have_shown_them(void **state)
{
    (void)state;
    struct world w;
    simulated_init(&sim, 4000, 20 * HOUR_MS, false);
    sim_clock_set(&sim.s->clock, simulated_now().mono_ns, 20, false);
    struct setting busy = quiet;
    busy.qps = 40;
    busy.refresh_ms = 1000;
    int64_t before = metric_get(METRIC_REFRESH_GET);
    open_sim(&w, busy);
    start(&w);
    AWAIT_LONG(is_swept(&w));
    uint64_t gets = SIMULATED(&sim, gets_before), lists = SIMULATED(&sim, s->stats.list);
    uint64_t own = (uint64_t)(metric_get(METRIC_REFRESH_GET) - before);
    print_message("4,000 jobs, 600 of them at work: %d lists and %d Gets\n", (int)lists, (int)gets);
    assert_true(lists >= 40);
    /* The few that had their first Get are followed from then on, through five states at most. */
    assert_true(gets <= 6 * (own + 2));
    close_sim(&w);
}

static void a_reader_does_not_wait_for_the_sweep(void **state)
{
    (void)state;
    struct world w;
    simulated_init(&sim, 10000, 20 * HOUR_MS, true);
    struct setting slow = quiet;
    slow.qps = 10;
    open_sim(&w, slow);
    start(&w);
    AWAIT(SIMULATED(&sim, s->stats.list) >= 15);
    char id[SIM_ID_LEN];
    simulated_id(1, id); /* the oldest but one: not listed yet */
    struct reader r = read_job(&w, id);
    assert_int_equal(r.got.verdict, CACHE_CONTENT);
    assert_false(is_swept(&w));
    assert_in_range(reader_took(&r), 0, 3000);
    close_sim(&w);
}

static void unfinished_jobs_get_their_turn_while_it_goes_on(void **state)
{
    (void)state;
    struct world w;
    char id[SIM_ID_LEN];
    simulated_init(&sim, 8000, 20 * HOUR_MS, true);
    for (int i = 0; i < 100; i++) {
        snprintf(id, sizeof id, "job-%08d", i);
        simulated_put(&sim, id, "Queuing", 60, "");
    }
    struct setting busy = quiet;
    busy.qps = 60;
    busy.refresh_ms = 300;
    open_sim(&w, busy);
    int64_t begun_ms = clock_mono_ms();
    start(&w);
    AWAIT_LONG(is_swept(&w));
    int64_t took_ms = SIMULATED(&sim, last_list_ms) - begun_ms;
    uint64_t gets = SIMULATED(&sim, gets_before), lists = SIMULATED(&sim, s->stats.list);
    assert_true(lists >= 80);
    assert_true(gets >= lists / 16); /* one in eight when late, and they are not at first */
    /* The others take no more, unless pages are too slow for the budget. */
    assert_true(gets <= lists / 2 || (int64_t)lists * 1000 < took_ms * busy.qps * 6 / 10);
    assert_in_range(SIMULATED(&sim, s->stats.max_per_second), 10, 60);
    close_sim(&w);
}

/* ---- the head ---- */

static const struct setting brisk = {
    .timeout_ms = 5000, .qps = 500, .refresh_ms = 300, .discover_ms = DAY_MS};

static void a_new_job_is_found_within_refresh_for_one_call_a_round(void **state)
{
    (void)state;
    struct world w;
    simulated_init(&sim, 0, 0, false);
    simulated_put(&sim, "job-00000000", "Failed", 60, "");
    open_sim(&w, brisk);
    start(&w);
    struct live_health h;
    AWAIT((live_health(w.live, &h), is_swept(&w) && h.details_due == 0));
    int64_t begun_ms = clock_mono_ms();
    unsigned before = SIMULATED(&sim, newest_first);
    for (int i = 1; i <= 5; i++) {
        char id[SIM_ID_LEN];
        snprintf(id, sizeof id, "job-%08d", i);
        int64_t born_ms = clock_mono_ms();
        simulated_put(&sim, id, "Failed", 0, "");
        AWAIT(knows(&w, id));
        assert_in_range(clock_mono_ms() - born_ms, 0, 10 * brisk.refresh_ms); /* a busy machine */
    }
    unsigned rounds = (unsigned)((clock_mono_ms() - begun_ms) / brisk.refresh_ms);
    assert_in_range(SIMULATED(&sim, newest_first) - before, 1, rounds + 2);
    close_sim(&w);
}

static void a_round_that_lists_all_jobs_finds_new_ones_without_a_head(void **state)
{
    (void)state;
    struct world w;
    char id[SIM_ID_LEN];
    simulated_init(&sim, 0, 0, false);
    for (int i = 0; i < 40; i++) {
        snprintf(id, sizeof id, "job-%08d", i);
        simulated_put(&sim, id, "Queuing", 60, "");
    }
    open_sim(&w, brisk);
    start(&w);
    AWAIT(is_swept(&w) && known(&w) == 40);
    AWAIT(SIMULATED(&sim, s->stats.list) - SIMULATED(&sim, newest_first) >= 3); /* rounds */
    unsigned heads = SIMULATED(&sim, newest_first);
    uint64_t lists = SIMULATED(&sim, s->stats.list);
    simulated_put(&sim, "job-of-a-round", "Queuing", 0, "");
    AWAIT(knows(&w, "job-of-a-round"));
    AWAIT(SIMULATED(&sim, s->stats.list) >= lists + 10);
    assert_in_range(SIMULATED(&sim, newest_first) - heads, 0, 3); /* a round may be late */
    AWAIT(simulated_gets_of(&sim, "job-of-a-round") > 0);
    close_sim(&w);
}

/* ---- refused, off, kept ---- */

/* What is written to stderr goes into a file meanwhile. */
struct kept_log {
    int copy;
    char path[64];
};

static void log_keep(struct kept_log *k)
{
    snprintf(k->path, sizeof k->path, "/tmp/discovery-test-XXXXXX");
    int fd = mkstemp(k->path);
    fflush(stderr);
    k->copy = dup(2);
    assert_true(fd >= 0 && k->copy >= 0 && dup2(fd, 2) == 2);
    close(fd);
}

static void log_give_back(struct kept_log *k, char *text, size_t max)
{
    fflush(stderr);
    dup2(k->copy, 2);
    close(k->copy);
    FILE *f = fopen(k->path, "re");
    assert_non_null(f);
    text[fread(text, 1, max - 1, f)] = '\0';
    fclose(f);
    unlink(k->path);
}

static unsigned count_in(const char *text, const char *word)
{
    unsigned n = 0;
    for (; (text = strstr(text, word)); text += strlen(word))
        n++;
    return n;
}

/* The JSON text in the line can be pasted as it is. */
static void assert_policy(const char *line)
{
    const char *begin = strchr(line, '{'), *end = NULL;
    assert_non_null(begin);
    cJSON *json = cJSON_ParseWithOpts(begin, &end, false);
    assert_non_null(json);
    const cJSON *one = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "Statement"), 0);
    const cJSON *actions = cJSON_GetObjectItem(one, "Action");
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(json, "Version")), "1");
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(one, "Effect")), "Allow");
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(one, "Resource")), "*");
    assert_string_equal(cJSON_GetStringValue(cJSON_GetArrayItem(actions, 0)),
                        "ice:ListMediaProducingJobs");
    assert_string_equal(cJSON_GetStringValue(cJSON_GetArrayItem(actions, 1)),
                        "ice:GetMediaProducingJob");
    assert_true(end < strchr(begin, '\n'));
    cJSON_Delete(json);
}

static void refused_lists_are_said_once_and_gets_go_on(void **state)
{
    (void)state;
    static char text[1 << 16];
    struct world w;
    struct kept_log kept;
    char id[SIM_ID_LEN];
    simulated_init(&sim, 0, 0, false);
    for (int i = 0; i < 30; i++) {
        snprintf(id, sizeof id, "job-%08d", i);
        simulated_put(&sim, id, "Queuing", 60, "");
    }
    simulated_fault(&sim, "{\"kind\":\"forbidden\",\"action\":\"ListMediaProducingJobs\"}");
    open_sim(&w, brisk);
    log_keep(&kept);
    start(&w);
    for (int i = 0; i < 30; i++) {
        snprintf(id, sizeof id, "job-%08d", i);
        (void)read_job(&w, id);
    }
    struct live_health h;
    AWAIT((live_health(w.live, &h), h.lists_refused));
    uint64_t gets = SIMULATED(&sim, s->stats.get);
    AWAIT(SIMULATED(&sim, s->stats.get) >= gets + 60);
    live_stop(w.live);
    log_give_back(&kept, text, sizeof text);
    assert_int_equal(count_in(text, "jobs cannot be listed"), 1);
    assert_int_equal(count_in(text, "error: jobs cannot be listed"), 1);
    assert_int_equal(count_in(text, "Forbidden.RAM"), 1);
    assert_policy(strstr(text, "jobs cannot be listed"));
    assert_in_range(SIMULATED(&sim, s->stats.list), 1, 3); /* what was under way */
    assert_int_equal(known(&w), 30);
    close_sim(&w);
}

static void lists_that_are_allowed_again_find_what_they_could_not(void **state)
{
    (void)state;
    static char text[1 << 16];
    struct world w;
    struct kept_log kept;
    simulated_init(&sim, 120, HOUR_MS, true);
    simulated_fault(&sim, "{\"kind\":\"forbidden\",\"action\":\"ListMediaProducingJobs\"}");
    open_sim(&w, quiet);
    log_keep(&kept);
    MUST(discovery_begin(w.live, err) == 0);
    struct live *l = w.live;
    while (!l->lists.refused)
        live_turn(l);
    assert_in_range(l->lists.not_before_ms - clock_mono_ms(), 1, HOUR_MS);
    simulated_no_faults(&sim);
    /* As if that time had passed. */
    l->lists.not_before_ms = 0;
    discover_free(l->discovery.plan);
    MUST(discovery_begin(l, err) == 0);
    while (discover_sweeping(l->discovery.plan))
        live_turn(l);
    log_give_back(&kept, text, sizeof text);
    assert_int_equal(known(&w), 120);
    assert_false(l->lists.refused);
    assert_int_equal(count_in(text, "jobs can be listed again"), 1);
    close_sim(&w);
}

static void with_discovery_off_nothing_is_listed_and_nobody_found(void **state)
{
    (void)state;
    struct world w;
    char id[SIM_ID_LEN];
    simulated_init(&sim, 200, HOUR_MS, true);
    struct setting off = brisk;
    off.discover_ms = 0;
    open_sim(&w, off);
    start(&w);
    struct live_health h;
    simulated_id(5, id);
    assert_int_equal(read_job(&w, id).got.verdict, CACHE_CONTENT); /* it has ended */
    int64_t until_ms = clock_mono_ms() + 5 * brisk.refresh_ms;
    AWAIT(clock_mono_ms() >= until_ms); /* rounds and heads would have come by now */
    assert_int_equal(SIMULATED(&sim, s->stats.list), 0);
    assert_int_equal(SIMULATED(&sim, s->stats.get), 1);
    for (int i = 0; i < 30; i++) { /* the refresh has its lists all the same */
        snprintf(id, sizeof id, "job-%08d", i);
        simulated_put(&sim, id, "Queuing", 900, "");
        (void)read_job(&w, id);
    }
    AWAIT(SIMULATED(&sim, s->stats.list) >= 3);
    assert_int_equal(known(&w), 31);
    live_health(w.live, &h);
    assert_int_equal(h.discovered_s, -1);
    assert_false(h.discovering);
    close_sim(&w);
}

static void what_ended_longer_ago_than_is_kept_is_not_taken_in(void **state)
{
    (void)state;
    struct world w;
    char more[128], then[CLOCK_ISO_LEN];
    simulated_init(&sim, 0, 0, false);
    clock_iso(clock_real_ns() / NS_PER_S - 7000, then);
    snprintf(more, sizeof more, ",\"CompleteTime\":\"%s\"", then);
    simulated_put(&sim, "job-completed-then", "Success", 8000, more);
    snprintf(more, sizeof more, ",\"ModifiedTime\":\"%s\"", then);
    simulated_put(&sim, "job-modified-then", "Failed", 8000, more);
    simulated_put(&sim, "job-created-then", "Failed", 7000, "");
    simulated_put(&sim, "job-at-work-since", "Processing", 8000, more);
    simulated_put(&sim, "job-of-just-now", "Failed", 100, "");
    clock_iso(clock_real_ns() / NS_PER_S - 60, then);
    snprintf(more, sizeof more, ",\"CompleteTime\":\"%s\"", then);
    simulated_put(&sim, "job-completed-now", "Success", 8000, more);
    struct setting keeping = quiet;
    keeping.keep_ms = HOUR_MS;
    open_sim(&w, keeping);
    start(&w);
    AWAIT(is_swept(&w));
    assert_true(knows(&w, "job-completed-now"));
    assert_true(knows(&w, "job-at-work-since"));
    assert_true(knows(&w, "job-of-just-now"));
    assert_int_equal(known(&w), 3);
    close_sim(&w);
}

static void a_job_that_is_gone_when_its_one_get_comes_is_asked_no_more(void **state)
{
    (void)state;
    struct world w;
    struct cache_info info;
    uint64_t key = 0;
    simulated_init(&sim, 0, 0, false);
    simulated_put(&sim, "job-forgotten", "Failed", 600, "");
    simulated_fault(&sim, "{\"kind\":\"not_found\",\"job\":\"job-forgotten\"}");
    open_sim(&w, brisk);
    start(&w);
    AWAIT(knows(&w, "job-forgotten"));
    job_facts_unref(cache_find(w.cache, "job-forgotten", &key));
    AWAIT(cache_info(w.cache, key, CACHE_NEED_ANY, clock_mono_ms(), &info) && info.gone);
    unsigned heads = SIMULATED(&sim, newest_first);
    AWAIT(SIMULATED(&sim, newest_first) >= heads + 4);
    assert_int_equal(simulated_gets_of(&sim, "job-forgotten"), 1);
    close_sim(&w);
}

static enum job_status status_of(struct world *w, const char *id)
{
    uint64_t key;
    struct job_facts *facts = cache_find(w->cache, id, &key);
    enum job_status status = facts ? (enum job_status)facts->status : JOB_STATUS_OTHER;
    job_facts_unref(facts);
    return status;
}

static enum lists_item show(struct world *w, const char *status)
{
    char body[256];
    struct job_page page;
    snprintf(body, sizeof body,
             "{\"RequestId\":\"R\",\"MediaProducingJobList\":[{\"JobId\":\"job-of-lists\","
             "\"Status\":\"%s\",\"CreateTime\":\"2026-01-01T00:00:00Z\"}]}",
             status);
    assert_int_equal(job_page_from_list(body, strlen(body), clock_real_ns(), &page, NULL), 0);
    enum lists_item item = lists_take(w->live, page.jobs[0], clock_mono_ms());
    job_page_free(&page);
    return item;
}

static void get(struct world *w, uint64_t key, const char *status)
{
    char body[256];
    snprintf(body, sizeof body,
             "{\"RequestId\":\"R\",\"MediaProducingJob\":{\"JobId\":\"job-of-lists\","
             "\"Status\":\"%s\",\"Progress\":3}}",
             status);
    struct job *job = job_from_get("job-of-lists", body, strlen(body), NULL, clock_real_ns(), NULL);
    assert_non_null(job);
    cache_put_job(w->cache, key, job, clock_mono_ms(), clock_real_ns());
    job_unref(job);
}

/* Nothing goes out here: what would is looked at. */
static void a_job_that_lists_alone_have_shown_takes_its_status_and_its_end_from_them(void **state)
{
    (void)state;
    struct world w;
    uint64_t key = 0;
    simulated_init(&sim, 0, 0, false);
    open_sim(&w, quiet);
    MUST(discovery_begin(w.live, err) == 0);
    const struct look_list *changed = &w.live->looks.lists[LOOK_CHANGED];
    assert_int_equal(show(&w, "Queuing"), LISTS_FRESH);
    assert_int_equal(show(&w, "Processing"), LISTS_KNOWN);
    assert_int_equal(status_of(&w, "job-of-lists"), JOB_STATUS_PROCESSING);
    assert_int_equal(changed->n, 0);
    assert_int_equal(schedule_ended_count(w.live->schedule), 0);
    assert_int_equal(show(&w, "Failed"), LISTS_KNOWN);
    assert_int_equal(status_of(&w, "job-of-lists"), JOB_STATUS_FAILED);
    assert_int_equal(changed->n, 0);
    assert_int_equal(schedule_ended_count(w.live->schedule), 1);
    job_facts_unref(cache_find(w.cache, "job-of-lists", &key));
    assert_false(schedule_has(w.live->schedule, key));
    close_sim(&w);
}

static void a_change_of_one_that_a_get_has_shown_is_got(void **state)
{
    (void)state;
    struct world w;
    uint64_t key = 0;
    simulated_init(&sim, 0, 0, false);
    open_sim(&w, quiet);
    MUST(discovery_begin(w.live, err) == 0);
    assert_int_equal(show(&w, "Queuing"), LISTS_FRESH);
    job_facts_unref(cache_find(w.cache, "job-of-lists", &key));
    get(&w, key, "Queuing");
    assert_int_equal(show(&w, "Failed"), LISTS_KNOWN);
    assert_int_equal(status_of(&w, "job-of-lists"), JOB_STATUS_QUEUING);
    assert_int_equal(w.live->looks.lists[LOOK_CHANGED].n, 1);
    assert_int_equal(schedule_ended_count(w.live->schedule), 0);
    close_sim(&w);
}

static void a_job_whose_get_is_under_way_is_not_passed_by(void **state)
{
    (void)state;
    struct world w;
    uint64_t key;
    struct cache_answer a;
    struct job_facts *facts = NULL;
    char id[JOB_ID_MAX + 1];
    simulated_init(&sim, 0, 0, false);
    open_sim(&w, quiet);
    MUST(discovery_begin(w.live, err) == 0);
    cache_lookup(w.cache, "job-of-lists", clock_mono_ms(), &key, &facts, &a);
    assert_true(cache_take_wanted(w.cache, &key, id)); /* as live does */
    assert_int_equal(show(&w, "Queuing"), LISTS_MISSED);
    cache_put_fault(w.cache, key, API_TEMPORARY, API_NET_TIMEOUT, "x", clock_mono_ms());
    assert_int_equal(show(&w, "Queuing"), LISTS_FRESH);
    close_sim(&w);
}

static void a_get_that_fails_for_now_comes_again(void **state)
{
    (void)state;
    struct world w;
    struct live_health h;
    simulated_init(&sim, 0, 0, false);
    simulated_put(&sim, "job-unlucky", "Failed", 600, "");
    simulated_fault(&sim, "{\"kind\":\"garbage\",\"job\":\"job-unlucky\",\"count\":1}");
    open_sim(&w, brisk);
    start(&w);
    AWAIT_LONG(simulated_gets_of(&sim, "job-unlucky") == 2);
    AWAIT((live_health(w.live, &h), h.details_due == 0 && h.inflight == 0));
    uint64_t key;
    struct job_facts *facts = cache_find(w.cache, "job-unlucky", &key);
    assert_false(facts->partial);
    job_facts_unref(facts);
    close_sim(&w);
}

/* ---- memory ---- */

/* All on this thread. Returns whether an allocation failed. */
static bool discover_once(unsigned n)
{
    struct world w;
    simulated_init(&sim, 0, 0, false);
    simulated_put(&sim, "job-00000001", "Queuing", 60, "");
    simulated_put(&sim, "job-00000002", "Failed", 60, "");
    open_sim(&w, (struct setting){
                     .timeout_ms = 2000, .qps = 1000, .refresh_ms = 40, .discover_ms = DAY_MS});
    MUST(discovery_begin(w.live, err) == 0);
    alloc_fail_at(n);
    for (int64_t until = clock_mono_ms() + 8000;
         !knows(&w, "job-00000001") || !knows(&w, "job-00000002");) {
        assert_true(clock_mono_ms() < until);
        live_turn(w.live);
    }
    bool fired = alloc_fail_fired();
    close_sim(&w);
    return fired;
}

static void both_jobs_are_found_whichever_allocation_fails(void **state)
{
    (void)state;
    unsigned n = 1;
    while (discover_once(n))
        n++;
    assert_true(n > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_thousand_jobs_are_found_for_a_hundred_calls),
        cmocka_unit_test(jobs_that_had_ended_get_their_one_get_and_cost_nothing_more),
        cmocka_unit_test(a_year_is_listed_in_thirteen_calls_and_none_is_refused),
        cmocka_unit_test(jobs_of_a_whole_year_are_found_in_all_windows),
        cmocka_unit_test(pages_that_fail_and_tokens_that_are_refused_leave_no_job_out),
        cmocka_unit_test(a_service_that_is_down_at_first_is_found_up_again),
        cmocka_unit_test(jobs_at_work_cost_the_sweep_no_gets_while_lists_alone_have_shown_them),
        cmocka_unit_test(a_reader_does_not_wait_for_the_sweep),
        cmocka_unit_test(unfinished_jobs_get_their_turn_while_it_goes_on),
        cmocka_unit_test(a_new_job_is_found_within_refresh_for_one_call_a_round),
        cmocka_unit_test(a_round_that_lists_all_jobs_finds_new_ones_without_a_head),
        cmocka_unit_test(refused_lists_are_said_once_and_gets_go_on),
        cmocka_unit_test(lists_that_are_allowed_again_find_what_they_could_not),
        cmocka_unit_test(with_discovery_off_nothing_is_listed_and_nobody_found),
        cmocka_unit_test(what_ended_longer_ago_than_is_kept_is_not_taken_in),
        cmocka_unit_test(a_job_that_is_gone_when_its_one_get_comes_is_asked_no_more),
        cmocka_unit_test(a_job_that_lists_alone_have_shown_takes_its_status_and_its_end_from_them),
        cmocka_unit_test(a_change_of_one_that_a_get_has_shown_is_got),
        cmocka_unit_test(a_job_whose_get_is_under_way_is_not_passed_by),
        cmocka_unit_test(a_get_that_fails_for_now_comes_again),
        cmocka_unit_test(both_jobs_are_found_whichever_allocation_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
