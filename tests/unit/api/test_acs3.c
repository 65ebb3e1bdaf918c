/* The signature: what the official SDKs make of the same input, step by step. */
#include "api/acs3.h"
#include "base/buf.h"
#include "support/alloc_fail.h"
#include <cjson/cJSON.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEXT_MAX ((size_t)1 << 20)

struct vector {
    struct acs3_request request;
    struct acs3_pair query[ACS3_PAIRS_MAX];
    struct acs3_pair headers[ACS3_PAIRS_MAX];
    unsigned char body[1024];
    const cJSON *output;
};

struct fixture {
    cJSON *file;
    const cJSON *vectors;
    struct acs3 *signer;
};

static const char *member(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
    assert_non_null(text);
    return text;
}

static size_t read_pairs(const cJSON *object, struct acs3_pair *out)
{
    size_t n = 0;
    const cJSON *item;
    cJSON_ArrayForEach (item, object) {
        assert_true(n < ACS3_PAIRS_MAX);
        out[n++] = (struct acs3_pair){item->string, cJSON_GetStringValue(item)};
    }
    return n;
}

static void read_hex_body(const char *hex, struct vector *v)
{
    for (; *hex; hex += 2) {
        unsigned byte;
        assert_int_equal(sscanf(hex, "%2x", &byte), 1);
        v->body[v->request.body_len++] = (unsigned char)byte;
    }
    v->request.body = v->body;
}

static void read_vector(const cJSON *json, struct vector *v)
{
    memset(v, 0, sizeof *v);
    const cJSON *in = cJSON_GetObjectItemCaseSensitive(json, "input");
    const cJSON *hex = cJSON_GetObjectItemCaseSensitive(in, "body_hex");
    v->output = cJSON_GetObjectItemCaseSensitive(json, "output");
    v->request = (struct acs3_request){
        .method = member(in, "method"),
        .path = member(in, "pathname"),
        .query = v->query,
        .n_query = read_pairs(cJSON_GetObjectItemCaseSensitive(in, "query"), v->query),
        .headers = v->headers,
        .n_headers = read_pairs(cJSON_GetObjectItemCaseSensitive(in, "headers"), v->headers),
        .key_id = member(in, "access_key_id"),
        .key_secret = member(in, "access_key_secret"),
    };
    if (hex) {
        read_hex_body(cJSON_GetStringValue(hex), v);
    } else {
        v->request.body = member(in, "body");
        v->request.body_len = strlen(member(in, "body"));
    }
}

static int set_up(void **state)
{
    static struct fixture f;
    static char text[TEXT_MAX];
    FILE *in = fopen(TEST_DATA "/acs3.json", "re");
    if (!in)
        return -1;
    size_t n = fread(text, 1, TEXT_MAX - 1, in);
    fclose(in);
    assert_true(n > 0);
    f.file = cJSON_Parse(text);
    f.vectors = cJSON_GetObjectItemCaseSensitive(f.file, "vectors");
    f.signer = acs3_new(NULL);
    assert_non_null(f.signer);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    acs3_free(f->signer);
    cJSON_Delete(f->file);
    return 0;
}

typedef int step_fn(struct acs3 *, const struct acs3_request *, struct buf *, struct err *);

/* Hold one step of every vector against the file. */
static void check_step(const struct fixture *f, step_fn *step, const char *expected)
{
    const cJSON *json;
    unsigned seen = 0;
    cJSON_ArrayForEach (json, f->vectors) {
        struct vector v;
        struct err err = {"untouched"};
        CLEANUP_BUF struct buf out = BUF_INIT(TEXT_MAX);
        read_vector(json, &v);
        assert_int_equal(step(f->signer, &v.request, &out, &err), 0);
        assert_string_equal(buf_str(&out), member(v.output, expected));
        assert_string_equal(err.text, "untouched");
        seen++;
    }
    assert_int_equal(seen, 50);
}

static int canonical_query(struct acs3 *s, const struct acs3_request *r, struct buf *out,
                           struct err *err)
{
    (void)s;
    return acs3_canonical_query(r, out, err);
}

static int payload_hash(struct acs3 *s, const struct acs3_request *r, struct buf *out,
                        struct err *err)
{
    char hex[ACS3_HEX_LEN];
    return acs3_sha256_hex(s, r->body, r->body_len, hex, err) < 0 ? -1 : buf_adds(out, hex);
}

static int signature(struct acs3 *s, const struct acs3_request *r, struct buf *out, struct err *err)
{
    CLEANUP_BUF struct buf whole = BUF_INIT(TEXT_MAX);
    if (acs3_authorization(s, r, &whole, err) < 0)
        return -1;
    const char *value = strstr(buf_str(&whole), ",Signature=");
    assert_non_null(value);
    return buf_adds(out, value + strlen(",Signature="));
}

static void every_vector_has_the_canonical_query_of_the_sdks(void **state)
{
    check_step(*state, canonical_query, "canonical_query");
}

static void every_vector_has_the_payload_hash_of_the_sdks(void **state)
{
    check_step(*state, payload_hash, "payload_sha256");
}

static void every_vector_has_the_canonical_request_of_the_sdks(void **state)
{
    check_step(*state, acs3_canonical_request, "canonical_request");
}

static void every_vector_has_the_string_to_sign_of_the_sdks(void **state)
{
    check_step(*state, acs3_string_to_sign, "string_to_sign");
}

static void every_vector_has_the_signature_of_the_sdks(void **state)
{
    check_step(*state, signature, "signature");
}

static void every_vector_has_the_authorization_of_the_sdks(void **state)
{
    check_step(*state, acs3_authorization, "authorization");
}

/* The twin: the comparison above is able to fail. */
static void a_changed_secret_gives_another_signature(void **state)
{
    const struct fixture *f = *state;
    struct vector v;
    CLEANUP_BUF struct buf out = BUF_INIT(TEXT_MAX);
    read_vector(cJSON_GetArrayItem(f->vectors, 0), &v);
    v.request.key_secret = "YourAccessKeySecreT";
    assert_int_equal(acs3_authorization(f->signer, &v.request, &out, NULL), 0);
    assert_string_not_equal(buf_str(&out), member(v.output, "authorization"));
}

static const struct acs3_request minimal = {
    .method = "POST", .path = "/", .key_id = "id", .key_secret = "secret"};

static void parameters_sort_by_name_then_value_and_names_are_encoded(void **state)
{
    (void)state;
    static const struct acs3_pair query[] = {{"b", "2"}, {"a b", "\xff"}, {"b", "1"}, {"b", ""}};
    struct acs3_request r = minimal;
    r.query = query;
    r.n_query = ARRAY_LEN(query);
    CLEANUP_BUF struct buf out = BUF_INIT(TEXT_MAX);
    assert_int_equal(acs3_canonical_query(&r, &out, NULL), 0);
    assert_string_equal(buf_str(&out), "a%20b=%FF&b=&b=1&b=2");
}

static void values_of_a_repeated_header_sort_by_their_trimmed_bytes(void **state)
{
    const struct fixture *f = *state;
    static const struct acs3_pair headers[] = {
        {"x-acs-a", "\t bb "}, {"X-ACS-A", "b"}, {"Host", "h"}, {"x-acs-A", " \r\n"}, {"xx", "y"}};
    struct acs3_request r = minimal;
    r.headers = headers;
    r.n_headers = ARRAY_LEN(headers);
    CLEANUP_BUF struct buf out = BUF_INIT(TEXT_MAX);
    assert_int_equal(acs3_canonical_request(f->signer, &r, &out, NULL), 0);
    assert_string_equal(buf_str(&out),
                        "POST\n/\n\nhost:h\nx-acs-a:,b,bb\n\nhost;x-acs-a\n"
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void authorize(struct acs3 *s, const char *secret, struct buf *out)
{
    struct acs3_request r = minimal;
    r.key_secret = secret;
    buf_reset(out);
    assert_int_equal(acs3_authorization(s, &r, out, NULL), 0);
}

/* The signer remembers the one before. */
static void each_request_is_signed_with_its_own_secret(void **state)
{
    const struct fixture *f = *state;
    char lengthy[1000];
    memset(lengthy, 'k', sizeof lengthy);
    lengthy[sizeof lengthy - 1] = '\0';
    const char *secrets[] = {"a", "a", "ab", "b", "", "", lengthy, lengthy, "a", lengthy + 1, "a"};
    CLEANUP_BUF struct buf got = BUF_INIT(TEXT_MAX), wanted = BUF_INIT(TEXT_MAX);
    for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
        struct acs3 *fresh = acs3_new(NULL);
        authorize(fresh, secrets[i], &wanted);
        authorize(f->signer, secrets[i], &got);
        assert_string_equal(buf_str(&got), buf_str(&wanted));
        acs3_free(fresh);
    }
}

static void an_empty_secret_is_a_secret(void **state)
{
    const struct fixture *f = *state;
    struct acs3_request r = minimal;
    r.key_secret = "";
    CLEANUP_BUF struct buf out = BUF_INIT(TEXT_MAX);
    assert_int_equal(acs3_authorization(f->signer, &r, &out, NULL), 0);
    /* HMAC-SHA256 with an empty key, by Python's hmac. */
    assert_non_null(
        strstr(buf_str(&out),
               "Signature=cf7ccd7c4231604b9311f3ac90a48b8bbbbb017fedb33b90073c0e87031be3f7"));
}

static void results_are_appended(void **state)
{
    const struct fixture *f = *state;
    CLEANUP_BUF struct buf out = BUF_INIT(TEXT_MAX);
    assert_int_equal(buf_adds(&out, "Authorization: "), 0);
    assert_int_equal(acs3_authorization(f->signer, &minimal, &out, NULL), 0);
    assert_ptr_equal(
        strstr(buf_str(&out),
               "Authorization: ACS3-HMAC-SHA256 Credential=id,SignedHeaders=,Signature="),
        out.data);
}

static void too_many_pairs_are_refused(void **state)
{
    const struct fixture *f = *state;
    static struct acs3_pair many[ACS3_PAIRS_MAX + 1];
    for (size_t i = 0; i < ARRAY_LEN(many); i++)
        many[i] = (struct acs3_pair){"x-acs-many", "v"};
    struct acs3_request queries = minimal, headers = minimal;
    queries.query = headers.headers = many;
    queries.n_query = headers.n_headers = ARRAY_LEN(many);
    CLEANUP_BUF struct buf out = BUF_INIT(TEXT_MAX);
    struct err err = {""};
    assert_int_equal(acs3_authorization(f->signer, &queries, &out, &err), -1);
    assert_string_equal(err.text, "signing the request: 129 parameters, more than 128");
    assert_int_equal(acs3_canonical_request(f->signer, &headers, &out, &err), -1);
    assert_int_equal(acs3_string_to_sign(f->signer, &headers, &out, &err), -1);
    assert_int_equal(acs3_authorization(f->signer, &headers, &out, &err), -1);
    assert_string_equal(err.text, "signing the request: more than 128 headers");
}

static void a_full_buffer_is_an_error_at_every_length(void **state)
{
    const struct fixture *f = *state;
    static step_fn *const steps[] = {canonical_query, acs3_canonical_request, acs3_string_to_sign,
                                     acs3_authorization};
    struct vector v;
    read_vector(cJSON_GetArrayItem(f->vectors, 33), &v); /* repeated headers */
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        CLEANUP_BUF struct buf whole = BUF_INIT(TEXT_MAX);
        assert_int_equal(steps[i](f->signer, &v.request, &whole, NULL), 0);
        for (size_t max = 0; max < whole.len; max++) {
            CLEANUP_BUF struct buf out = BUF_INIT(max);
            struct err err = {""};
            assert_int_equal(steps[i](f->signer, &v.request, &out, &err), -1);
            assert_string_equal(err.text, "signing the request: it is too long");
        }
    }
}

static void percent_encoding_leaves_the_unreserved_alone(void **state)
{
    (void)state;
    CLEANUP_BUF struct buf out = BUF_INIT(4096);
    char every[256];
    for (int i = 1; i < 256; i++)
        every[i - 1] = (char)i;
    every[255] = '\0';
    assert_int_equal(acs3_percent_encode(every, &out), 0);
    assert_int_equal(out.len, 66 + 3 * (255 - 66));
    assert_non_null(strstr(buf_str(&out), "%2C-.%2F0123456789%3A"));
    assert_non_null(strstr(buf_str(&out), "%5E_%60abc"));
    assert_non_null(strstr(buf_str(&out), "z%7B%7C%7D~%7F%80"));
}

static void every_failing_allocation_is_an_error_without_the_secret(void **state)
{
    const struct fixture *f = *state;
    struct vector v;
    read_vector(cJSON_GetArrayItem(f->vectors, 24), &v); /* with a token */
    for (unsigned n = 1;; n++) {
        CLEANUP_BUF struct buf out = BUF_INIT(TEXT_MAX);
        struct err err = {""};
        alloc_fail_at(n);
        int rc = acs3_authorization(f->signer, &v.request, &out, &err);
        if (!alloc_fail_fired()) {
            assert_int_equal(rc, 0);
            assert_true(n > 3); /* the result grows; OpenSSL 3.5 needs nothing, 3.0 three times */
            break;
        }
        assert_int_equal(rc, -1);
        assert_true(err.text[0] != '\0');
        assert_null(strstr(err.text, v.request.key_secret));
    }
}

static void a_signer_that_cannot_be_made_says_so(void **state)
{
    (void)state;
    struct err err = {""};
    alloc_fail_at(1);
    assert_null(acs3_new(&err));
    assert_true(alloc_fail_fired());
    assert_string_equal(err.text, "preparing signatures: out of memory");

    for (unsigned n = 2;; n++) {
        alloc_fail_at(n);
        struct acs3 *s = acs3_new(&err);
        bool failed = alloc_fail_fired();
        acs3_free(s);
        if (!failed) {
            assert_non_null(s);
            break;
        }
        if (!s)
            assert_non_null(strstr(err.text, "preparing signatures (SHA-256, HMAC): OpenSSL: "));
    }
    acs3_free(NULL);
}

static void *sign_many(void *arg)
{
    const struct fixture *f = arg;
    struct vector v;
    read_vector(cJSON_GetArrayItem(f->vectors, 0), &v);
    CLEANUP_BUF struct buf out = BUF_INIT(TEXT_MAX);
    for (int i = 0; i < 500; i++) {
        buf_reset(&out);
        if (acs3_authorization(f->signer, &v.request, &out, NULL) < 0 ||
            strcmp(buf_str(&out), member(v.output, "authorization")) != 0)
            return arg;
    }
    return NULL;
}

static void threads_share_one_signer(void **state)
{
    pthread_t threads[4];
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, sign_many, *state), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        void *failed;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
}

/* OpenSSL's allocations go through this program's, so that they can be made to fail too. */
static void *crypto_malloc(size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    return malloc(n);
}

static void *crypto_realloc(void *p, size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    return realloc(p, n);
}

static void crypto_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    free(p);
}

int main(void)
{
    if (CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free) != 1)
        return 99;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vector_has_the_canonical_query_of_the_sdks),
        cmocka_unit_test(every_vector_has_the_payload_hash_of_the_sdks),
        cmocka_unit_test(every_vector_has_the_canonical_request_of_the_sdks),
        cmocka_unit_test(every_vector_has_the_string_to_sign_of_the_sdks),
        cmocka_unit_test(every_vector_has_the_signature_of_the_sdks),
        cmocka_unit_test(every_vector_has_the_authorization_of_the_sdks),
        cmocka_unit_test(a_changed_secret_gives_another_signature),
        cmocka_unit_test(parameters_sort_by_name_then_value_and_names_are_encoded),
        cmocka_unit_test(values_of_a_repeated_header_sort_by_their_trimmed_bytes),
        cmocka_unit_test(each_request_is_signed_with_its_own_secret),
        cmocka_unit_test(an_empty_secret_is_a_secret),
        cmocka_unit_test(results_are_appended),
        cmocka_unit_test(too_many_pairs_are_refused),
        cmocka_unit_test(a_full_buffer_is_an_error_at_every_length),
        cmocka_unit_test(percent_encoding_leaves_the_unreserved_alone),
        cmocka_unit_test(every_failing_allocation_is_an_error_without_the_secret),
        cmocka_unit_test(a_signer_that_cannot_be_made_says_so),
        cmocka_unit_test(threads_share_one_signer),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
