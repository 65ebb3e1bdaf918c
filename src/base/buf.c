#include "base/buf.h"
#include "base/secret.h"
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* realloc, but for secrets: realloc leaves the bytes where they were. */
static char *grow(struct buf *b, size_t cap)
{
    if (!b->secret)
        return realloc(b->data, cap);
    char *grown = malloc(cap);
    if (grown && b->data) {
        memcpy(grown, b->data, b->len);
        secret_wipe(b->data, b->cap);
        free(b->data);
    }
    return grown;
}

/* Make room for n more bytes and the NUL. */
int buf_reserve(struct buf *b, size_t n)
{
    if (n < b->cap - b->len && n <= b->max - b->len) /* as most often */
        return 0;
    if (n > b->max || b->len > b->max - n || n >= PTRDIFF_MAX - b->len) {
        errno = EFBIG;
        return -1;
    }
    size_t need = b->len + n + 1;
    size_t cap = b->cap ? b->cap : 64;
    while (cap < need)
        cap *= 2;
    char *grown = grow(b, cap);
    if (!grown) {
        errno = ENOMEM;
        return -1;
    }
    b->data = grown;
    b->cap = cap;
    return 0;
}

int buf_add(struct buf *b, const void *bytes, size_t n)
{
    if (buf_reserve(b, n) < 0)
        return -1;
    if (n)
        memcpy(b->data + b->len, bytes, n);
    b->len += n;
    b->data[b->len] = '\0';
    return 0;
}

int buf_adds(struct buf *b, const char *text)
{
    return buf_add(b, text, strlen(text));
}

int buf_addc(struct buf *b, char c)
{
    return buf_add(b, &c, 1);
}

/* Format into the room that there is; where it does not fit, nothing has changed. Returns how long
 * the text is, or -1 if it has no length. */
static int format_in_room(struct buf *b, const char *fmt, va_list args)
{
    size_t room = b->cap - b->len, most = b->max - b->len;
    int n = vsnprintf(room ? b->data + b->len : NULL, room, fmt, args);
    if (n >= 0 && (size_t)n < room && (size_t)n <= most)
        b->len += (size_t)n;
    else if (room)
        b->data[b->len] = '\0';
    return n;
}

int buf_addf(struct buf *b, const char *fmt, ...)
{
    size_t before = b->len;
    va_list args;
    va_start(args, fmt);
    int n = format_in_room(b, fmt, args);
    va_end(args);
    if (n < 0) { /* longer than INT_MAX, or wide characters without bytes */
        errno = EFBIG;
        return -1;
    }
    if (b->len > before || n == 0)
        return 0;
    if (buf_reserve(b, (size_t)n) < 0)
        return -1;
    va_start(args, fmt);
    format_in_room(b, fmt, args);
    va_end(args);
    return 0;
}

const char *buf_str(const struct buf *b)
{
    return b->data ? b->data : "";
}

void buf_reset(struct buf *b)
{
    if (b->secret && b->data)
        secret_wipe(b->data, b->len);
    b->len = 0;
    if (b->data)
        b->data[0] = '\0';
}

/* Forget the memory, keep what the buffer is. */
static void forget(struct buf *b)
{
    b->data = NULL;
    b->len = b->cap = 0;
}

char *buf_take(struct buf *b)
{
    char *data = b->data ? b->data : calloc(1, 1);
    forget(b);
    return data;
}

void buf_free(struct buf *b)
{
    if (b->secret && b->data)
        secret_wipe(b->data, b->cap);
    free(b->data);
    forget(b);
}

void buf_wipe(struct buf *b)
{
    if (b->data)
        secret_wipe(b->data, b->cap);
    free(b->data);
    forget(b);
}
