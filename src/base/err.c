#include "base/err.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* One line, whatever the remote side sent: a control character could forge a log line or drive a
 * terminal. */
static void one_line(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
}

/* Where the text was cut, take off a character that was cut through. */
static void end_at_character(char *text, size_t n)
{
    size_t tail = 0;
    while (tail < 3 && tail < n && ((unsigned char)text[n - 1 - tail] & 0xc0) == 0x80)
        tail++;
    if (tail >= n)
        return;
    unsigned char lead = (unsigned char)text[n - 1 - tail];
    size_t wanted = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
    if (wanted > tail)
        text[n - 1 - tail] = '\0';
}

/* As much of `more` as fits. */
static void append(char made[ERR_TEXT_MAX], const char *more)
{
    size_t n = strlen(made);
    while (*more && n < ERR_TEXT_MAX - 1)
        made[n++] = *more++;
    made[n] = '\0';
}

/* What is formatted may point into the old text, so the new one is made apart. */
static void replace(struct err *err, char made[ERR_TEXT_MAX])
{
    size_t n = strlen(made);
    if (n == ERR_TEXT_MAX - 1)
        end_at_character(made, n);
    one_line(made);
    memcpy(err->text, made, strlen(made) + 1);
}

int err_set(struct err *err, const char *fmt, ...)
{
    char made[ERR_TEXT_MAX];
    if (!err)
        return -1;
    va_list args;
    va_start(args, fmt);
    vsnprintf(made, sizeof made, fmt, args);
    va_end(args);
    replace(err, made);
    return -1;
}

int err_prefix(struct err *err, const char *fmt, ...)
{
    char made[ERR_TEXT_MAX];
    if (!err)
        return -1;
    va_list args;
    va_start(args, fmt);
    vsnprintf(made, sizeof made, fmt, args);
    va_end(args);
    append(made, ": ");
    append(made, err->text);
    replace(err, made);
    return -1;
}
