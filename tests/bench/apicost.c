/* What a call costs, apart from mount and cache.
 *
 *   apicost calls URL CA IN-FLIGHT < IDS     signed calls of Get, parsed into snapshots
 *   apicost bare URL CA IN-FLIGHT < PATHS    the same number of plain requests by curl multi
 *   apicost sign                             one signature
 *   apicost parse < REPLY                    one reply into a snapshot
 *
 * CA: a file of certificates to trust, or "". Keys come from the environment. Prints the
 * operations, the seconds of processor time and of wall time that each thousand of them took. */
#include "api/acs3.h"
#include "api/creds.h"
#include "api/http.h"
#include "api/ice.h"
#include "base/attr.h"
#include "base/clock.h"
#include "base/num.h"
#include "job/job.h"
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define IDS_MAX    ((size_t)1 << 17)
#define TIMEOUT_MS 30000
#define WARM_UP    32 /* operations before the clock runs: connections, algorithms, memory */
#define SIGNATURES 200000
#define PARSE_NS   (2 * NS_PER_S)

static char *ids[IDS_MAX];
static size_t n_ids;

/* ---- time ---- */

struct span {
    int64_t wall_ns, cpu_ns;
};

static int64_t cpu_ns(void)
{
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return (r.ru_utime.tv_sec + r.ru_stime.tv_sec) * NS_PER_S +
           (r.ru_utime.tv_usec + r.ru_stime.tv_usec) * INT64_C(1000);
}

static struct span now(void)
{
    return (struct span){.wall_ns = clock_mono_ns(), .cpu_ns = cpu_ns()};
}

static int report(size_t n, struct span begin)
{
    struct span end = now();
    double thousands = (double)n / 1000 * (double)NS_PER_S;
    printf("%zu %.6f %.6f\n", n, (double)(end.cpu_ns - begin.cpu_ns) / thousands,
           (double)(end.wall_ns - begin.wall_ns) / thousands);
    return 0;
}

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "apicost: %s: %s\n", what, why);
    return 1;
}

static void read_ids(void)
{
    char line[512];
    while (n_ids < IDS_MAX && fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        ids[n_ids] = strdup(line);
        n_ids += ids[n_ids] != NULL;
    }
}

/* ---- calls ---- */

struct calls {
    struct ice *ice;
    size_t next, done, wrong;
    struct err err;
};

static void send_next(struct calls *c);

static void on_answer(void *arg, struct ice_answer *a)
{
    struct calls *c = arg;
    /* The id is not known here: snapshots of any job will do, and the simulator mixes none up. */
    const char *id = a->class == API_OK ? strstr(buf_str(&a->body), "\"JobId\":\"") : NULL;
    char name[64] = "";
    if (id)
        snprintf(name, sizeof name, "%.*s", (int)strcspn(id + 9, "\""), id + 9);
    struct job *job =
        id ? job_from_get(name, buf_str(&a->body), a->body.len, NULL, clock_real_ns(), &c->err)
           : NULL;
    c->wrong += job == NULL;
    if (!job && a->error.text[0])
        c->err = a->error;
    job_unref(job);
    c->done++;
    send_next(c);
}

static void send_next(struct calls *c)
{
    if (c->next >= n_ids)
        return;
    if (ice_get(c->ice, ids[c->next++], TIMEOUT_MS, on_answer, c, &c->err) < 0) {
        c->wrong++;
        c->done++;
    }
}

static void pump(struct calls *c, struct http *http, size_t first, size_t last, size_t in_flight)
{
    size_t all = n_ids;
    n_ids = last;
    c->next = c->done = first;
    for (size_t i = 0; i < in_flight; i++)
        send_next(c);
    while (c->done < last)
        http_pump(http, 100);
    n_ids = all;
}

static int do_calls(char **argv, size_t in_flight)
{
    struct err err = {""};
    struct http_config hc = {.ca_file = argv[1][0] ? argv[1] : NULL, .proxy = ""};
    struct creds_env env = {0};
    struct http *http = http_new(&hc, &err);
    struct creds *creds = http ? creds_new(&env, &err) : NULL;
    if (!creds || creds_load(creds, TIMEOUT_MS, &err) < 0)
        return fail("set-up", err.text);
    struct ice_config ic = {.endpoint = argv[0], .http = http, .creds = creds};
    struct calls c = {.ice = ice_new(&ic, &err)};
    if (!c.ice || n_ids <= WARM_UP)
        return fail("set-up", c.ice ? "too few ids" : err.text);
    pump(&c, http, 0, WARM_UP, in_flight);
    struct span begin = now();
    pump(&c, http, WARM_UP, n_ids, in_flight);
    int rc = c.wrong ? fail("calls", c.err.text) : report(n_ids - WARM_UP, begin);
    http_free(http);
    ice_free(c.ice);
    creds_free(creds);
    return rc;
}

/* ---- bare ---- */

static size_t drop(char *data, size_t size, size_t n, void *arg)
{
    (void)data;
    *(size_t *)arg += size * n;
    return size * n;
}

static size_t got;

static void bare_next(CURLM *multi, CURL *easy, const char *base, size_t i)
{
    char url[1024];
    snprintf(url, sizeof url, "%s%s", base, ids[i]);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_multi_add_handle(multi, easy);
}

static CURL *bare_easy(const char *ca)
{
    CURL *easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &got);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    if (ca[0])
        curl_easy_setopt(easy, CURLOPT_CAINFO, ca);
    return easy;
}

/* Requests first to last - 1, as many at once as there are handles. How many failed. */
static size_t bare_run(CURLM *multi, CURL **easy, size_t n, const char *base, size_t first,
                       size_t last)
{
    size_t next = first, done = first, wrong = 0;
    for (size_t i = 0; i < n && next < last; i++)
        bare_next(multi, easy[i], base, next++);
    while (done < last) {
        int running, left;
        curl_multi_perform(multi, &running);
        for (CURLMsg *m; (m = curl_multi_info_read(multi, &left)) != NULL; done++) {
            CURL *one = m->easy_handle;
            wrong += m->data.result != CURLE_OK;
            curl_multi_remove_handle(multi, one);
            if (next < last)
                bare_next(multi, one, base, next++);
        }
        if (running)
            curl_multi_poll(multi, NULL, 0, 100, NULL);
    }
    return wrong;
}

#define IN_FLIGHT_MAX 256

static int do_bare(char **argv, size_t in_flight)
{
    CURL *easy[IN_FLIGHT_MAX];
    CURLM *multi = curl_multi_init();
    if (n_ids <= WARM_UP)
        return fail("set-up", "too few paths");
    for (size_t i = 0; i < in_flight; i++)
        easy[i] = bare_easy(argv[1]);
    bare_run(multi, easy, in_flight, argv[0], 0, WARM_UP);
    struct span begin = now();
    size_t wrong = bare_run(multi, easy, in_flight, argv[0], WARM_UP, n_ids);
    int rc = wrong ? fail("bare", "transfers failed") : report(n_ids - WARM_UP, begin);
    for (size_t i = 0; i < in_flight; i++)
        curl_easy_cleanup(easy[i]);
    curl_multi_cleanup(multi);
    return rc;
}

/* ---- pieces ---- */

static int do_sign(void)
{
    static const struct acs3_pair query[] = {{"JobId", "cdb3e74639973036bc84aaaabbbbcccc"}};
    static const struct acs3_pair headers[] = {
        {"host", "ice.cn-shanghai.aliyuncs.com"},
        {"x-acs-action", "GetMediaProducingJob"},
        {"x-acs-content-sha256",
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"x-acs-date", "2024-05-06T07:08:09Z"},
        {"x-acs-signature-nonce", "0123456789abcdef0123456789abcdef"},
        {"x-acs-version", "2020-11-09"},
    };
    const struct acs3_request r = {.method = "POST",
                                   .path = "/",
                                   .query = query,
                                   .n_query = ARRAY_LEN(query),
                                   .headers = headers,
                                   .n_headers = ARRAY_LEN(headers),
                                   .key_id = "LTAI0123456789",
                                   .key_secret = "0123456789012345678901"};
    struct err err = {""};
    struct acs3 *signer = acs3_new(&err);
    struct buf out = BUF_INIT(4096);
    struct span begin = now();
    for (size_t i = 0; signer && i < SIGNATURES; i++) {
        out.len = 0;
        if (acs3_authorization(signer, &r, &out, &err) < 0)
            return fail("sign", err.text);
    }
    acs3_free(signer);
    buf_free(&out);
    return signer ? report(SIGNATURES, begin) : fail("sign", err.text);
}

static int do_parse(void)
{
    static char reply[JOB_REPLY_MAX];
    size_t len = fread(reply, 1, sizeof reply - 1, stdin), n = 0;
    const char *id = strstr(reply, "\"JobId\":\"");
    char name[64];
    struct err err = {""};
    if (!id)
        return fail("parse", "no reply on stdin");
    snprintf(name, sizeof name, "%.*s", (int)strcspn(id + 9, "\""), id + 9);
    struct span begin = now();
    while (clock_mono_ns() < begin.wall_ns + PARSE_NS) {
        struct job *job = job_from_get(name, reply, len, NULL, clock_real_ns(), &err);
        if (!job)
            return fail("parse", err.text);
        job_unref(job);
        n++;
    }
    return report(n, begin);
}

int main(int argc, char **argv)
{
    struct err err = {""};
    uint64_t in_flight = 1;
    if (http_global_init(&err) < 0)
        return fail("set-up", err.text);
    if (argc == 2 && strcmp(argv[1], "sign") == 0)
        return do_sign();
    if (argc == 2 && strcmp(argv[1], "parse") == 0)
        return do_parse();
    if (argc != 5 || num_parse_u64(argv[4], 1, IN_FLIGHT_MAX, &in_flight) < 0) {
        fprintf(stderr, "usage: apicost calls|bare URL CA IN-FLIGHT; apicost sign|parse\n");
        return 2;
    }
    read_ids();
    return strcmp(argv[1], "calls") == 0 ? do_calls(argv + 2, in_flight)
                                         : do_bare(argv + 2, in_flight);
}
