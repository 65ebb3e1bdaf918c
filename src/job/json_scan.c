/* The strict reader that decides what is JSON here. Recursive; JOB_DEPTH_MAX bounds the stack. */
#include "job/job.h"
#include "job/json.h"
#include <string.h>

struct scan {
    const char *begin, *p, *end;
    size_t values;
    struct json *out;
    struct err *err;
};

static int fail(const struct scan *s, const char *why)
{
    return err_set(s->err, "byte %zu: %s", (size_t)(s->p - s->begin), why);
}

static void skip_blanks(struct scan *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\r' || *s->p == '\t'))
        s->p++;
}

static bool next_is(const struct scan *s, char c)
{
    return s->p < s->end && *s->p == c;
}

static bool next_is_digit(const struct scan *s)
{
    return s->p < s->end && *s->p >= '0' && *s->p <= '9';
}

static bool follows(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

/* Length of the UTF-8 sequence of two to four bytes at p, 0 when it is none (overlong, surrogate,
 * past U+10FFFF, cut). */
static size_t utf8_length(const char *at, const char *end)
{
    const unsigned char *p = (const unsigned char *)at;
    const size_t left = (size_t)(end - at);
    if (p[0] < 0xe0)
        return p[0] >= 0xc2 && left >= 2 && follows(p[1]) ? 2 : 0;
    if (p[0] < 0xf0) {
        if (left < 3 || !follows(p[1]) || !follows(p[2]))
            return 0;
        return (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ? 0 : 3;
    }
    if (p[0] > 0xf4 || left < 4 || !follows(p[1]) || !follows(p[2]) || !follows(p[3]))
        return 0;
    return (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f) ? 0 : 4;
}

/* Move over bytes that need no look: eight at a time, until one may be a control character, a
 * quote, a backslash or beyond ASCII. */
static void skip_plain(struct scan *s)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
    while (s->end - s->p >= 8) {
        uint64_t w;
        memcpy(&w, s->p, 8);
        uint64_t quote = w ^ (ones * '"'), backslash = w ^ (ones * '\\');
        uint64_t special = (w - ones * 0x20) | (quote - ones) | (backslash - ones) | w;
        if (special & tops)
            return;
        s->p += 8;
    }
}

/* Move over all characters beyond ASCII that stand together. */
static int skip_wide(struct scan *s)
{
    do {
        size_t n = utf8_length(s->p, s->end);
        if (n == 0)
            return fail(s, "bytes that are not UTF-8");
        s->p += n;
    } while (s->p < s->end && (*s->p & 0x80));
    return 0;
}

/* Four hex digits at *p, or -1. */
static long hex4(const struct scan *s)
{
    long v = 0;
    if (s->end - s->p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = s->p[i];
        if (c >= '0' && c <= '9')
            v = v * 16 + (c - '0');
        else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))
            v = v * 16 + ((c | 0x20) - 'a' + 10);
        else
            return -1;
    }
    return v;
}

/* Behind "\u". A pair of surrogates is one character; a lone one has no UTF-8. */
static int scan_unicode(struct scan *s)
{
    long unit = hex4(s);
    if (unit < 0)
        return fail(s, "\\u without four hex digits");
    if (unit == 0)
        return fail(s, "a NUL in a string");
    s->p += 4;
    if (unit < 0xd800 || unit > 0xdfff)
        return 0;
    if (unit > 0xdbff || s->end - s->p < 6 || s->p[0] != '\\' || s->p[1] != 'u')
        return fail(s, "a lone surrogate");
    s->p += 2;
    long low = hex4(s);
    if (low < 0xdc00 || low > 0xdfff)
        return fail(s, "a lone surrogate");
    s->p += 4;
    return 0;
}

static int scan_escape(struct scan *s)
{
    s->p++;
    if (s->p == s->end || *s->p == '\0' || !strchr("\"\\/bfnrtu", *s->p))
        return fail(s, "an escape that JSON does not have");
    return *s->p++ == 'u' ? scan_unicode(s) : 0;
}

static int scan_string(struct scan *s)
{
    s->p++;
    for (;;) {
        skip_plain(s);
        if (s->p == s->end)
            return fail(s, "the text ends inside a string");
        unsigned char c = (unsigned char)*s->p;
        if (c == '"') {
            s->p++;
            return 0;
        }
        if (c == '\\') {
            if (scan_escape(s) < 0)
                return -1;
        } else if (c < 0x20) {
            return fail(s, "a control character in a string");
        } else if (c < 0x80) {
            s->p++;
        } else if (skip_wide(s) < 0) {
            return -1;
        }
    }
}

static int scan_digits(struct scan *s)
{
    if (!next_is_digit(s))
        return fail(s, "a number without digits");
    while (next_is_digit(s))
        s->p++;
    return 0;
}

static int scan_fraction_and_exponent(struct scan *s)
{
    if (next_is(s, '.')) {
        s->p++;
        if (scan_digits(s) < 0)
            return -1;
    }
    if (!next_is(s, 'e') && !next_is(s, 'E'))
        return 0;
    s->p++;
    if (next_is(s, '+') || next_is(s, '-'))
        s->p++;
    return scan_digits(s);
}

static int scan_number(struct scan *s)
{
    const char *start = s->p;
    if (next_is(s, '-'))
        s->p++;
    if (next_is(s, '0'))
        s->p++; /* nothing may follow a leading zero: the next digit is junk to the caller */
    else if (scan_digits(s) < 0)
        return -1;
    if (scan_fraction_and_exponent(s) < 0)
        return -1;
    return s->p - start > JSON_NUMBER_MAX ? fail(s, "a number of too many digits") : 0;
}

static int scan_word(struct scan *s, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n) != 0)
        return fail(s, "not a JSON value");
    s->p += n;
    return 0;
}

static int scan_value(struct scan *s, unsigned level);

static int scan_member(struct scan *s, unsigned level)
{
    skip_blanks(s);
    if (!next_is(s, '"'))
        return fail(s, "a member without a key");
    if (scan_string(s) < 0)
        return -1;
    skip_blanks(s);
    if (!next_is(s, ':'))
        return fail(s, "a key without a colon");
    s->p++;
    return scan_value(s, level);
}

/* An array or object; `one` reads an element of it. */
static int scan_container(struct scan *s, unsigned level, char close,
                          int (*one)(struct scan *, unsigned))
{
    if (level >= JOB_DEPTH_MAX)
        return fail(s, "nested too deep");
    s->p++;
    skip_blanks(s);
    if (next_is(s, close)) {
        s->p++;
        return 0;
    }
    for (;;) {
        if (one(s, level + 1) < 0)
            return -1;
        skip_blanks(s);
        if (next_is(s, close)) {
            s->p++;
            return 0;
        }
        if (!next_is(s, ','))
            return fail(s, "neither a comma nor the end of what was begun");
        s->p++;
    }
}

static int scan_typed(struct scan *s, unsigned level, enum json_type *type)
{
    switch (s->p < s->end ? *s->p : '\0') {
    case '{':
        *type = JSON_OBJECT;
        return scan_container(s, level, '}', scan_member);
    case '[':
        *type = JSON_ARRAY;
        return scan_container(s, level, ']', scan_value);
    case '"':
        *type = JSON_STRING;
        return scan_string(s);
    case 't':
        *type = JSON_TRUE;
        return scan_word(s, "true");
    case 'f':
        *type = JSON_FALSE;
        return scan_word(s, "false");
    case 'n':
        *type = JSON_NULL;
        return scan_word(s, "null");
    default:
        *type = JSON_NUMBER;
        return scan_number(s);
    }
}

/* Room for one more value in the index. */
static int reserve(struct scan *s)
{
    struct json *j = s->out;
    if (j->n < j->cap)
        return 0;
    size_t cap = j->cap ? 2 * j->cap : 64;
    struct json_value *grown = realloc(j->values, cap * sizeof *grown);
    if (!grown)
        return fail(s, "no memory");
    j->values = grown;
    j->cap = cap;
    return 0;
}

static int scan_value(struct scan *s, unsigned level)
{
    skip_blanks(s);
    if (++s->values > JOB_NODES_MAX)
        return fail(s, "too many values");
    bool indexed = level < JSON_LEVELS;
    if (indexed && reserve(s) < 0)
        return -1;
    size_t at = indexed ? s->out->n++ : 0;
    const char *start = s->p;
    enum json_type type;
    if (scan_typed(s, level, &type) < 0)
        return -1;
    if (indexed)
        s->out->values[at] = (struct json_value){
            .type = type, .next = s->out->n, .raw = start, .raw_len = (size_t)(s->p - start)};
    return 0;
}

int json_scan(struct json *out, const char *body, size_t len, struct err *err)
{
    if (len > JOB_REPLY_MAX)
        return err_set(err, "%zu bytes, more than the %zu that are taken", len, JOB_REPLY_MAX);
    struct scan s = {.begin = body, .p = body, .end = body + len, .out = out, .err = err};
    if (scan_value(&s, 0) < 0)
        return -1;
    skip_blanks(&s);
    return s.p == s.end ? 0 : fail(&s, "something behind the end of the JSON");
}
