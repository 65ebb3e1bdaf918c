/* Replies by an enemy: refused, or a snapshot that keeps its promises; never a crash. Both entry
 * points are run through the fuzzer's function, which checks the promises. */
#include "../../fuzz/fuzz_job.c"
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "job/samples.h"

static void try_bytes(const char *bytes, size_t len)
{
    assert_int_equal(LLVMFuzzerTestOneInput((const uint8_t *)bytes, len), 0);
}

/* Calls `fn` for each file of the corpus. */
static unsigned each_sample(void (*fn)(const struct buf *))
{
    unsigned n = 0;
    DIR *dir = opendir(CORPUS);
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));) {
        char path[512];
        CLEANUP_BUF struct buf body = BUF_INIT(1 << 20);
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, CORPUS "/%s", e->d_name);
        read_file(path, &body);
        fn(&body);
        n++;
    }
    closedir(dir);
    return n;
}

static void replay(const struct buf *body)
{
    try_bytes(buf_str(body), body->len);
}

static void the_corpus_of_the_fuzzer_passes(void **state)
{
    (void)state;
    assert_true(each_sample(replay) >= 12);
}

/* xorshift: the same mutations in each run */
static uint64_t seed;

static uint64_t draw(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % below;
}

static size_t mutate(char *b, size_t len, size_t cap)
{
    static const char *const words[] = {"\\u0000",    "\\ud800", "\"", "{",    "}",
                                        "[",          "]",       ",",  ":",    "null",
                                        "1e999",      "-",       "\\", "\xff", "\xed\xa0\x80",
                                        "\"JobId\":", "早",      "\n"};
    size_t at = draw(len), n;
    switch (draw(5)) {
    case 0: /* another byte */
        b[at] = (char)draw(256);
        return len;
    case 1: /* another bit */
        b[at] = (char)(b[at] ^ (1 << draw(8)));
        return len;
    case 2: /* a piece less */
        n = draw(len - at < 20 ? len - at : 20);
        memmove(b + at, b + at + n, len - at - n);
        return len - n;
    case 3: { /* a word more */
        const char *word = words[draw(sizeof words / sizeof *words)];
        n = strlen(word);
        if (len + n > cap)
            return len;
        memmove(b + at + n, b + at, len - at);
        memcpy(b + at, word, n);
        return len + n;
    }
    default: /* a piece twice */
        n = draw(len - at < 60 ? len - at : 60);
        if (len + n > cap)
            return len;
        memmove(b + at + n, b + at, len - at);
        return len + n;
    }
}

static void mutate_many(const struct buf *body)
{
    char bytes[8192];
    if (body->len == 0 || body->len > 4096)
        return;
    for (int i = 0; i < 1500; i++) {
        size_t len = body->len;
        memcpy(bytes, body->data, len);
        for (uint64_t k = draw(4) + 1; k > 0 && len > 0; k--)
            len = mutate(bytes, len, sizeof bytes);
        try_bytes(bytes, len);
    }
}

static void thousands_of_mutated_replies_are_refused_or_whole(void **state)
{
    (void)state;
    seed = 20260701;
    assert_true(each_sample(mutate_many) >= 12);
}

static void a_reply_cut_anywhere_is_refused(void **state)
{
    (void)state;
    static const char body[] =
        REPLY(",\"Status\":\"Success\",\"Message\":\"早\\ud83c\\udfac\",\"Duration\":30.5");
    for (size_t n = 0; n < sizeof body - 1; n++)
        assert_null(job_from_get(ID, body, n, NULL, NOW, NULL));
    job_unref(get(body));
}

/* A page of many items must not multiply what they share. */
static void a_page_cannot_cost_much_more_than_its_bytes(void **state)
{
    (void)state;
    CLEANUP_BUF struct buf b = BUF_INIT(1 << 22);
    struct job_page page;
    assert_int_equal(buf_adds(&b, "{\"RequestId\":\""), 0);
    while (b.len < 1 << 20)
        assert_int_equal(buf_adds(&b, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), 0);
    assert_int_equal(buf_adds(&b, "\",\"MediaProducingJobList\":[{\"JobId\":\"aaaaaaaa\"}"), 0);
    for (int i = 1; i < JOB_PAGE_MAX; i++)
        assert_int_equal(buf_adds(&b, ",{\"JobId\":\"aaaaaaaa\"}"), 0);
    assert_int_equal(buf_adds(&b, "]}"), 0);
    assert_int_equal(job_page_from_list(b.data, b.len, NOW, &page, NULL), -1);
}

static void a_reply_past_the_ceiling_is_refused_before_it_is_read(void **state)
{
    (void)state;
    struct err err = {""};
    /* one byte of memory: a look at the rest would be seen */
    CLEANUP_FREE char *one = malloc(1);
    assert_non_null(one);
    *one = '{';
    assert_null(job_from_get(ID, one, JOB_REPLY_MAX + 1, NULL, NOW, &err));
    assert_non_null(strstr(err.text, "more than the 16777216"));
}

static int quiet(void **state)
{
    (void)state;
    return LLVMFuzzerInitialize(NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_corpus_of_the_fuzzer_passes),
        cmocka_unit_test(thousands_of_mutated_replies_are_refused_or_whole),
        cmocka_unit_test(a_reply_cut_anywhere_is_refused),
        cmocka_unit_test(a_page_cannot_cost_much_more_than_its_bytes),
        cmocka_unit_test(a_reply_past_the_ceiling_is_refused_before_it_is_read),
    };
    return cmocka_run_group_tests(tests, quiet, NULL);
}
