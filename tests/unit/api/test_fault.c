/* Error bodies: what the service, gateways and enemies send, and that no secret comes through. */
#include "api/fault.h"
#include "base/buf.h"
#include "support/alloc_fail.h"
#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define REQUEST_ID "11DA9CAB-A30D-5F9C-AD86-DA97CB11FD22"
#define TOKEN                                                                                      \
    "CAISqQJ1q6Ft5B2yfSjIr5bSEcPMqZ5W7ZeoNWTmsk8zXvhVg6LQtzz2IHFMenVoA+0Wt/U2nW9T6vsdlqAvEMcVHR"   \
    "SYNRcqsc9F+1K8J5bV7o1iOVfDZQyeG0hUVVmC2XZl8="
#define HASH "7ea06492da5221eba5297e897ce16e55f964061054b7695beedaac1145b1e259"
#define JOB  "4d7cf14dc7b83b0e801c0123456789ab"

static const char not_found[] = "{\"RequestId\":\"" REQUEST_ID "\",\"HostId\":"
                                "\"ice.cn-shanghai.aliyuncs.com\",\"Code\":\"JobNotFound\","
                                "\"Message\":\"The specified job " JOB " does not exist.\","
                                "\"Recommend\":\"https://api.aliyun.com/x?q=JobNotFound\"}";

static const char mismatch[] =
    "{\"RequestId\":\"" REQUEST_ID "\",\"Code\":\"SignatureDoesNotMatch\",\"Message\":\"Specified "
    "signature does not match our calculation. server StringToSign is [ACS3-HMAC-SHA256\\n" HASH
    "] , server CanonicalRequest is [POST\\n/\\nJobId=" JOB
    "\\nhost:ice.cn-shanghai.aliyuncs.com\\n"
    "x-acs-accesskey-id:LTAI5tDummyKeyForTests01\\nx-acs-security-token:" TOKEN "\\n\\nhost;"
    "x-acs-accesskey-id;x-acs-security-token\\ne3b0c442]\"}";

static const char xml[] =
    "<?xml version='1.0' encoding='UTF-8'?>\n<Error><RequestId>" REQUEST_ID "</RequestId>"
    "<HostId>ice.cn-shanghai.aliyuncs.com</HostId><Code>InvalidTimeStamp.Expired</Code>"
    "<Message><![CDATA[Specified time stamp or date value is expired.]]></Message></Error>";

static bool parse(const char *body, struct fault *out)
{
    return fault_parse(body, strlen(body), out);
}

static void assert_empty(const struct fault *f)
{
    static const struct fault empty;
    assert_memory_equal(f, &empty, sizeof empty);
}

static void the_services_json_is_read(void **state)
{
    (void)state;
    struct fault f;
    assert_true(parse(not_found, &f));
    assert_string_equal(f.code, "JobNotFound");
    assert_string_equal(f.request_id, REQUEST_ID);
    assert_string_equal(f.message, "The specified job " JOB " does not exist.");
}

static void the_services_xml_is_read(void **state)
{
    (void)state;
    struct fault f;
    assert_true(parse(xml, &f));
    assert_string_equal(f.code, "InvalidTimeStamp.Expired");
    assert_string_equal(f.request_id, REQUEST_ID);
    assert_string_equal(f.message, "Specified time stamp or date value is expired.");
}

static void first_letters_come_in_either_case(void **state)
{
    (void)state;
    struct fault f;
    assert_true(parse("{\"code\":\"Forbidden\",\"message\":\"no\",\"requestId\":\"R\"}", &f));
    assert_string_equal(f.code, "Forbidden");
    assert_string_equal(f.message, "no");
    assert_string_equal(f.request_id, "R");
    assert_true(parse("<error><code>Forbidden</code><message>no</message>"
                      "<requestId>R</requestId></error>",
                      &f));
    assert_string_equal(f.code, "Forbidden");
    assert_string_equal(f.message, "no");
    assert_string_equal(f.request_id, "R");
}

static void blanks_and_a_byte_order_mark_before_the_body_are_skipped(void **state)
{
    (void)state;
    struct fault f;
    assert_true(parse("\xef\xbb\xbf \r\n\t{\"Code\":\"X\"}", &f));
    assert_true(parse("\n<Error><Code>X</Code></Error>", &f));
}

static void xml_is_read_with_entities_attributes_and_gaps(void **state)
{
    (void)state;
    struct fault f;
    assert_true(parse("<ErrorResponse><Codex>no</Codex><RequestId/><Code lang=\"en\">A&amp;B</Code>"
                      "<Message>&lt;&quot;&apos;&#65;&#x42;&#0;&#300;&nope;&gt;</Message>",
                      &f));
    assert_string_equal(f.code, "A&B");
    assert_string_equal(f.request_id, "");
    assert_string_equal(f.message, "<\"'AB&#0;&#300;&nope;>");
}

static void what_has_no_code_is_no_fault(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        "   ",
        "null",
        "[]",
        "[{\"Code\":\"X\"}]",
        "\"Code\"",
        "{}",
        "{\"Code\":null}",
        "{\"Code\":\"\"}",
        "{\"Code\":404}",
        "{\"Code\":{\"Code\":\"X\"}}",
        "{\"Data\":{\"Code\":\"X\"}}",
        "{\"CODE\":\"X\"}",
        "{\"Code\":\"X\"",
        "{\"Code\":\"X",
        ("{\"RequestId\":\"" REQUEST_ID "\"}"),
        "<Error></Error>",
        "<Error><Code/></Error>",
        "<Error><Code></Code></Error>",
        "<Error><Code>JobNotFound",
        "<Error><Code",
        "<Error><Code>X<",
        "<Error><Code><![CDATA[X</Code></Error>",
        "Code: JobNotFound",
        "<!DOCTYPE html><html><body><code>JobNotFound</code></body></html>",
        "<?xml version=\"1.0\"?><html><h1>404</h1><code>JobNotFound</code></html>",
    };
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        struct fault f = {.code = "dirt", .message = "dirt", .request_id = "dirt"};
        if (parse(bodies[i], &f))
            fail_msg("a fault: %s", bodies[i]);
        assert_empty(&f);
    }
}

static void data_is_no_fault_whatever_else_it_has(void **state)
{
    (void)state;
    struct fault f;
    assert_false(parse("{\"Code\":\"Success\",\"MediaProducingJob\":{\"JobId\":\"x\"}}", &f));
    assert_empty(&f);
    assert_false(parse("{\"Code\":\"Success\",\"MediaProducingJobList\":[]}", &f));
    assert_false(parse("{\"MediaProducingJob\":{\"Status\":\"Failed\",\"Code\":\"X\"}}", &f));
    /* The twins: the same without data. */
    assert_true(parse("{\"Code\":\"Success\",\"MediaProducingJob\":null}", &f));
    assert_true(parse("{\"Code\":\"Success\",\"MediaProducingJobList\":{}}", &f));
}

static void size_and_depth_have_ceilings(void **state)
{
    (void)state;
    struct fault f;
    const size_t most = (size_t)256 << 10;
    char *big = malloc(most + 1);
    assert_non_null(big);
    static const char small[] = "{\"Code\":\"X\"}", deep[] = "{\"Code\":\"X\",\"D\":";
    memset(big, ' ', most + 1);
    memcpy(big, small, sizeof small - 1);
    assert_true(fault_parse(big, most, &f));
    assert_false(fault_parse(big, most + 1, &f));
    memset(big, '[', most);
    memcpy(big, deep, sizeof deep - 1);
    assert_false(fault_parse(big, most, &f));
    free(big);

    assert_true(
        parse("{\"Code\":\"X\",\"D\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]"
              "]]]}",
              &f)); /* 32 with the object */
    assert_false(
        parse("{\"Code\":\"X\",\"D\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]"
              "]]]]]]}",
              &f));
    assert_true(
        parse("{\"Code\":\"X\",\"D\":\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"}",
              &f)); /* brackets in a text are none */
}

static void a_signature_mismatch_leaks_nothing(void **state)
{
    (void)state;
    struct fault f;
    assert_true(parse(mismatch, &f));
    assert_string_equal(f.code, "SignatureDoesNotMatch");
    assert_string_equal(f.request_id, REQUEST_ID);
    assert_string_equal(f.message, "Specified signature does not match our calculation. server "
                                   "StringToSign***");
}

static void every_member_is_redacted(void **state)
{
    (void)state;
    struct fault f;
    assert_true(
        parse("{\"Code\":\"SecurityToken=abc\",\"RequestId\":\"LTAI5tDummyKeyForTests01\"}", &f));
    assert_string_equal(f.code, "SecurityToken=***");
    assert_string_equal(f.request_id, "LTAI***");
}

static void redaction_cuts_secrets_in_every_spelling(void **state)
{
    (void)state;
    static const struct {
        const char *text, *redacted;
    } cases[] = {
        {"server string to sign is:POST&%2F&x", "server string to sign***"},
        {"string_to_sign=abc", "string_to_sign***"},
        {"the canonical request was GET / x", "the canonical request***"},
        {"CanonicalizedRequest: x", "CanonicalizedRequest***"},
        {"got ACS3-HMAC-SHA256 Credential=a,Signature=b", "got ACS3-HMAC-SHA256***"},
        {"x-acs-security-token:" TOKEN " next", "x-acs-security-token:*** next"},
        {"X-Acs-Security-Token: abc, next", "X-Acs-Security-Token: ***, next"},
        {"SecurityToken=abc&Action=Get", "SecurityToken=***&Action=Get"},
        {"SecurityToken%3Dabc%26Action", "SecurityToken%3D***"},
        {"SecurityToken%253dabc", "SecurityToken%253d***"},
        {"{\\\"SecurityToken\\\":\\\"abc\\\",\\\"b\\\":1}",
         "{\\\"SecurityToken\\\":\\\"***\\\",\\\"b\\\":1}"},
        {"{'security_token': 'abc'}", "{'security_token': '***'}"},
        {"<SecurityToken>abc</SecurityToken>", "<SecurityToken>***</SecurityToken>"},
        {"security token [abc] expired", "security token [***] expired"},
        {"AccessKeySecret=abcdef;", "AccessKeySecret=***;"},
        {"access_key_secret: abcdef", "access_key_secret: ***"},
        {"Signature=abcdef,x", "Signature=***,x"},
        {"Credential=abcdef,x", "Credential=***,x"},
        {"OIDCToken=abc.def.ghi x", "OIDCToken=*** x"},
        {"AccessKeyId=YourAccessKeyId&x", "AccessKeyId=Your***&x"},
        {"x-acs-accesskey-id:YourAccessKeyId", "x-acs-accesskey-id:Your***"},
        {"no key LTAI5tDummyKeyForTests01.", "no key LTAI***."},
        {"key STS.NUgYrLnoC37mZZCNnAbez here", "key STS.*** here"},
        {"(LTAI5tDummyKeyForTests01)", "(LTAI***)"},
        {"sum " HASH " of", "sum *** of"},
        {"token " TOKEN, "token ***="},
        {"LTAI5tDummyKeyForTests01/" TOKEN, "LTAI******="},
        {"Signature=a", "Signature=*"},
        {"Signature=", "Signature="},
        {"StringToSign", "StringToSign"},
        {"StringToSign:", "StringToSign*"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[512];
        snprintf(text, sizeof text, "%s", cases[i].text);
        fault_redact(text);
        assert_string_equal(text, cases[i].redacted);
    }
}

static void redaction_leaves_ordinary_words_alone(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        ("The specified job " JOB " does not exist."),
        "Specified signature is not matched with our calculation.",
        "Specified access key is not found or invalid.",
        "Specified SecurityToken is expired.",
        "The security token you provided has expired.",
        "User not authorized to operate on the resource, or the API has no RAM support.",
        "SignatureDoesNotMatch",
        "SignatureNonceUsed",
        "InvalidSecurityToken.Expired",
        "InvalidSecurityToken.MismatchWithAccessKey",
        "InvalidAccessKeyId.NotFound",
        "InvalidAccessKeyId.Inactive",
        "x-acs-signature-nonce is used: 06563a9e1b43f5df",
        "请求的任务不存在。",
        "LTAI",
        "LTAIshort",
        "STS.x",
        "100% of qps=10 & more",
        "see https://help.aliyun.com/document_detail/1234567.html?spm=a2c4g.11186623.6.550",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        char text[512];
        snprintf(text, sizeof text, "%s", texts[i]);
        fault_redact(text);
        assert_string_equal(text, texts[i]);
    }
}

static void a_message_is_one_line_of_valid_utf8(void **state)
{
    (void)state;
    struct fault f;
    assert_true(parse("{\"Code\":\"X\",\"Message\":\"a\\nb\\tc\\u001b[31m\\u0085d\\u202ee\\u2028f "
                      "\\u4efb\\u52a1 \xf0\x9f\x98\x80 \\n\"}",
                      &f));
    assert_string_equal(f.message, "a b c [31m d e f \xe4\xbb\xbb\xe5\x8a\xa1 \xf0\x9f\x98\x80");
    assert_true(parse("{\"Code\":\"X\",\"Message\":\"\xff \xc0\x80 \xe0\x80\x80 \xed\xa0\x80 "
                      "\xf4\x90\x80\x80 \xf0\x80\x80\x80 \xe4\xbb \xf8 \xef\xbf\xbd\"}",
                      &f));
    assert_string_equal(f.message, "? ?? ??? ??? ???? ???? ?? ? \xef\xbf\xbd");
}

static void a_long_message_is_cut_at_a_character(void **state)
{
    (void)state;
    for (size_t shift = 0; shift < 3; shift++) {
        CLEANUP_BUF struct buf body = BUF_INIT(4096);
        struct fault f;
        int rc = buf_addf(&body, "{\"Code\":\"X\",\"Message\":\"%s", &"ab"[2 - shift]);
        for (int i = 0; i < 400; i++)
            rc |= buf_adds(&body, "任");
        assert_int_equal(rc | buf_adds(&body, "\"}"), 0);
        assert_true(parse(buf_str(&body), &f));
        size_t n = strlen(f.message);
        assert_in_range(n, sizeof f.message - 3, sizeof f.message - 1);
        assert_string_equal(f.message + n - 3, "任");
        assert_int_equal((n - shift) % 3, 0);
    }
}

/* The cut comes after the redaction, so half a key cannot slip through at the end. */
static void a_key_across_the_cut_is_redacted(void **state)
{
    (void)state;
    for (int before = 480; before < 515; before++) {
        char body[1024];
        struct fault f;
        snprintf(body, sizeof body, "{\"Code\":\"X\",\"Message\":\"%*s LTAI5tDummyKeyForTests01\"}",
                 before, ".");
        assert_true(parse(body, &f));
        assert_null(strstr(f.message, "5tD"));
    }
}

static void codes_and_ids_are_printable_ascii_and_cut(void **state)
{
    (void)state;
    char body[4096], expected[sizeof((struct fault *)0)->code];
    struct fault f;
    assert_true(parse("{\"Code\":\"a b\\n\xe4\xbb\xbb\",\"RequestId\":\"\\u007fx\"}", &f));
    assert_string_equal(f.code, "a?b????");
    assert_string_equal(f.request_id, "?x");
    snprintf(body, sizeof body, "{\"Code\":\"%0300d\",\"RequestId\":\"%050d.%0300d\"}", 0, 0, 0);
    for (char *c = body; (c = strstr(c, "00")); c += 2)
        memcpy(c, ".0", 2); /* an unbroken run of digits would be cut as a hash */
    memset(expected, 0, sizeof expected);
    for (size_t i = 0; i + 1 < sizeof expected; i++)
        expected[i] = i % 2 ? '0' : '.';
    assert_true(parse(body, &f));
    assert_string_equal(f.code, expected);
    assert_int_equal(strlen(f.request_id), sizeof f.request_id - 1);
}

/* Bodies end where they end: each runs up to an address whose next byte may not be read. */
static bool parse_at_edge(const char *body, size_t len, struct fault *f)
{
    char *exact = malloc(len ? len : 1);
    assert_non_null(exact);
    memcpy(exact, body, len);
    bool found = fault_parse(exact, len, f);
    free(exact);
    return found;
}

static void truncated_bodies_are_no_faults_and_never_over_read(void **state)
{
    (void)state;
    static const char *const bodies[] = {not_found, mismatch, xml};
    for (size_t b = 0; b < ARRAY_LEN(bodies); b++)
        for (size_t len = 0; len < strlen(bodies[b]); len++) {
            struct fault f;
            bool found = parse_at_edge(bodies[b], len, &f);
            if (*bodies[b] == '{')
                assert_false(found);
            if (!found)
                assert_empty(&f);
            /* No half of a code passes for a whole one. */
            if (found)
                assert_string_equal(f.code, "InvalidTimeStamp.Expired");
        }
}

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

static void mutate(char *body, size_t *len, uint64_t *seed)
{
    static const char pieces[] = "{}[]\"\\:,<>/&;=%#x0Cc\0\xff\xe4\x80\n";
    for (uint64_t edits = 1 + next_random(seed) % 6; edits > 0 && *len > 4; edits--) {
        size_t at = next_random(seed) % *len;
        size_t n = next_random(seed) % 24;
        switch (next_random(seed) % 4) {
        case 0:
            body[at] = (char)next_random(seed);
            break;
        case 1:
            body[at] = pieces[next_random(seed) % (sizeof pieces - 1)];
            break;
        case 2: /* leave out */
            n = n < *len - at ? n : *len - at;
            memmove(body + at, body + at + n, *len - at - n);
            *len -= n;
            break;
        default: /* say twice, somewhere else */
            n = n < *len - at ? n : *len - at;
            memmove(body + next_random(seed) % (*len - n + 1), body + at, n);
        }
    }
}

static void mutated_bodies_give_clean_faults_or_none(void **state)
{
    (void)state;
    static const char *const bodies[] = {not_found, mismatch, xml};
    uint64_t seed = 20201109;
    unsigned found = 0;
    for (unsigned i = 0; i < 30000; i++) {
        char body[2048];
        size_t len = strlen(bodies[i % 3]);
        struct fault f;
        memcpy(body, bodies[i % 3], len);
        mutate(body, &len, &seed);
        if (!parse_at_edge(body, len, &f)) {
            assert_empty(&f);
            continue;
        }
        found++;
        assert_true(f.code[0] != '\0');
        for (const char *c = f.code; *c; c++)
            assert_in_range(*c, 0x21, 0x7e);
        for (const char *c = f.message; *c; c++)
            assert_true((unsigned char)*c >= 0x20 && *c != 0x7f);
    }
    assert_in_range(found, 3000, 29000); /* the test meets both sides */
}

static void redaction_never_grows_a_text(void **state)
{
    (void)state;
    static const char *const pieces[] = {"SecurityToken",
                                         "=",
                                         "%3D",
                                         "abc",
                                         " ",
                                         "string to sign",
                                         "Signature",
                                         ":",
                                         "LTAI",
                                         "\"",
                                         "\\",
                                         "AAAAAAAAAAAAAAAA",
                                         "-",
                                         "STS.",
                                         "&",
                                         "[",
                                         ",",
                                         "AccessKeyId",
                                         "5tDummyKey",
                                         "\xe4",
                                         "is",
                                         "%25"};
    uint64_t seed = 7;
    for (unsigned i = 0; i < 20000; i++) {
        CLEANUP_BUF struct buf text = BUF_INIT(4096);
        int rc = buf_adds(&text, "");
        for (uint64_t n = next_random(&seed) % 20; n > 0; n--)
            rc |= buf_adds(&text, pieces[next_random(&seed) % ARRAY_LEN(pieces)]);
        assert_int_equal(rc, 0);
        CLEANUP_FREE char *exact = strdup(buf_str(&text));
        assert_non_null(exact);
        fault_redact(exact);
        assert_true(strlen(exact) <= text.len);
    }
}

/* cJSON's allocations go through this program's, so that they can be made to fail too. */
static void *json_malloc(size_t n)
{
    return malloc(n);
}

static void without_memory_there_is_no_fault_and_no_leak(void **state)
{
    (void)state;
    static const char *const bodies[] = {not_found, xml};
    cJSON_InitHooks(&(cJSON_Hooks){.malloc_fn = json_malloc, .free_fn = free});
    for (size_t b = 0; b < ARRAY_LEN(bodies); b++)
        for (unsigned n = 1;; n++) {
            struct fault f;
            alloc_fail_at(n);
            bool found = parse(bodies[b], &f);
            if (!alloc_fail_fired()) {
                assert_true(found);
                assert_true(n > 4);
                break;
            }
            if (!found)
                assert_empty(&f);
        }
    cJSON_InitHooks(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_services_json_is_read),
        cmocka_unit_test(the_services_xml_is_read),
        cmocka_unit_test(first_letters_come_in_either_case),
        cmocka_unit_test(blanks_and_a_byte_order_mark_before_the_body_are_skipped),
        cmocka_unit_test(xml_is_read_with_entities_attributes_and_gaps),
        cmocka_unit_test(what_has_no_code_is_no_fault),
        cmocka_unit_test(data_is_no_fault_whatever_else_it_has),
        cmocka_unit_test(size_and_depth_have_ceilings),
        cmocka_unit_test(a_signature_mismatch_leaks_nothing),
        cmocka_unit_test(every_member_is_redacted),
        cmocka_unit_test(redaction_cuts_secrets_in_every_spelling),
        cmocka_unit_test(redaction_leaves_ordinary_words_alone),
        cmocka_unit_test(a_message_is_one_line_of_valid_utf8),
        cmocka_unit_test(a_long_message_is_cut_at_a_character),
        cmocka_unit_test(a_key_across_the_cut_is_redacted),
        cmocka_unit_test(codes_and_ids_are_printable_ascii_and_cut),
        cmocka_unit_test(truncated_bodies_are_no_faults_and_never_over_read),
        cmocka_unit_test(mutated_bodies_give_clean_faults_or_none),
        cmocka_unit_test(redaction_never_grows_a_text),
        cmocka_unit_test(without_memory_there_is_no_fault_and_no_leak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
