#include "api/fault_redact.h"
#include "base/attr.h"
#include <stdbool.h>
#include <string.h>

#define STARS          3
#define KEY_ID_KEEP    4
#define KEY_ID_MIN     8  /* characters behind the prefix; real ones have 16 and more */
#define LOOKS_LIKE_KEY 64 /* hashes in hex have 64, tokens hundreds; job ids have 32 */

/* Behind these stands nothing but what was signed. Without joints, in lower case. */
static const char *const markers[] = {"stringtosign", "canonicalrequest", "canonicalizedrequest",
                                      "canonicalstring", "acs3hmacsha256"};

static const struct {
    const char *word;
    size_t keep; /* characters of the value that stay */
} labels[] = {
    {"securitytoken", 0}, {"ststoken", 0},  {"oidctoken", 0},  {"accesskeysecret", 0},
    {"accesssecret", 0},  {"signature", 0}, {"credential", 0}, {"accesskeyid", KEY_ID_KEEP},
    {"accesskey", 0},     {"secretkey", 0},
};

static const char *const key_id_prefixes[] = {"LTAI", "STS.", "TMP."};

/* A text being shortened in place: read at `in`, written at `out`, which is never ahead. */
struct edit {
    char *text;
    size_t in, out;
    char before; /* what was read last; '\0' where something new begins */
};

static char lower(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    return c;
}

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z');
}

/* Of base64 in both alphabets, percent-encoded too. */
static bool is_key_char(char c)
{
    return is_alnum(c) || (c && strchr("+/_-%", c));
}

static void copy(struct edit *e, size_t n)
{
    if (n == 0)
        return;
    e->before = e->text[e->in + n - 1];
    memmove(e->text + e->out, e->text + e->in, n);
    e->in += n;
    e->out += n;
}

/* Write the first `keep` of the next n characters, and stars for the others. */
static void mask(struct edit *e, size_t n, size_t keep)
{
    size_t kept = keep < n ? keep : n;
    size_t stars = n - kept < STARS ? n - kept : STARS;
    memmove(e->text + e->out, e->text + e->in, kept);
    memset(e->text + e->out + kept, '*', stars);
    e->in += n;
    e->out += kept + stars;
    e->before = '\0';
}

/* Length of `word` at the head of the text in any spelling (StringToSign, string-to-sign), or 0. */
static size_t match_word(const char *text, const char *word)
{
    size_t i = 0;
    for (; *word; word++) {
        if (i > 0 && text[i] && strchr("-_ ", text[i]))
            i++;
        if (lower(text[i]) != *word)
            return 0;
        i++;
    }
    return i;
}

/* Length of an encoded `=` or `:` at the head of the text (%3D, %3a, %253D), or 0. */
static size_t match_encoded(const char *text)
{
    size_t i = strncmp(text, "%25", 3) == 0 ? 3 : *text == '%' ? 1 : 0;
    if (i == 0 || text[i] != '3')
        return 0;
    char last = lower(text[i + 1]);
    return last == 'd' || last == 'a' ? i + 2 : 0;
}

/* Length of what stands between a label and its value, or 0 when no value follows: blanks and
 * quotes alone do not make one ("the signature does not match"). */
static size_t separator_len(const char *text)
{
    bool strong = false;
    size_t i = 0;
    for (;;) {
        size_t encoded = match_encoded(text + i);
        if (encoded || (text[i] && strchr(":=>[(", text[i])))
            strong = true;
        else if (!text[i] || !strchr(" \t\r\n\"'\\", text[i]))
            return strong ? i : 0;
        i += encoded ? encoded : 1;
    }
}

static bool cut_marker(struct edit *e)
{
    for (size_t i = 0; i < ARRAY_LEN(markers); i++) {
        size_t n = match_word(e->text + e->in, markers[i]);
        if (n == 0)
            continue;
        copy(e, n);
        mask(e, strlen(e->text + e->in), 0);
        return true;
    }
    return false;
}

static bool cut_label(struct edit *e)
{
    for (size_t i = 0; i < ARRAY_LEN(labels); i++) {
        const char *at = e->text + e->in;
        size_t n = match_word(at, labels[i].word);
        size_t separator = n ? separator_len(at + n) : 0;
        if (separator == 0)
            continue;
        copy(e, n + separator);
        mask(e, strcspn(e->text + e->in, " \t\r\n\"'\\,;&<>])}"), labels[i].keep);
        return true;
    }
    return false;
}

static bool cut_key_id(struct edit *e)
{
    const char *at = e->text + e->in;
    if (is_alnum(e->before))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(key_id_prefixes); i++) {
        size_t n = strlen(key_id_prefixes[i]), start = n;
        if (strncmp(at, key_id_prefixes[i], n) != 0)
            continue;
        while (is_alnum(at[n]))
            n++;
        if (n - start < KEY_ID_MIN)
            return false;
        mask(e, n, KEY_ID_KEEP);
        return true;
    }
    return false;
}

static bool cut_long_run(struct edit *e)
{
    size_t n = 0;
    if (is_key_char(e->before))
        return false;
    while (is_key_char(e->text[e->in + n]))
        n++;
    if (n < LOOKS_LIKE_KEY)
        return false;
    mask(e, n, 0);
    return true;
}

void fault_redact(char *text)
{
    struct edit e = {.text = text};
    while (text[e.in])
        if (!cut_marker(&e) && !cut_label(&e) && !cut_key_id(&e) && !cut_long_run(&e))
            copy(&e, 1);
    text[e.out] = '\0';
}
