#include "api/http_transfer.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/secret.h"
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define HEADERS_MAX    ((size_t)64 << 10) /* all header lines of an answer */
#define TIMEOUT_MAX_MS (INT64_C(24) * 3600 * MS_PER_S)
#define TYPE_MAX       128 /* of a Content-Type that is kept */

static bool is_token(const char *text)
{
    static const char extra[] = "!#$%&'*+-.^_`|~";
    if (*text == '\0')
        return false;
    for (; *text; text++)
        if (!isalnum((unsigned char)*text) && !strchr(extra, *text))
            return false;
    return true;
}

/* A line feed in a value would smuggle in a second header. */
static bool is_field_value(const char *text)
{
    for (; *text; text++)
        if (((unsigned char)*text < 0x20 && *text != '\t') || *text == 0x7f)
            return false;
    return true;
}

static bool is_web_url(const char *url)
{
    const char *host = strncmp(url, "http://", 7) == 0    ? url + 7
                       : strncmp(url, "https://", 8) == 0 ? url + 8
                                                          : "";
    if (strchr("/?#", *host)) /* the end of the text is found too */
        return false;
    for (; *url; url++)
        if (*url <= 0x20 || *url >= 0x7f)
            return false;
    return true;
}

static int check(const struct http_request *req, struct err *err)
{
    if (strcmp(req->method, "GET") != 0 && strcmp(req->method, "POST") != 0 &&
        strcmp(req->method, "PUT") != 0)
        return err_set(err, "HTTP request: method '%s' is none of GET, POST, PUT", req->method);
    if (!is_web_url(req->url))
        return err_set(err, "HTTP request: not an http or https URL");
    if (req->timeout_ms <= 0)
        return err_set(err, "HTTP request: it needs a timeout");
    for (size_t i = 0; i < req->n_headers; i++)
        if (!is_token(req->headers[i].name) || !is_field_value(req->headers[i].value))
            return err_set(err, "HTTP request: header %zu holds bytes that no header may", i + 1);
    return 0;
}

/* The authority of the URL, without a user part: it could be a password. */
static char *peer_of(const struct http_config *config, const char *url)
{
    struct buf peer = BUF_INIT(4096);
    if (config->unix_socket)
        return buf_addf(&peer, "unix:%s", config->unix_socket) < 0 ? NULL : buf_take(&peer);
    const char *host = strstr(url, "://") + 3;
    size_t n = strcspn(host, "/?#");
    const char *at = memrchr(host, '@', n);
    if (at) {
        n -= (size_t)(at + 1 - host);
        host = at + 1;
    }
    return strndup(host, n);
}

/* One after another, each with its NUL: one piece of memory for all. */
static int add_line(struct http_transfer *t, const char *name, const char *mark, const char *value)
{
    struct buf *lines = &t->header_lines;
    t->n_headers++;
    return buf_adds(lines, name) < 0 || buf_adds(lines, mark) < 0 || buf_adds(lines, value) < 0
               ? -1
               : buf_addc(lines, '\0');
}

static int add_header(struct http_transfer *t, const char *name, const char *value)
{
    /* curl's way to say "send it empty"; a colon alone would take the header off. */
    return add_line(t, name, *value ? ": " : ";", value);
}

static bool has_header(const struct http_request *req, const char *name)
{
    for (size_t i = 0; i < req->n_headers; i++)
        if (strcasecmp(req->headers[i].name, name) == 0)
            return true;
    return false;
}

static int copy_headers(struct http_transfer *t, const struct http_request *req)
{
    for (size_t i = 0; i < req->n_headers; i++)
        if (add_header(t, req->headers[i].name, req->headers[i].value) < 0)
            return -1;
    if (!has_header(req, "Accept") && add_header(t, "Accept", "application/json") < 0)
        return -1;
    /* curl adds both by itself to what has a body. */
    if (!has_header(req, "Content-Type") && add_line(t, "Content-Type", ":", "") < 0)
        return -1;
    return add_line(t, "Expect", ":", "");
}

/* As curl wants them. */
static int link_headers(struct http_transfer *t)
{
    t->headers = calloc(t->n_headers, sizeof *t->headers);
    char *line = t->header_lines.data;
    for (size_t i = 0; t->headers && i < t->n_headers; i++, line += strlen(line) + 1)
        t->headers[i] = (struct curl_slist){
            .data = line, .next = i + 1 < t->n_headers ? &t->headers[i + 1] : NULL};
    return t->headers ? 0 : -1;
}

static int copy(struct http_transfer *t, const struct http_config *config,
                const struct http_request *req)
{
    t->header_lines = BUF_SECRET_INIT(HEADERS_MAX);
    t->url = strdup(req->url);
    t->peer = peer_of(config, req->url);
    t->by_proxy = config->proxy && *config->proxy;
    t->method = strdup(req->method);
    t->body = malloc(req->body_len + 1);
    if (!t->url || !t->peer || !t->method || !t->body || copy_headers(t, req) < 0 ||
        link_headers(t) < 0)
        return -1;
    if (req->body_len > 0)
        memcpy(t->body, req->body, req->body_len);
    t->body[req->body_len] = '\0';
    t->body_len = req->body_len;
    t->timeout_ms = req->timeout_ms < TIMEOUT_MAX_MS ? req->timeout_ms : TIMEOUT_MAX_MS;
    t->stall_timeout_ms = req->stall_timeout_ms < t->timeout_ms ? req->stall_timeout_ms : 0;
    bool own = req->connect_timeout_ms > 0 && req->connect_timeout_ms < t->timeout_ms;
    t->connect_timeout_ms = own ? req->connect_timeout_ms : t->timeout_ms;
    t->max_reply = req->max_reply > 0 ? req->max_reply : HTTP_REPLY_MAX;
    t->secret = req->secret_reply;
    t->reply.body = BUF_INIT(t->max_reply);
    return 0;
}

struct http_transfer *http_transfer_empty(struct err *err)
{
    struct http_transfer *t = calloc(1, sizeof *t);
    if (t)
        t->submitted_ms = clock_mono_ms();
    else
        err_set(err, "HTTP request: no memory");
    return t;
}

struct http_transfer *http_transfer_new(const struct http_config *config,
                                        const struct http_request *req, struct err *err)
{
    if (check(req, err) < 0)
        return NULL;
    struct http_transfer *t = http_transfer_empty(err);
    if (!t)
        return NULL;
    if (copy(t, config, req) < 0) {
        err_set(err, "HTTP request: no memory");
        http_transfer_free(t);
        return NULL;
    }
    return t;
}

void http_transfer_free(struct http_transfer *t)
{
    if (!t)
        return;
    free(t->headers);
    buf_wipe(&t->header_lines);
    if (t->body)
        secret_wipe(t->body, t->body_len);
    free(t->body);
    secret_free(t->url);
    free(t->peer);
    free(t->method);
    http_reply_free(&t->reply, t->secret);
    free(t);
}

/* The value of a header line if it is the one named, without blanks and line end, else false. */
static bool header_is(const char *line, size_t n, const char *name, char *value, size_t room)
{
    size_t skip = strlen(name);
    if (n <= skip || strncasecmp(line, name, skip) != 0 || line[skip] != ':')
        return false;
    for (line += skip + 1, n -= skip + 1; n > 0 && (*line == ' ' || *line == '\t'); line++, n--)
        ;
    while (n > 0 && strchr(" \t\r\n", line[n - 1]))
        n--;
    snprintf(value, room, "%.*s", (int)n, line);
    return true;
}

/* An interim answer (1xx) or a proxy's came before: what it said is not the answer's. */
static void forget_headers(struct http_reply *r)
{
    free(r->content_type);
    r->content_type = NULL;
    r->date_unix_s = 0;
    r->retry_after_ms = 0;
}

static int keep_header(struct http_reply *r, const char *line, size_t n)
{
    char value[TYPE_MAX];
    uint64_t ms;
    if (n >= 5 && strncmp(line, "HTTP/", 5) == 0) {
        forget_headers(r);
    } else if (header_is(line, n, "Date", value, sizeof value)) {
        if (clock_parse_http_date(value, &r->date_unix_s) < 0)
            r->date_unix_s = 0;
    } else if (header_is(line, n, "x-acs-retry-after", value, sizeof value)) {
        bool good = num_parse_u64(value, 1, INT64_MAX, &ms) == 0;
        r->retry_after_ms = good ? (int64_t)ms : 0;
    } else if (header_is(line, n, "Content-Type", value, sizeof value)) {
        free(r->content_type);
        r->content_type = strdup(value);
        return r->content_type ? 0 : -1;
    }
    return 0;
}

/* Not the number of bytes given: curl stops the transfer. */
#define STOP 0

size_t http_transfer_on_header(char *line, size_t size, size_t n, void *transfer)
{
    struct http_transfer *t = transfer;
    size_t bytes = size * n;
    t->moved_ms = clock_mono_ms();
    t->header_bytes += bytes;
    if (t->header_bytes > HEADERS_MAX) {
        t->too_big = true;
        return STOP;
    }
    if (keep_header(&t->reply, line, bytes) < 0) {
        t->no_memory = true;
        return STOP;
    }
    return bytes;
}

/* Room for n more bytes; what the old memory held is wiped, which realloc(3) would not do. */
static int grow_wiping(struct buf *b, size_t n)
{
    if (n > b->max || b->len > b->max - n || b->len + n < b->cap)
        return 0; /* past the ceiling: buf_add says so */
    struct buf bigger = *b;
    bigger.cap = 2 * (b->len + n + 1);
    bigger.data = malloc(bigger.cap);
    if (!bigger.data) {
        errno = ENOMEM;
        return -1;
    }
    memcpy(bigger.data, buf_str(b), b->len + 1);
    buf_wipe(b);
    *b = bigger;
    return 0;
}

size_t http_transfer_on_body(char *bytes, size_t size, size_t n, void *transfer)
{
    struct http_transfer *t = transfer;
    n *= size;
    t->moved_ms = clock_mono_ms();
    if ((t->secret && grow_wiping(&t->reply.body, n) < 0) ||
        buf_add(&t->reply.body, bytes, n) < 0) {
        *(errno == EFBIG ? &t->too_big : &t->no_memory) = true;
        return STOP;
    }
    return n;
}

int http_transfer_on_connected(void *transfer, char *peer_ip, char *own_ip, int peer_port,
                               int own_port)
{
    (void)peer_ip, (void)own_ip, (void)peer_port, (void)own_port;
    struct http_transfer *t = transfer;
    t->connected = true;
    t->moved_ms = clock_mono_ms();
    return CURL_PREREQFUNC_OK;
}

int64_t http_transfer_deadline(const struct http_transfer *t)
{
    int64_t whole = t->submitted_ms + t->timeout_ms;
    int64_t stall = t->moved_ms + t->stall_timeout_ms;
    return t->connected && t->stall_timeout_ms > 0 && stall < whole ? stall : whole;
}

void http_transfer_fail(struct http_transfer *t, enum api_net net, const char *fmt, ...)
{
    char why[ERR_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    http_reply_free(&t->reply, t->secret);
    t->reply = (struct http_reply){.net = net, .body = BUF_INIT(t->max_reply)};
    err_set(&t->reply.error, "%s", why);
}
