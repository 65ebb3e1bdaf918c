#include "job/row.h"
#include "job/key.h"
#include <string.h>

const char job_row_header[] = "job_id\tstatus\tprogress\tcreate_time\tmodified_time\t"
                              "complete_time\tduration\tproject_id\tmedia_url\tcode\tmessage\n";

static const enum job_key_id columns[] = {
    JOB_KEY_JOB_ID,        JOB_KEY_STATUS,        JOB_KEY_PROGRESS, JOB_KEY_CREATE_TIME,
    JOB_KEY_MODIFIED_TIME, JOB_KEY_COMPLETE_TIME, JOB_KEY_DURATION, JOB_KEY_PROJECT_ID,
    JOB_KEY_MEDIA_URL,     JOB_KEY_CODE,          JOB_KEY_MESSAGE,
};

/* What stands for a character that would break the line, or NULL. */
static const char *escape(char c)
{
    switch (c) {
    case '\t':
        return "\\t";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\\':
        return "\\\\";
    default:
        return NULL;
    }
}

/* A column's value without the line feed that ends its file. */
static const char *value(const struct job *j, enum job_key_id id, size_t *len)
{
    const struct job_field *f = job_find_number(j, job_key_number(id));
    *len = f ? f->len - 1 : 0;
    return f ? f->data : "";
}

static int add_value(struct buf *out, const char *text, size_t len)
{
    const char *end = text + len;
    while (text < end) {
        const char *run = text;
        while (text < end && !escape(*text))
            text++;
        if (buf_add(out, run, (size_t)(text - run)) < 0 ||
            (text < end && buf_adds(out, escape(*text++)) < 0))
            return -1;
    }
    return 0;
}

int job_row(const struct job *j, struct buf *out)
{
    for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
        size_t len;
        const char *text = value(j, columns[i], &len);
        if (add_value(out, text, len) < 0 ||
            buf_addc(out, i + 1 < ARRAY_LEN(columns) ? '\t' : '\n') < 0)
            return -1;
    }
    return 0;
}

bool job_row_same(const struct job *a, const struct job *b)
{
    for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
        size_t a_len, b_len;
        const char *x = value(a, columns[i], &a_len), *y = value(b, columns[i], &b_len);
        if (a_len != b_len || memcmp(x, y, a_len) != 0)
            return false;
    }
    return true;
}

size_t job_row_len(const struct job *j)
{
    size_t sum = ARRAY_LEN(columns); /* what stands behind each */
    for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
        size_t len;
        const char *text = value(j, columns[i], &len);
        sum += len;
        for (size_t k = 0; k < len; k++)
            sum += escape(text[k]) != NULL; /* each escape is one byte longer */
    }
    return sum;
}
