/* The simulator over real sockets, with libcurl as its client. */
#include "base/random.h"
#include "base/thread.h"
#include "sim/server.h"
#include "support/cert.h"
#include <curl/curl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include <cmocka.h>

#include "fixture.h"

#define PATIENCE_MS 5000

static struct {
    struct sim_service *service;
    struct sim_listener listener;
    struct sim_server *server;
    pthread_t thread;
    int stop_fd;
    int rc;
    struct cert *cert; /* TLS if there is one */
    char socket_dir[32];
} sim;

static void *serve(void *arg)
{
    struct err err;
    (void)arg;
    sim.rc = sim_server_run(sim.server, sim.stop_fd, &err);
    return NULL;
}

static void start_at(const char *where, struct cert *cert)
{
    struct err err = {""};
    struct sim_config config = config_of(200);
    config.every_ms = 0;
    sim.service = sim_service_new(&config, sim_server_now(), NULL);
    assert_non_null(sim.service);
    if (sim_listen(where, &sim.listener, &err) < 0)
        fail_msg("%s", err.text);
    sim.cert = cert;
    struct sim_server_config server = {sim.service, &sim.listener, cert ? cert->cert_pem : NULL,
                                       cert ? cert->key_pem : NULL};
    sim.server = sim_server_new(&server, &err);
    assert_non_null(sim.server);
    sim.stop_fd = eventfd(0, EFD_CLOEXEC);
    assert_int_equal(thread_start(&sim.thread, "sim", serve, NULL, &err), 0);
}

static int start(void **state)
{
    (void)state;
    start_at("127.0.0.1:0", NULL);
    return 0;
}

static int start_tls(void **state)
{
    (void)state;
    start_at("127.0.0.1:0", cert_new("IP:127.0.0.1"));
    return 0;
}

static int start_unix(void **state)
{
    char where[64];
    (void)state;
    strcpy(sim.socket_dir, "/tmp/sim-test-XXXXXX");
    assert_non_null(mkdtemp(sim.socket_dir));
    snprintf(where, sizeof(where), "unix:%s/s", sim.socket_dir);
    start_at(where, NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    assert_int_equal(eventfd_write(sim.stop_fd, 1), 0);
    thread_join(sim.thread);
    sim_server_free(sim.server);
    assert_int_equal(sim.service->stats.inflight, 0);
    assert_int_equal(sim.service->stats.open, 0);
    sim_service_free(sim.service);
    sim_listener_close(&sim.listener);
    close(sim.stop_fd);
    if (sim.cert)
        cert_free(sim.cert);
    if (sim.socket_dir[0])
        assert_int_equal(rmdir(sim.socket_dir), 0);
    memset(&sim, 0, sizeof(sim));
    return 0;
}

/* --- the client --- */

struct got {
    CURLcode code;
    long status;
    struct buf body;
    struct buf head;
};

static size_t take_bytes(char *bytes, size_t size, size_t n, void *arg)
{
    return buf_add(arg, bytes, size * n) == 0 ? size * n : 0;
}

static void address(CURL *curl, const char *target)
{
    char url[700];
    if (sim.listener.is_unix)
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, sim.listener.path);
    snprintf(url, sizeof(url), "%s://%s%s", sim.cert ? "https" : "http",
             sim.listener.is_unix ? "localhost" : sim.listener.address, target);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    if (sim.cert)
        curl_easy_setopt(curl, CURLOPT_CAINFO, sim.cert->path);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)PATIENCE_MS);
}

static void collect(CURL *curl, struct got *g)
{
    *g = (struct got){.body = BUF_INIT(8U << 20), .head = BUF_INIT(1U << 16)};
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &g->body);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_bytes);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &g->head);
}

static void got_free(struct got *g)
{
    buf_free(&g->body);
    buf_free(&g->head);
}

/* Give the signed call to the handle; the caller frees the list. */
static struct curl_slist *sign_call(CURL *curl, const char *action, const char *query)
{
    struct sent s;
    char nonce[33];
    struct curl_slist *list = NULL;
    random_hex32(nonce);
    prepare(&s, action, query, clock_real_ns() / NS_PER_S);
    set_header(&s, "x-acs-signature-nonce", nonce);
    set_header(&s, "Host", sim.listener.is_unix ? "localhost" : sim.listener.address);
    sign_as(&s, KEY_ID);
    for (size_t i = 0; i < s.r.n_headers; i++) {
        char line[800];
        snprintf(line, sizeof(line), "%s: %s", s.r.headers[i].name, s.r.headers[i].value);
        list = curl_slist_append(list, line);
    }
    list = curl_slist_append(list, "Content-Type:");
    address(curl, s.target);
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
    return list;
}

static struct got call_with(CURL *curl, const char *action, const char *query)
{
    struct got g;
    struct curl_slist *list = sign_call(curl, action, query);
    collect(curl, &g);
    g.code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &g.status);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(list);
    return g;
}

static const char *query_of(uint64_t index)
{
    static char query[64];
    strcpy(query, "JobId=");
    id_of(index, query + 6);
    return query;
}

static struct got get_job(uint64_t index)
{
    CURL *curl = curl_easy_init();
    struct got g = call_with(curl, SIM_ACTION_GET, query_of(index));
    curl_easy_cleanup(curl);
    return g;
}

static struct got control(const char *method, const char *path, const char *body)
{
    char target[200];
    struct got g;
    CURL *curl = curl_easy_init();
    snprintf(target, sizeof(target), "/_sim/%s", path);
    address(curl, target);
    collect(curl, &g);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    if (body)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    g.code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &g.status);
    curl_easy_cleanup(curl);
    return g;
}

static void run(const char *method, const char *path, const char *body)
{
    struct got g = control(method, path, body);
    assert_int_equal(g.code, CURLE_OK);
    assert_int_equal(g.status, 200);
    got_free(&g);
}

static int64_t stat_of(const char *name)
{
    struct got g = control("GET", "stats", NULL);
    cJSON *json = cJSON_Parse(buf_str(&g.body));
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);
    assert_true(cJSON_IsNumber(item));
    int64_t n = (int64_t)item->valuedouble;
    cJSON_Delete(json);
    got_free(&g);
    return n;
}

/* Ask until it is so; fails the test after PATIENCE_MS. */
static void await_stat(const char *name, int64_t wanted)
{
    int64_t deadline = clock_mono_ms() + PATIENCE_MS;
    while (stat_of(name) != wanted)
        assert_true(clock_mono_ms() < deadline);
}

/* --- good answers --- */

static void a_signed_call_is_answered(void **state)
{
    (void)state;
    struct got g = get_job(3);
    assert_int_equal(g.code, CURLE_OK);
    assert_int_equal(g.status, 200);
    assert_non_null(strstr(buf_str(&g.body), query_of(3) + 6));
    assert_non_null(strstr(buf_str(&g.head), "Content-Type: application/json;charset=utf-8\r\n"));
    assert_non_null(strstr(buf_str(&g.head), "\r\nDate: "));
    const char *id = strstr(buf_str(&g.head), "x-acs-request-id: ");
    assert_non_null(id);
    char *in_body = strstr(buf_str(&g.body), "\"RequestId\":\"");
    assert_memory_equal(id + 18, in_body + 13, 36);
    got_free(&g);
}

static void connections_are_kept(void **state)
{
    (void)state;
    CURL *curl = curl_easy_init();
    for (int i = 0; i < 20; i++) {
        struct got g = call_with(curl, SIM_ACTION_LIST, "MaxResults=100");
        assert_int_equal(g.status, 200);
        got_free(&g);
    }
    curl_easy_cleanup(curl);
    assert_int_equal(stat_of("connections"), 2);
}

static void a_wrong_signature_is_refused(void **state)
{
    (void)state;
    struct got g;
    CURL *curl = curl_easy_init();
    struct curl_slist *list = sign_call(curl, SIM_ACTION_GET, "JobId=a");
    address(curl, "/?JobId=b");
    collect(curl, &g);
    assert_int_equal(curl_easy_perform(curl), CURLE_OK);
    assert_non_null(strstr(buf_str(&g.body), "SignatureDoesNotMatch"));
    got_free(&g);
    curl_slist_free_all(list);
    curl_easy_cleanup(curl);
}

static void a_body_that_is_too_large_ends_the_connection(void **state)
{
    (void)state;
    size_t n = 3U << 20;
    char *body = malloc(n + 1);
    assert_non_null(body);
    memset(body, 'x', n);
    body[n] = '\0';
    struct got g = control("POST", "fault", body);
    assert_int_not_equal(g.code, CURLE_OK);
    got_free(&g);
    free(body);
    run("GET", "ping", NULL);
}

/* --- faults on the wire --- */

struct wire_case {
    const char *fault;
    CURLcode code;
    long status;
    const char *contains;
};

static void each_fault_reaches_the_client(void **state)
{
    (void)state;
    static const struct wire_case cases[] = {
        {"{\"kind\":\"error\",\"status\":503,\"code\":\"ServiceUnavailable\"}", CURLE_OK, 503,
         "ServiceUnavailable"},
        {"{\"kind\":\"throttle\",\"retry_after_ms\":5}", CURLE_OK, 400, "Throttling.User"},
        {"{\"kind\":\"token_expired\"}", CURLE_OK, 400, "InvalidSecurityToken.Expired"},
        {"{\"kind\":\"not_found\"}", CURLE_OK, 404, "JobNotFound"},
        {"{\"kind\":\"forbidden\"}", CURLE_OK, 403, "AccessDeniedDetail"},
        {"{\"kind\":\"ok_error\"}", CURLE_OK, 200, "InternalError"},
        {"{\"kind\":\"other_job\"}", CURLE_OK, 200, "MediaProducingJob"},
        {"{\"kind\":\"garbage\"}", CURLE_OK, 200, "<html>"},
        {"{\"kind\":\"empty\"}", CURLE_OK, 200, ""},
        {"{\"kind\":\"raw\",\"status\":504,\"body\":\"oops\"}", CURLE_OK, 504, "oops"},
        {"{\"kind\":\"skew\",\"seconds\":7200}", CURLE_OK, 400, "InvalidTimeStamp.Expired"},
        {"{\"kind\":\"slow\",\"bytes\":1000,\"pace_ms\":2}", CURLE_OK, 200, "Timeline"},
        {"{\"kind\":\"huge\",\"bytes\":3000000}", CURLE_OK, 200, "AAAAAAAA"},
        {"{\"kind\":\"huge\",\"bytes\":30000000}", CURLE_WRITE_ERROR, 200, "AAAAAAAA"},
        {"{\"kind\":\"cut\"}", CURLE_PARTIAL_FILE, 200, "{\"RequestId\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        run("POST", "fault", cases[i].fault);
        struct got g = get_job(3);
        assert_int_equal(g.code, cases[i].code);
        assert_int_equal(g.status, cases[i].status);
        assert_non_null(strstr(buf_str(&g.body), cases[i].contains));
        got_free(&g);
        run("DELETE", "fault", NULL);
        g = get_job(3);
        assert_int_equal(g.status, 200);
        got_free(&g);
    }
}

static void a_reset_gives_no_answer(void **state)
{
    (void)state;
    run("POST", "fault", "{\"kind\":\"reset\"}");
    struct got g = get_job(3);
    assert_true(g.code == CURLE_RECV_ERROR || g.code == CURLE_GOT_NOTHING);
    assert_int_equal(g.head.len, 0);
    got_free(&g);
}

static void a_fault_sets_date_type_and_headers(void **state)
{
    (void)state;
    run("POST", "fault",
        "{\"kind\":\"raw\",\"content_type\":\"a/"
        "b\",\"headers\":{\"X-One\":\"1\",\"X-Two\":\"2\"}}");
    run("POST", "fault", "{\"kind\":\"skew\",\"seconds\":0}");
    struct got g = get_job(3);
    assert_non_null(strstr(buf_str(&g.head), "\r\nContent-Type: a/b\r\n"));
    assert_non_null(strstr(buf_str(&g.head), "\r\nX-One: 1\r\n"));
    assert_non_null(strstr(buf_str(&g.head), "\r\nX-Two: 2\r\n"));
    got_free(&g);
}

static void a_delay_is_kept_and_the_answer_is_that_of_the_arrival(void **state)
{
    (void)state;
    run("POST", "fault", "{\"kind\":\"delay\",\"delay_ms\":60}");
    int64_t before = clock_mono_ms();
    struct got g = get_job(3);
    assert_int_equal(g.status, 200);
    assert_true(clock_mono_ms() - before >= 59);
    got_free(&g);
}

/* --- many at once --- */

#define MANY 300

struct crowd {
    CURLM *multi;
    CURL *easy[MANY];
    struct curl_slist *lists[MANY];
    struct got got[MANY];
};

static void gather(struct crowd *c)
{
    c->multi = curl_multi_init();
    for (int i = 0; i < MANY; i++) {
        c->easy[i] = curl_easy_init();
        c->lists[i] = sign_call(c->easy[i], SIM_ACTION_GET, query_of(3));
        collect(c->easy[i], &c->got[i]);
        curl_multi_add_handle(c->multi, c->easy[i]);
    }
}

static void pump(struct crowd *c)
{
    int running;
    curl_multi_perform(c->multi, &running);
    curl_multi_poll(c->multi, NULL, 0, 5, NULL);
}

/* How many ended with that code. */
static int ended(struct crowd *c, CURLcode code)
{
    int left;
    int n = 0;
    for (CURLMsg *m; (m = curl_multi_info_read(c->multi, &left));)
        n += m->msg == CURLMSG_DONE && m->data.result == code;
    return n;
}

static void disperse(struct crowd *c)
{
    for (int i = 0; i < MANY; i++) {
        curl_multi_remove_handle(c->multi, c->easy[i]);
        curl_easy_cleanup(c->easy[i]);
        curl_slist_free_all(c->lists[i]);
        got_free(&c->got[i]);
    }
    curl_multi_cleanup(c->multi);
}

static void gather_and_hang(struct crowd *c)
{
    int64_t deadline = clock_mono_ms() + PATIENCE_MS;
    run("POST", "fault", "{\"kind\":\"hang\"}");
    gather(c);
    while (stat_of("inflight") < MANY) {
        assert_true(clock_mono_ms() < deadline);
        pump(c);
    }
}

static void hundreds_hang_while_others_are_served_and_are_closed_with_the_fault(void **state)
{
    (void)state;
    struct crowd c;
    gather_and_hang(&c);
    run("GET", "ping", NULL);
    assert_int_equal(stat_of("max_per_second"), MANY);
    run("DELETE", "fault", NULL);
    int64_t deadline = clock_mono_ms() + PATIENCE_MS;
    for (int n = 0; n < MANY; n += ended(&c, CURLE_GOT_NOTHING)) {
        assert_true(clock_mono_ms() < deadline);
        pump(&c);
    }
    await_stat("inflight", 0);
    disperse(&c);
}

static void a_client_that_leaves_is_noticed(void **state)
{
    (void)state;
    struct crowd c;
    gather_and_hang(&c);
    disperse(&c);
    await_stat("inflight", 0);
    await_stat("open", 1);
}

static void a_client_that_leaves_a_dripping_answer_is_noticed(void **state)
{
    (void)state;
    struct got g;
    run("POST", "fault", "{\"kind\":\"slow\",\"pace_ms\":100000}");
    CURL *curl = curl_easy_init();
    struct curl_slist *list = sign_call(curl, SIM_ACTION_GET, query_of(3));
    collect(curl, &g);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 50L);
    assert_int_equal(curl_easy_perform(curl), CURLE_OPERATION_TIMEDOUT);
    assert_int_equal(g.body.len, 1);
    curl_easy_cleanup(curl);
    curl_slist_free_all(list);
    got_free(&g);
    await_stat("inflight", 0);
}

static void the_server_ends_with_calls_under_way(void **state)
{
    struct crowd c;
    gather_and_hang(&c);
    stop(state);
    int64_t deadline = clock_mono_ms() + PATIENCE_MS;
    for (int n = 0; n < MANY; n += ended(&c, CURLE_GOT_NOTHING)) {
        assert_true(clock_mono_ms() < deadline);
        pump(&c);
    }
    disperse(&c);
}

/* --- other ways in --- */

static void a_unix_socket_serves_calls_and_commands(void **state)
{
    (void)state;
    run("GET", "ping", NULL);
    struct got g = get_job(3);
    assert_int_equal(g.status, 200);
    got_free(&g);
}

static void https_serves_calls_and_faults(void **state)
{
    (void)state;
    struct got g = get_job(3);
    assert_int_equal(g.code, CURLE_OK);
    assert_int_equal(g.status, 200);
    got_free(&g);
    run("POST", "fault", "{\"kind\":\"slow\",\"bytes\":1000,\"pace_ms\":1}");
    g = get_job(3);
    assert_int_equal(g.status, 200);
    got_free(&g);
}

static void a_bad_certificate_is_an_error(void **state)
{
    (void)state;
    struct err err = {""};
    struct sim_listener l;
    assert_int_equal(sim_listen("127.0.0.1:0", &l, &err), 0);
    struct sim_service *service = service_of(1);
    struct sim_server_config config = {service, &l, "no certificate", "no key"};
    assert_null(sim_server_new(&config, &err));
    assert_non_null(strstr(err.text, "certificate"));
    sim_service_free(service);
    sim_listener_close(&l);
}

static int init_curl(void **state)
{
    (void)state;
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? 0 : -1;
}

static int end_curl(void **state)
{
    (void)state;
    curl_global_cleanup();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_signed_call_is_answered),
        TEST(connections_are_kept),
        TEST(a_wrong_signature_is_refused),
        TEST(a_body_that_is_too_large_ends_the_connection),
        TEST(each_fault_reaches_the_client),
        TEST(a_reset_gives_no_answer),
        TEST(a_fault_sets_date_type_and_headers),
        TEST(a_delay_is_kept_and_the_answer_is_that_of_the_arrival),
        TEST(hundreds_hang_while_others_are_served_and_are_closed_with_the_fault),
        TEST(a_client_that_leaves_is_noticed),
        TEST(a_client_that_leaves_a_dripping_answer_is_noticed),
        cmocka_unit_test_setup(the_server_ends_with_calls_under_way, start),
        cmocka_unit_test_setup_teardown(a_unix_socket_serves_calls_and_commands, start_unix, stop),
        cmocka_unit_test_setup_teardown(https_serves_calls_and_faults, start_tls, stop),
        cmocka_unit_test(a_bad_certificate_is_an_error),
    };
    return cmocka_run_group_tests(tests, init_curl, end_curl);
}
