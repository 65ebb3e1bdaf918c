#include "api/endpoint.h"
#include "base/num.h"
#include "base/typo.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const regions[] = {"cn-beijing",  "cn-hangzhou",    "cn-shanghai",
                                      "cn-shenzhen", "ap-southeast-1", "us-west-1"};
#define REGION_LIST "cn-beijing, cn-hangzhou, cn-shanghai, cn-shenzhen, ap-southeast-1, us-west-1"

#define DOMAIN   ".aliyuncs.com"
#define HOST_MAX 253 /* of DNS */

/* What a URL consists of, in lower case. */
struct parts {
    bool https;
    char host[HOST_MAX + 1]; /* an IPv6 literal with its brackets */
    uint16_t port;           /* 0: the scheme's own */
};

static bool is_region(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(regions); i++)
        if (strcmp(regions[i], name) == 0)
            return true;
    return false;
}

static int from_region(const char *region, bool vpc, struct endpoint *out)
{
    snprintf(out->url, sizeof out->url, "https://ice%s.%s" DOMAIN, vpc ? "-vpc" : "", region);
    snprintf(out->region, sizeof out->region, "%s", region);
    return 0;
}

static int refuse_region(const char *source, struct err *err)
{
    const char *nearest = typo_nearest(source, regions, ARRAY_LEN(regions));
    if (strchr(source, '@')) /* not quoted: what stands before it may be a password */
        return err_set(err, "the source is neither a region nor https://HOST[:PORT]");
    if (nearest)
        return err_set(err, "unknown region \"%.64s\": did you mean %s?", source, nearest);
    if (strchr(source, '.') || strchr(source, ':'))
        return err_set(err, "\"%.64s\" is no region: a host is given as https://HOST[:PORT]",
                       source);
    return err_set(err,
                   "unknown region \"%.64s\": the service is in " REGION_LIST
                   "; another endpoint is given as https://HOST[:PORT]",
                   source);
}

/* The part of a URL behind the scheme, which goes to *https; NULL for other schemes. */
static const char *skip_scheme(const char *url, bool *https)
{
    *https = strncasecmp(url, "https://", 8) == 0;
    if (*https)
        return url + 8;
    return strncasecmp(url, "http://", 7) == 0 ? url + 7 : NULL;
}

/* What follows host and port must be nothing, or one slash. The text is not quoted: a user part or
 * a query may hold a secret. */
static int check_extent(const char *rest, struct err *err)
{
    size_t n = strcspn(rest, "/?#");
    if (memchr(rest, '@', n))
        return err_set(err, "the endpoint's URL must not hold a user name or password");
    if (rest[n] && strcmp(rest + n, "/") != 0)
        return err_set(err, "the endpoint's URL must end after HOST[:PORT]: no path, query or "
                            "fragment");
    return 0;
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static bool is_ipv4(const char *host)
{
    struct in_addr a;
    return inet_pton(AF_INET, host, &a) == 1;
}

/* Labels of letters, digits, - and _, joined with single dots. A last label that begins with a
 * digit makes it an IPv4 address, which must be a plain one: libraries disagree on 127.1 or
 * 0x7f.1. */
static bool is_host(const char *host)
{
    const char *last = strrchr(host, '.');
    last = last ? last + 1 : host;
    if (*last >= '0' && *last <= '9')
        return is_ipv4(host);
    size_t label = 0;
    for (const char *c = host; *c; c++) {
        if (*c == '.' ? label == 0 : !is_name_char(*c) || label == 63)
            return false;
        label = *c == '.' ? 0 : label + 1;
    }
    return label > 0;
}

static bool is_bracketed_ipv6(const char *host)
{
    char literal[INET6_ADDRSTRLEN];
    struct in6_addr a;
    size_t n = strlen(host);
    if (n < 4 || host[0] != '[' || host[n - 1] != ']' || n - 2 >= sizeof literal)
        return false;
    memcpy(literal, host + 1, n - 2);
    literal[n - 2] = '\0';
    return inet_pton(AF_INET6, literal, &a) == 1;
}

/* By the literal alone: what a name resolves to can change after it was checked. */
static bool is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    char literal[INET6_ADDRSTRLEN];
    if (inet_pton(AF_INET, host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET;
    if (*host != '[')
        return strcmp(host, "localhost") == 0;
    snprintf(literal, sizeof literal, "%.*s", (int)strlen(host) - 2, host + 1);
    return inet_pton(AF_INET6, literal, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

static int parse_port(const char *text, size_t n, uint16_t *port)
{
    char digits[8];
    uint64_t v;
    if (n >= sizeof digits)
        return -1;
    memcpy(digits, text, n);
    digits[n] = '\0';
    if (num_parse_u64(digits, 1, 65535, &v) < 0)
        return -1;
    *port = (uint16_t)v;
    return 0;
}

static int parse_host(const char *text, size_t n, char out[HOST_MAX + 1])
{
    if (n > HOST_MAX)
        return -1;
    for (size_t i = 0; i < n; i++)
        out[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] - 'A' + 'a' : text[i]);
    out[n] = '\0';
    return (*out == '[' ? is_bracketed_ipv6(out) : is_host(out)) ? 0 : -1;
}

/* For messages: a piece of the source, not much of it. */
static int quoted_len(size_t n)
{
    return (int)(n < 64 ? n : 64);
}

/* HOST, HOST:PORT, [IPv6] or [IPv6]:PORT. */
static int parse_authority(const char *text, struct parts *p, struct err *err)
{
    size_t n = strcspn(text, "/");
    const char *bracket = *text == '[' ? memchr(text, ']', n) : NULL;
    const char *from = bracket ? bracket : text;
    const char *colon = memchr(from, ':', n - (size_t)(from - text));
    size_t host_len = colon ? (size_t)(colon - text) : n;
    if (parse_host(text, host_len, p->host) < 0)
        return err_set(err,
                       "\"%.*s\" is no host: a name, an IPv4 address, or an IPv6 address in "
                       "brackets is wanted",
                       quoted_len(n), text);
    size_t port_len = n - host_len - (colon ? 1 : 0);
    if (colon && parse_port(colon + 1, port_len, &p->port) < 0)
        return err_set(err, "\"%.*s\" is no port: 1 to 65535 is wanted", quoted_len(port_len),
                       colon + 1);
    return 0;
}

static int parse_url(const char *source, struct parts *p, struct err *err)
{
    *p = (struct parts){0};
    const char *rest = skip_scheme(source, &p->https);
    if (!rest)
        return err_set(err, "the endpoint's URL must begin with https:// or http://");
    if (check_extent(rest, err) < 0 || parse_authority(rest, p, err) < 0)
        return -1;
    /* HTTP clients leave the scheme's own port out of the Host header, which is signed. */
    if (p->port == (p->https ? 443 : 80))
        p->port = 0;
    return 0;
}

/* The region in ice.<region>.aliyuncs.com or ice-vpc.<region>.aliyuncs.com; "" where there is no
 * known one. */
static void region_of_host(const char *host, char *out, size_t size)
{
    size_t n = strlen(host);
    size_t start = strncmp(host, "ice.", 4) == 0 ? 4 : strncmp(host, "ice-vpc.", 8) == 0 ? 8 : 0;
    *out = '\0';
    if (start == 0 || n < start + strlen(DOMAIN) || strcmp(host + n - strlen(DOMAIN), DOMAIN) != 0)
        return;
    snprintf(out, size, "%.*s", (int)(n - start - strlen(DOMAIN)), host + start);
    if (!is_region(out))
        *out = '\0';
}

static int from_url(const char *source, bool insecure_http, struct endpoint *out, struct err *err)
{
    struct parts p;
    char port[8] = "";
    if (parse_url(source, &p, err) < 0)
        return -1;
    if (!p.https && !insecure_http && !is_loopback(p.host))
        return err_set(err,
                       "plain http to %s would show jobs and temporary keys to the network: use "
                       "https, or -o insecure_http",
                       p.host);
    if (p.port)
        snprintf(port, sizeof port, ":%u", p.port);
    snprintf(out->url, sizeof out->url, "http%s://%s%s", p.https ? "s" : "", p.host, port);
    region_of_host(p.host, out->region, sizeof out->region);
    return 0;
}

int endpoint_resolve(const char *source, bool vpc, bool insecure_http, struct endpoint *out,
                     struct err *err)
{
    if (is_region(source))
        return from_region(source, vpc, out);
    if (strstr(source, "://"))
        return from_url(source, insecure_http, out, err);
    return refuse_region(source, err);
}
