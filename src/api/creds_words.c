#include "api/creds_process.h"
#include "base/secret.h"
#include <stdbool.h>

#define WORDS_MAX 256
#define WORD_MAX  ((size_t)64 << 10)

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* In double quotes a backslash quotes these alone; elsewhere it quotes anything. */
static bool quotes_in_double(char c)
{
    return c == '"' || c == '\\' || c == '$' || c == '`' || c == '\n';
}

/* A quoted run that begins at `p` (behind the quote). Returns what follows the closing quote, or
 * NULL: none, or no memory. */
static const char *quoted(const char *p, char quote, struct buf *out)
{
    for (; *p && *p != quote; p++) {
        if (quote == '"' && *p == '\\' && quotes_in_double(p[1]))
            p++;
        if (buf_addc(out, *p) < 0)
            return NULL;
    }
    return *p ? p + 1 : NULL;
}

/* What stands at `p` outside of quotes: one character, or a quoted run. Returns what follows, or
 * NULL. */
static const char *piece(const char *p, struct buf *out)
{
    if (*p == '\'' || *p == '"')
        return quoted(p + 1, *p, out);
    if (*p == '\\')
        p++;
    if (!*p)
        return NULL;
    return buf_addc(out, *p) < 0 ? NULL : p + 1;
}

/* One word at `p`, which is no blank. Returns what follows, or NULL. */
static const char *word(const char *p, struct buf *out)
{
    do
        p = piece(p, out);
    while (p && *p && !is_blank(*p));
    return p;
}

static int keep(struct creds_words *w, struct buf *text)
{
    char *copy = buf_take(text);
    if (!copy)
        return -1;
    w->at[w->n++] = copy;
    return 0;
}

int creds_words_split(const char *text, struct creds_words *out, struct err *err)
{
    *out = (struct creds_words){.at = calloc(WORDS_MAX + 1, sizeof *out->at)};
    if (!out->at)
        return err_set(err, "out of memory");
    for (;;) {
        while (is_blank(*text))
            text++;
        if (!*text)
            break;
        if (out->n == WORDS_MAX)
            return err_set(err, "more than %d words", WORDS_MAX);
        CLEANUP_BUF struct buf one = BUF_SECRET_INIT(WORD_MAX);
        text = word(text, &one);
        if (!text)
            return err_set(err, "a quote is not closed, or a word too long");
        if (keep(out, &one) < 0)
            return err_set(err, "out of memory");
    }
    return out->n ? 0 : err_set(err, "there is no command in it");
}

void creds_words_free(struct creds_words *w)
{
    for (size_t i = 0; i < w->n; i++)
        secret_free(w->at[i]);
    free(w->at);
    *w = (struct creds_words){0};
}
