/* The signature's check, held against what the official SDKs made of the same input. */
#include "base/clock.h"
#include "sim/verify.h"
#include "support/alloc_fail.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fixture.h"

static cJSON *vectors;

static int load(void **state)
{
    (void)state;
    static char text[1U << 20];
    FILE *file = fopen(TEST_DATA "/acs3.json", "re");
    if (!file)
        return -1;
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    vectors = cJSON_Parse(text);
    return vectors ? 0 : -1;
}

static int unload(void **state)
{
    (void)state;
    cJSON_Delete(vectors);
    return 0;
}

static const char *at(const cJSON *vector, const char *part, const char *key)
{
    return text_of(cJSON_GetObjectItemCaseSensitive(vector, part), key);
}

/* A vector as it went over the wire. */
struct wire {
    struct sim_request r;
    struct sim_params query;
    struct sim_keys keys;
    struct buf target;
    int64_t date_s;
};

static void wire_from(const cJSON *vector, struct wire *w)
{
    const cJSON *input = cJSON_GetObjectItemCaseSensitive(vector, "input");
    const cJSON *header;
    int64_t ns;
    *w = (struct wire){.target = BUF_INIT(1U << 20)};
    const char *captured = at(vector, "wire", "request_target");
    if (*captured)
        assert_int_equal(buf_adds(&w->target, captured), 0);
    else
        assert_int_equal(buf_addf(&w->target, "%s?%s", at(vector, "output", "canonical_uri"),
                                  at(vector, "output", "canonical_query")),
                         0);
    w->r.method = text_of(input, "method");
    w->r.target = buf_str(&w->target);
    w->r.body = text_of(input, "body");
    w->r.body_len = strlen(w->r.body);
    cJSON_ArrayForEach (header, cJSON_GetObjectItemCaseSensitive(input, "headers")) {
        w->r.headers[w->r.n_headers++] = (struct sim_header){header->string, header->valuestring};
    }
    w->r.headers[w->r.n_headers++] =
        (struct sim_header){"Authorization", at(vector, "output", "authorization")};
    const char *mark = strchr(w->r.target, '?');
    const char *query = mark ? mark + 1 : "";
    assert_int_equal(sim_params_add(&w->query, query, strlen(query)), 0);
    snprintf(w->keys.id, sizeof(w->keys.id), "%s", text_of(input, "access_key_id"));
    snprintf(w->keys.secret, sizeof(w->keys.secret), "%s", text_of(input, "access_key_secret"));
    snprintf(w->keys.token, sizeof(w->keys.token), "%s", text_of(input, "security_token"));
    assert_int_equal(clock_parse_iso(sim_request_header(&w->r, "x-acs-date"), &ns), 0);
    w->date_s = ns / NS_PER_S;
}

static void wire_free(struct wire *w)
{
    sim_params_free(&w->query);
    buf_free(&w->target);
}

/* Those whose body is not text cannot be sent from JSON as they are. */
static bool is_usable(const cJSON *vector)
{
    const cJSON *input = cJSON_GetObjectItemCaseSensitive(vector, "input");
    return cJSON_IsString(cJSON_GetObjectItemCaseSensitive(input, "body")) &&
           strcmp(text_of(vector, "name"), "binary-body") != 0;
}

static void each_step_gives_what_the_sdks_give(void **state)
{
    (void)state;
    const cJSON *vector;
    int n = 0;
    cJSON_ArrayForEach (vector, cJSON_GetObjectItemCaseSensitive(vectors, "vectors")) {
        struct wire w;
        char signature[SIM_HEX_LEN];
        struct buf CLEANUP_BUF canonical = BUF_INIT(1U << 20);
        struct buf CLEANUP_BUF text = BUF_INIT(1U << 20);
        if (!is_usable(vector))
            continue;
        wire_from(vector, &w);
        assert_int_equal(sim_verify_canonical(&w.r, &w.query, &canonical), 0);
        assert_string_equal(buf_str(&canonical), at(vector, "output", "canonical_request"));
        assert_int_equal(sim_verify_string_to_sign(buf_str(&canonical), canonical.len, &text), 0);
        assert_string_equal(buf_str(&text), at(vector, "output", "string_to_sign"));
        assert_int_equal(sim_verify_signature(&w.r, &w.query, w.keys.secret, signature), 0);
        assert_string_equal(signature, at(vector, "output", "signature"));
        wire_free(&w);
        n++;
    }
    assert_true(n > 40);
}

static bool goes_by(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

static void requests_of_the_sdks_are_let_through(void **state)
{
    (void)state;
    const cJSON *vector;
    int n = 0;
    cJSON_ArrayForEach (vector, cJSON_GetObjectItemCaseSensitive(vectors, "vectors")) {
        const char *name = text_of(vector, "name");
        struct wire w;
        struct sim_nonces nonces = {0};
        struct sim_refusal refusal = {.message = BUF_INIT(1U << 20)};
        if (!goes_by(name, "wire-") && !goes_by(name, "get-"))
            continue;
        wire_from(vector, &w);
        assert_int_equal(sim_verify(&w.r, &w.query, &w.keys, w.date_s, &nonces, &refusal), 0);
        assert_null(refusal.code);
        w.keys.secret[0] ^= 1;
        sim_nonces_free(&nonces);
        assert_int_equal(sim_verify(&w.r, &w.query, &w.keys, w.date_s, &nonces, &refusal), 0);
        assert_string_equal(refusal.code, "SignatureDoesNotMatch");
        sim_nonces_free(&nonces);
        buf_free(&refusal.message);
        wire_free(&w);
        n++;
    }
    assert_true(n >= 10);
}

/* --- refusals --- */

struct verdict {
    const char *code;
    char message[4096];
};

static struct sim_nonces nonces;
static struct sim_keys keys = {KEY_ID, KEY_SECRET, ""};

static struct verdict judge(const struct sent *s)
{
    struct verdict v = {0};
    struct sim_params query = {0};
    struct sim_refusal refusal = {.message = BUF_INIT(1U << 20)};
    assert_int_equal(sim_params_add(&query, s->target + 2, strlen(s->target + 2)), 0);
    assert_int_equal(sim_verify(&s->r, &query, &keys, EPOCH_S, &nonces, &refusal), 0);
    v.code = refusal.code ? refusal.code : "";
    snprintf(v.message, sizeof(v.message), "%s", buf_str(&refusal.message));
    buf_free(&refusal.message);
    sim_params_free(&query);
    return v;
}

static int fresh(void **state)
{
    (void)state;
    sim_nonces_free(&nonces);
    keys.token[0] = '\0';
    return 0;
}

static void each_needed_header_is_missed(void **state)
{
    (void)state;
    static const char *const needed[] = {
        "Host",         "x-acs-action",          "x-acs-version",
        "x-acs-date",   "x-acs-signature-nonce", "x-acs-content-sha256",
        "Authorization"};
    for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
        struct sent s;
        prepare(&s, "GetMediaProducingJob", "JobId=a", EPOCH_S);
        sign_as(&s, KEY_ID);
        drop_header(&s, needed[i]);
        struct verdict v = judge(&s);
        assert_string_equal(v.code, "MissingParameter");
        assert_non_null(strcasestr(v.message, needed[i]));
    }
}

static void a_date_may_be_fifteen_minutes_off_and_no_more(void **state)
{
    (void)state;
    static const struct {
        int64_t off;
        const char *code;
    } cases[] = {{900, ""},
                 {-900, ""},
                 {901, "InvalidTimeStamp.Expired"},
                 {-901, "InvalidTimeStamp.Expired"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct sent s;
        prepare(&s, "GetMediaProducingJob", "JobId=a", EPOCH_S + cases[i].off);
        sign_as(&s, KEY_ID);
        assert_string_equal(judge(&s).code, cases[i].code);
    }
    struct sent s;
    prepare(&s, "GetMediaProducingJob", "JobId=a", EPOCH_S);
    set_header(&s, "x-acs-date", "2026-03-01 08:30:00");
    sign_as(&s, KEY_ID);
    assert_string_equal(judge(&s).code, "InvalidTimeStamp.Format");
}

static void a_nonce_serves_once_also_for_a_refused_request(void **state)
{
    (void)state;
    struct sent s;
    prepare(&s, "GetMediaProducingJob", "JobId=a", EPOCH_S);
    sign_as(&s, KEY_ID);
    assert_string_equal(judge(&s).code, "");
    assert_string_equal(judge(&s).code, "SignatureNonceUsed");
    prepare(&s, "GetMediaProducingJob", "JobId=a", EPOCH_S + 5000);
    sign_as(&s, KEY_ID);
    assert_string_equal(judge(&s).code, "InvalidTimeStamp.Expired");
    assert_string_equal(judge(&s).code, "SignatureNonceUsed");
}

static void other_keys_hashes_and_schemes_are_refused(void **state)
{
    (void)state;
    struct sent s;
    prepare(&s, "GetMediaProducingJob", "JobId=a", EPOCH_S);
    sign_as(&s, "SomebodyElse");
    assert_string_equal(judge(&s).code, "InvalidAccessKeyId.NotFound");
    prepare(&s, "GetMediaProducingJob", "JobId=a", EPOCH_S);
    s.r.body = "x";
    s.r.body_len = 1;
    sign_as(&s, KEY_ID);
    assert_string_equal(judge(&s).code, "InvalidContentSha256");
    prepare(&s, "GetMediaProducingJob", "JobId=a", EPOCH_S);
    add_header(&s, "Authorization", "acs id:signature");
    assert_string_equal(judge(&s).code, "IncompleteSignature");
    prepare(&s, "GetMediaProducingJob", "SignatureMethod=HMAC-SHA1&Signature=x", EPOCH_S);
    assert_string_equal(judge(&s).code, "IncompleteSignature");
}

static void whatever_is_changed_after_signing_is_noticed_and_told(void **state)
{
    (void)state;
    struct sent s;
    prepare(&s, "GetMediaProducingJob", "JobId=a", EPOCH_S);
    sign_as(&s, KEY_ID);
    s.target[2 + strlen("JobId=")] = 'b';
    struct verdict v = judge(&s);
    assert_string_equal(v.code, "SignatureDoesNotMatch");
    assert_non_null(strstr(v.message, "server string to sign is:ACS3-HMAC-SHA256\n"));
    assert_non_null(strstr(v.message, "JobId=b\nhost:"));
    prepare(&s, "GetMediaProducingJob", "JobId=a", EPOCH_S);
    sign_as(&s, KEY_ID);
    add_header(&s, "x-acs-extra", "unsigned");
    assert_string_equal(judge(&s).code, "SignatureDoesNotMatch");
}

static void temporary_keys_need_their_token(void **state)
{
    (void)state;
    struct sent s;
    strcpy(keys.token, "TheToken");
    prepare(&s, "GetMediaProducingJob", "JobId=a", EPOCH_S);
    sign_as(&s, KEY_ID);
    assert_string_equal(judge(&s).code, "MissingSecurityToken");
    prepare(&s, "GetMediaProducingJob", "JobId=a", EPOCH_S);
    add_header(&s, "x-acs-security-token", "Another");
    sign_as(&s, KEY_ID);
    assert_string_equal(judge(&s).code, "InvalidSecurityToken.MismatchWithAccessKey");
    prepare(&s, "GetMediaProducingJob", "JobId=a", EPOCH_S);
    add_header(&s, "x-acs-security-token", "TheToken");
    sign_as(&s, KEY_ID);
    assert_string_equal(judge(&s).code, "");
}

static void without_memory_nothing_is_let_through(void **state)
{
    (void)state;
    for (unsigned n = 1;; n++) {
        struct sent s;
        struct sim_params query = {0};
        struct sim_refusal refusal = {.message = BUF_INIT(1U << 20)};
        prepare(&s, "GetMediaProducingJob", "", EPOCH_S);
        sign_as(&s, KEY_ID);
        s.authorization[strlen(s.authorization) - 1] ^= 1;
        alloc_fail_at(n);
        int rc = sim_verify(&s.r, &query, &keys, EPOCH_S, &nonces, &refusal);
        bool fired = alloc_fail_fired();
        buf_free(&refusal.message);
        assert_int_equal(rc, fired ? -1 : 0);
        if (!fired)
            break;
        sim_nonces_free(&nonces);
    }
}

/* --- nonces --- */

static void nonces_are_remembered_for_twenty_minutes_and_not_for_ever(void **state)
{
    (void)state;
    struct sim_nonces n = {0};
    assert_int_equal(sim_nonce_seen(&n, "a", 1000), 0);
    assert_int_equal(sim_nonce_seen(&n, "a", 1000 + SIM_NONCE_KEEP_S), 1);
    assert_int_equal(sim_nonce_seen(&n, "b", 1000 + 2 * SIM_NONCE_KEEP_S), 0);
    assert_int_equal(sim_nonce_seen(&n, "c", 1000 + 3 * SIM_NONCE_KEEP_S), 0);
    assert_int_equal(sim_nonce_seen(&n, "a", 1000 + 3 * SIM_NONCE_KEEP_S), 0);
    sim_nonces_free(&n);
}

static void many_nonces_are_told_apart(void **state)
{
    (void)state;
    struct sim_nonces n = {0};
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 5000; i++) {
            char nonce[16];
            snprintf(nonce, sizeof(nonce), "n%d", i);
            assert_int_equal(sim_nonce_seen(&n, nonce, 1000), round);
        }
    sim_nonces_free(&n);
}

/* --- parameters --- */

static void parameters_are_decoded_as_servers_do(void **state)
{
    (void)state;
    static const char text[] = "a=1+2%2B&b&%E7%89%87=%zz%4&&c=%41=";
    struct sim_params p = {0};
    struct buf CLEANUP_BUF canonical = BUF_INIT(1024);
    assert_int_equal(sim_params_add(&p, text, strlen(text)), 0);
    assert_string_equal(sim_params_get(&p, "a"), "1 2+");
    assert_string_equal(sim_params_get(&p, "b"), "");
    assert_string_equal(sim_params_get(&p, "片"), "%zz%4");
    assert_string_equal(sim_params_get(&p, "c"), "A=");
    assert_null(sim_params_get(&p, "d"));
    assert_int_equal(sim_params_canonical(&p, &canonical), 0);
    assert_string_equal(buf_str(&canonical), "a=1%202%2B&b=&c=A%3D&%E7%89%87=%25zz%254");
    sim_params_free(&p);
}

static void too_many_parameters_are_refused(void **state)
{
    (void)state;
    char text[2 * SIM_PARAMS_MAX + 3];
    struct sim_params p = {0};
    for (size_t i = 0; i < sizeof(text); i += 2)
        memcpy(text + i, "a&", i + 1 < sizeof(text) ? 2 : 1);
    assert_int_equal(sim_params_add(&p, text, sizeof(text)), -1);
    assert_int_equal(errno, E2BIG);
    sim_params_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_step_gives_what_the_sdks_give),
        cmocka_unit_test(requests_of_the_sdks_are_let_through),
        cmocka_unit_test_setup(each_needed_header_is_missed, fresh),
        cmocka_unit_test_setup(a_date_may_be_fifteen_minutes_off_and_no_more, fresh),
        cmocka_unit_test_setup(a_nonce_serves_once_also_for_a_refused_request, fresh),
        cmocka_unit_test_setup(other_keys_hashes_and_schemes_are_refused, fresh),
        cmocka_unit_test_setup(whatever_is_changed_after_signing_is_noticed_and_told, fresh),
        cmocka_unit_test_setup(temporary_keys_need_their_token, fresh),
        cmocka_unit_test_setup_teardown(without_memory_nothing_is_let_through, fresh, fresh),
        cmocka_unit_test(nonces_are_remembered_for_twenty_minutes_and_not_for_ever),
        cmocka_unit_test(many_nonces_are_told_apart),
        cmocka_unit_test(parameters_are_decoded_as_servers_do),
        cmocka_unit_test(too_many_parameters_are_refused),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
