#include "sim/param.h"
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

size_t sim_param_decode(char *out, const char *in, size_t n)
{
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        int hi = in[i] == '%' && i + 2 < n ? hex(in[i + 1]) : -1;
        int lo = hi >= 0 ? hex(in[i + 2]) : -1;
        if (lo >= 0) {
            out[len++] = (char)(hi << 4 | lo);
            i += 2;
        } else {
            out[len++] = in[i] == '+' ? ' ' : in[i];
        }
    }
    out[len] = '\0';
    return len;
}

static int add_pair(struct sim_params *p, char **to, const char *pair, size_t n)
{
    if (n == 0)
        return 0;
    if (p->n == SIM_PARAMS_MAX) {
        errno = E2BIG;
        return -1;
    }
    struct sim_param *item = &p->items[p->n++];
    const char *equals = memchr(pair, '=', n);
    size_t name_len = equals ? (size_t)(equals - pair) : n;
    item->name = *to;
    item->name_len = sim_param_decode(*to, pair, name_len);
    *to += item->name_len + 1;
    item->value = *to;
    item->value_len =
        equals ? sim_param_decode(*to, equals + 1, n - name_len - 1) : sim_param_decode(*to, "", 0);
    *to += item->value_len + 1;
    return 0;
}

int sim_params_add(struct sim_params *p, const char *text, size_t n)
{
    /* Decoding never lengthens; each pair ends in two NULs where it had at most `=` and `&`. */
    char *to = malloc(2 * n + 2);
    if (!to)
        return -1;
    p->storage[p->n_storage++] = to;
    for (size_t at = 0; at < n;) {
        const char *end = memchr(text + at, '&', n - at);
        size_t len = end ? (size_t)(end - text) - at : n - at;
        if (add_pair(p, &to, text + at, len) < 0)
            return -1;
        at += len + 1;
    }
    return 0;
}

void sim_params_free(struct sim_params *p)
{
    for (size_t i = 0; i < p->n_storage; i++)
        free(p->storage[i]);
    p->n = p->n_storage = 0;
}

const char *sim_params_get(const struct sim_params *p, const char *name)
{
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->items[i].name, name) == 0)
            return p->items[i].value;
    return NULL;
}

static int compare_bytes(const char *a, size_t n, const char *b, size_t m)
{
    int order = memcmp(a, b, n < m ? n : m);
    return order ? order : (n > m) - (n < m);
}

static int compare(const void *a, const void *b)
{
    const struct sim_param *x = *(const struct sim_param *const *)a;
    const struct sim_param *y = *(const struct sim_param *const *)b;
    int order = compare_bytes(x->name, x->name_len, y->name, y->name_len);
    return order ? order : compare_bytes(x->value, x->value_len, y->value, y->value_len);
}

static int encode(const char *text, size_t n, struct buf *out)
{
    static const char digits[] = "0123456789ABCDEF";
    static const char bare[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        char escaped[3] = {'%', digits[c >> 4], digits[c & 15]};
        bool plain = c != 0 && strchr(bare, c);
        if (buf_add(out, plain ? text + i : escaped, plain ? 1 : 3) < 0)
            return -1;
    }
    return 0;
}

int sim_params_canonical(const struct sim_params *p, struct buf *out)
{
    const struct sim_param *sorted[SIM_PARAMS_MAX] = {NULL};
    for (size_t i = 0; i < p->n; i++)
        sorted[i] = &p->items[i];
    qsort(sorted, p->n, sizeof(sorted[0]), compare);
    for (size_t i = 0; i < p->n; i++) {
        if (i > 0 && buf_addc(out, '&') < 0)
            return -1;
        if (encode(sorted[i]->name, sorted[i]->name_len, out) < 0 || buf_addc(out, '=') < 0 ||
            encode(sorted[i]->value, sorted[i]->value_len, out) < 0)
            return -1;
    }
    return 0;
}
