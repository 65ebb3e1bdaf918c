#include "base/typo.h"
#include <ctype.h>
#include <stdbool.h>
#include <string.h>

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static bool same(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Damerau-Levenshtein distance (optimal string alignment): the table of distances between all
 * prefixes, of which three rows are enough. Neither text is longer than TYPO_WORD_MAX. */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t rows[3][TYPO_WORD_MAX + 1];
    for (size_t j = 0; j <= b_len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t *now = rows[i % 3];
        const size_t *before = rows[(i + 2) % 3], *two_before = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            now[j] = least(before[j], now[j - 1]) + 1;
            now[j] = least(now[j], before[j - 1] + !same(a[i - 1], b[j - 1]));
            if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
                now[j] = least(now[j], two_before[j - 2] + 1);
        }
    }
    return rows[a_len % 3][b_len];
}

static size_t tolerated(size_t a_len, size_t b_len)
{
    size_t third = (a_len > b_len ? a_len : b_len) / 3;
    return third ? third : 1;
}

const char *typo_nearest(const char *word, const char *const *known, size_t n)
{
    size_t len = strlen(word), best = TYPO_WORD_MAX;
    const char *nearest = NULL;
    if (len > TYPO_WORD_MAX)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        size_t known_len = strlen(known[i]);
        if (known_len > TYPO_WORD_MAX)
            continue;
        size_t d = distance(word, len, known[i], known_len);
        if (d < best && d <= tolerated(len, known_len)) {
            best = d;
            nearest = known[i];
        }
    }
    return nearest;
}
