/* From the options to an answer of the service: against a scripted server. */
#include "api/http.h"
#include "base/clock.h"
#include "base/log.h"
#include "cli/doctor.h"
#include "cli/mount.h"
#include "cli/options.h"
#include "cli/probe.h"
#include "cli/remote.h"
#include "support/alloc_fail.h"
#include "support/httpd.h"
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define LIST_BODY "{\"RequestId\":\"R\",\"MediaProducingJobList\":[],\"MaxResults\":\"1\"}"
#define SECRET    "hunter2hunter2hunter2"

/* What the service answers to Get and to List; changed as a whole, for the server has threads. */
struct script {
    struct httpd_response get;
    struct httpd_response list;
};
typedef _Atomic(const struct script *) script_slot;

static void serve(void *arg, const struct httpd_request *req, struct httpd_response *resp)
{
    const struct script *s = atomic_load((script_slot *)arg);
    const char *action = httpd_header(req, "x-acs-action");
    *resp = action && strcmp(action, "ListMediaProducingJobs") == 0 ? s->list : s->get;
}

#define NOT_FOUND                                                                                  \
    {.status = 404, .body = "{\"RequestId\":\"R\",\"Code\":\"JobNotFound\",\"Message\":\"none\"}"}
#define LISTED {.status = 200, .body = LIST_BODY}
#define WRONG_SECRET                                                                               \
    {.status = 400,                                                                                \
     .body =                                                                                       \
         "{\"RequestId\":\"R\",\"Code\":\"SignatureDoesNotMatch\",\"Message\":\"" SECRET "\"}"}
#define DENIED                                                                                     \
    {.status = 403, .body = "{\"RequestId\":\"R\",\"Code\":\"Forbidden.RAM\",\"Message\":\"no\"}"}

static int set_up(void **state)
{
    (void)state;
    struct err err = {""};
    log_set_level(LOG_LEVEL_ERROR);
    return setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "LTAI5tabcdefgh", 1) < 0 ||
                   setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", SECRET, 1) < 0 ||
                   setenv("no_proxy", "*", 1) < 0 || http_global_init(&err) < 0
               ? -1
               : 0;
}

static struct options options_for(const char *source, const char *mountpoint)
{
    struct options o;
    struct err err = {""};
    const struct options_env env = {.uid = getuid(), .gid = getgid(), .home = "/nonexistent"};
    assert_int_equal(options_init(&o, &env, &err), 0);
    o.source = strdup(source);
    o.mountpoint = mountpoint ? strdup(mountpoint) : NULL;
    o.timeout_ms = 2000;
    free(o.state); /* nothing of a test is kept */
    o.state = NULL;
    return o;
}

/* List through everything that stands between the options and the network. */
static struct probe list(const char *source, int64_t timeout_ms)
{
    struct options o = options_for(source, NULL);
    struct remote r;
    struct probe p;
    struct err err = {""};
    if (remote_resolve(&r, &o, &err) < 0 || remote_open(&r, &o, &err) < 0 ||
        creds_load(r.creds, 1000, &err) < 0 ||
        probe_call(r.http, r.ice, NULL, timeout_ms, &p, &err) < 0)
        fail_msg("%s", err.text);
    remote_close(&r);
    options_free(&o);
    return p;
}

static void an_answer_is_brought_with_its_class(void **state)
{
    (void)state;
    static const struct script good = {.list = LISTED};
    static const struct script bad = {.list = WRONG_SECRET};
    script_slot script = &good;
    struct httpd *server = httpd_start(serve, &script);
    struct probe p = list(httpd_url(server), 2000);
    assert_int_equal(p.class, API_OK);
    assert_int_equal(httpd_requests(server), 1);
    atomic_store(&script, &bad);
    p = list(httpd_url(server), 2000);
    assert_int_equal(p.class, API_CREDENTIALS);
    assert_string_equal(p.code, "SignatureDoesNotMatch");
    assert_string_equal(p.request_id, "R");
    httpd_stop(server);
}

static void silence_is_an_answer_at_the_deadline(void **state)
{
    (void)state;
    static const struct script hangs = {.list = {.hang = true}};
    script_slot script = &hangs;
    struct httpd *server = httpd_start(serve, &script);
    int64_t begin = clock_mono_ms();
    struct probe p = list(httpd_url(server), 150);
    assert_int_equal(p.class, API_TEMPORARY);
    assert_int_equal(p.net, API_NET_TIMEOUT);
    assert_in_range(clock_mono_ms() - begin, 20, 3000);
    httpd_stop(server);
}

static void a_closed_port_is_unreachable(void **state)
{
    (void)state;
    struct probe p = list("http://127.0.0.1:1", 2000);
    assert_int_equal(p.net, API_NET_UNREACHABLE);
    assert_null(strstr(p.error.text, SECRET));
}

static void a_source_is_a_region_a_url_or_demo(void **state)
{
    (void)state;
    static const struct {
        const char *source;
        const char *url;
    } rows[] = {{"cn-shanghai", "https://ice.cn-shanghai.aliyuncs.com"},
                {"http://127.0.0.1:8080", "http://127.0.0.1:8080"},
                {"demo", DEMO_URL}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct options o = options_for(rows[i].source, NULL);
        struct remote r;
        struct err err = {""};
        assert_int_equal(remote_resolve(&r, &o, &err), 0);
        assert_string_equal(r.endpoint.url, rows[i].url);
        assert_int_equal(r.is_demo, i == 2);
        options_free(&o);
    }
}

static void a_failing_allocation_is_an_error_and_leaks_nothing(void **state)
{
    (void)state;
    struct options o = options_for("http://127.0.0.1:1", NULL);
    for (unsigned n = 1;; n++) {
        struct remote r;
        struct err err = {""};
        assert_int_equal(remote_resolve(&r, &o, &err), 0);
        alloc_fail_at(n);
        int rc = remote_open(&r, &o, &err);
        bool fired = alloc_fail_fired();
        remote_close(&r);
        assert_true(rc == 0 || *err.text);
        if (!fired) {
            assert_int_equal(rc, 0);
            break;
        }
    }
    options_free(&o);
}

/* Run in a process of its own (it hardens itself and takes signals); its output and exit status. */
static int run(int (*fn)(const struct options *), const struct options *o, char *out, size_t room)
{
    int ends[2];
    int status;
    size_t n = 0;
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        int rc = fn(o);
        fflush(NULL);
        _exit(rc);
    }
    close(ends[1]);
    for (ssize_t got; n + 1 < room && (got = read(ends[0], out + n, room - 1 - n)) > 0;)
        n += (size_t)got;
    out[n] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void assert_doctor_says(const char *source, const char *words, bool fails)
{
    char out[8192];
    struct options o = options_for(source, NULL);
    int status = run(doctor_run, &o, out, sizeof out);
    if (!strstr(out, words))
        fail_msg("%s\nshould hold \"%s\"", out, words);
    assert_null(strstr(out, SECRET));
    assert_int_equal(fails ? strstr(out, "\nFAIL  ") != NULL && status == 1
                           : (strstr(out, "FAIL  ") != NULL) == (status == 1),
                     1);
    options_free(&o);
}

static void doctor_says_what_is_well_and_what_to_do(void **state)
{
    (void)state;
    static const struct script good = {NOT_FOUND, LISTED};
    static const struct script no_list = {NOT_FOUND, DENIED};
    static const struct script no_get = {DENIED, DENIED};
    static const struct script bad = {WRONG_SECRET, WRONG_SECRET};
    script_slot script = &good;
    struct httpd *server = httpd_start(serve, &script);
    assert_doctor_says(httpd_url(server), "ok    credentials: key LTAI**** from ", false);
    assert_doctor_says(httpd_url(server), "ok    reading jobs is allowed", false);
    assert_doctor_says(httpd_url(server), "ok    listing jobs is allowed", false);
    atomic_store(&script, &no_list);
    assert_doctor_says(httpd_url(server), "warn  listing jobs is not allowed", false);
    atomic_store(&script, &no_get);
    assert_doctor_says(httpd_url(server), "FAIL  reading jobs is not allowed", true);
    atomic_store(&script, &bad);
    assert_doctor_says(httpd_url(server), "FAIL  the service refuses the credentials", true);
    httpd_stop(server);
    assert_doctor_says("http://127.0.0.1:1", "FAIL  the service cannot be reached", true);
    assert_doctor_says("cn-shangai", "cn-shanghai", true);
}

static void assert_mount_refused(const char *source, const char *mountpoint, bool front,
                                 const char *words)
{
    char out[8192];
    struct options o = options_for(source, mountpoint);
    o.foreground = front;
    assert_int_equal(run(mount_run, &o, out, sizeof out), 1);
    if (!strstr(out, words) || strncmp(out, "icejobfs: cannot mount ", 23) != 0)
        fail_msg("\"%s\" should hold \"%s\"", out, words);
    assert_ptr_equal(strchr(out, '\n'), out + strlen(out) - 1); /* one line */
    assert_null(strstr(out, SECRET));
    options_free(&o);
}

static void a_mount_that_cannot_be_is_refused_in_one_line(void **state)
{
    (void)state;
    static const struct script bad = {WRONG_SECRET, WRONG_SECRET};
    script_slot script = &bad;
    struct httpd *server = httpd_start(serve, &script);
    for (int front = 0; front <= 1; front++) {
        assert_mount_refused(httpd_url(server), "/tmp", front, "SignatureDoesNotMatch");
        assert_mount_refused("cn-shangai", "/tmp", front, "cn-shanghai");
        assert_mount_refused("http://192.0.2.1", "/tmp", front, "insecure_http");
        assert_mount_refused(httpd_url(server), "/no/such/place", front, "does not exist");
    }
    httpd_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_brought_with_its_class),
        cmocka_unit_test(silence_is_an_answer_at_the_deadline),
        cmocka_unit_test(a_closed_port_is_unreachable),
        cmocka_unit_test(a_source_is_a_region_a_url_or_demo),
        cmocka_unit_test(a_failing_allocation_is_an_error_and_leaks_nothing),
        cmocka_unit_test(doctor_says_what_is_well_and_what_to_do),
        cmocka_unit_test(a_mount_that_cannot_be_is_refused_in_one_line),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
