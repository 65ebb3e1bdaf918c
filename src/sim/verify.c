#include "sim/verify.h"
#include "base/clock.h"
#include <ctype.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ALGORITHM     "ACS3-HMAC-SHA256"
#define CANONICAL_MAX (256U << 10)

/* --- digests --- */

static void to_hex(const unsigned char digest[32], char out[SIM_HEX_LEN])
{
    for (int i = 0; i < 32; i++)
        snprintf(out + (size_t)i * 2, 3, "%02x", digest[i]);
}

static int sha256_hex(const void *bytes, size_t n, char out[SIM_HEX_LEN])
{
    unsigned char digest[32];
    if (EVP_Digest(bytes, n, digest, NULL, EVP_sha256(), NULL) != 1)
        return -1;
    to_hex(digest, out);
    return 0;
}

/* --- canonical form --- */

static bool is_signed(const char *name)
{
    return strcasecmp(name, "host") == 0 || strcasecmp(name, "content-type") == 0 ||
           strncasecmp(name, "x-acs-", 6) == 0;
}

struct header_list {
    const struct sim_header *items[SIM_HEADERS_MAX];
    size_t n;
};

/* By name in any case, then by value: repeated headers lie together, in the order in which their
 * values are joined. */
static int compare(const void *a, const void *b)
{
    const struct sim_header *x = *(const struct sim_header *const *)a;
    const struct sim_header *y = *(const struct sim_header *const *)b;
    int order = strcasecmp(x->name, y->name);
    return order ? order : strcmp(x->value, y->value);
}

static void collect(const struct sim_request *r, struct header_list *list)
{
    list->n = 0;
    for (size_t i = 0; i < r->n_headers; i++)
        if (is_signed(r->headers[i].name))
            list->items[list->n++] = &r->headers[i];
    qsort(list->items, list->n, sizeof(list->items[0]), compare);
}

static bool repeats(const struct header_list *list, size_t i)
{
    const struct sim_header *before = i > 0 ? list->items[i - 1] : NULL;
    return before && strcasecmp(list->items[i]->name, before->name) == 0;
}

static int add_lower(struct buf *out, const char *name)
{
    for (; *name; name++)
        if (buf_addc(out, (char)tolower((unsigned char)*name)) < 0)
            return -1;
    return 0;
}

static int add_trimmed(struct buf *out, const char *value)
{
    value += strspn(value, " \t\r\n");
    size_t n = strlen(value);
    while (n > 0 && strchr(" \t\r\n", value[n - 1]))
        n--;
    return buf_add(out, value, n);
}

static int add_headers(const struct header_list *list, struct buf *out)
{
    for (size_t i = 0; i < list->n; i++) {
        if (repeats(list, i)) {
            if (buf_addc(out, ',') < 0)
                return -1;
        } else if ((i > 0 && buf_addc(out, '\n') < 0) || add_lower(out, list->items[i]->name) < 0 ||
                   buf_addc(out, ':') < 0) {
            return -1;
        }
        if (add_trimmed(out, list->items[i]->value) < 0)
            return -1;
    }
    return buf_addc(out, '\n');
}

static int add_names(const struct header_list *list, struct buf *out)
{
    for (size_t i = 0; i < list->n; i++) {
        if (repeats(list, i))
            continue;
        if ((i > 0 && buf_addc(out, ';') < 0) || add_lower(out, list->items[i]->name) < 0)
            return -1;
    }
    return 0;
}

int sim_verify_canonical(const struct sim_request *r, const struct sim_params *query,
                         struct buf *out)
{
    struct header_list list;
    char hash[SIM_HEX_LEN];
    size_t path = strcspn(r->target, "?");
    collect(r, &list);
    if (sha256_hex(r->body ? r->body : "", r->body_len, hash) < 0)
        return -1;
    if (buf_addf(out, "%s\n%.*s\n", r->method, (int)path, r->target) < 0 ||
        sim_params_canonical(query, out) < 0 || buf_addc(out, '\n') < 0 ||
        add_headers(&list, out) < 0 || buf_addc(out, '\n') < 0 || add_names(&list, out) < 0)
        return -1;
    return buf_addf(out, "\n%s", hash);
}

int sim_verify_string_to_sign(const char *canonical, size_t n, struct buf *out)
{
    char hash[SIM_HEX_LEN];
    if (sha256_hex(canonical, n, hash) < 0)
        return -1;
    return buf_addf(out, ALGORITHM "\n%s", hash);
}

static int sign(const char *text, size_t n, const char *secret, char out[SIM_HEX_LEN])
{
    unsigned char digest[32];
    if (!HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)text, n, digest,
              NULL))
        return -1;
    to_hex(digest, out);
    return 0;
}

int sim_verify_signature(const struct sim_request *r, const struct sim_params *query,
                         const char *secret, char out[SIM_HEX_LEN])
{
    struct buf CLEANUP_BUF canonical = BUF_INIT(CANONICAL_MAX);
    struct buf CLEANUP_BUF text = BUF_INIT(CANONICAL_MAX);
    if (sim_verify_canonical(r, query, &canonical) < 0 ||
        sim_verify_string_to_sign(buf_str(&canonical), canonical.len, &text) < 0)
        return -1;
    return sign(buf_str(&text), text.len, secret, out);
}

/* --- the checks, each 0 whether it refuses or not, -1 without memory --- */

struct check {
    const struct sim_request *r;
    const struct sim_params *query;
    const struct sim_keys *keys;
    int64_t now_s;
    struct sim_nonces *nonces;
    struct sim_refusal *refusal;
    char key_id[128], signature[128]; /* of the Authorization header */
};

static int refuse(struct check *c, const char *code, const char *message)
{
    c->refusal->code = code;
    return message ? buf_adds(&c->refusal->message, message) : 0;
}

static int check_present(struct check *c)
{
    static const char *const needed[] = {
        "host",       "x-acs-action",          "x-acs-version",
        "x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256"};
    if (sim_params_get(c->query, "SignatureMethod"))
        return refuse(c, "IncompleteSignature",
                      "Signatures in the query are no longer accepted: sign with " ALGORITHM ".");
    for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
        const char *value = sim_request_header(c->r, needed[i]);
        if (value && *value)
            continue;
        c->refusal->code = "MissingParameter";
        return buf_addf(&c->refusal->message, "The header \"%s\" is mandatory for this action.",
                        needed[i]);
    }
    return 0;
}

static int check_body(struct check *c)
{
    char hash[SIM_HEX_LEN];
    if (sha256_hex(c->r->body ? c->r->body : "", c->r->body_len, hash) < 0)
        return -1;
    if (strcmp(hash, sim_request_header(c->r, "x-acs-content-sha256")) == 0)
        return 0;
    return refuse(c, "InvalidContentSha256",
                  "The header x-acs-content-sha256 is not the SHA-256 of the body.");
}

static int check_date(struct check *c)
{
    int64_t ns;
    const char *date = sim_request_header(c->r, "x-acs-date");
    if (strlen(date) != CLOCK_ISO_LEN - 1 || clock_parse_iso(date, &ns) < 0)
        return refuse(c, "InvalidTimeStamp.Format", NULL);
    int64_t skew = ns / NS_PER_S - c->now_s;
    if (skew > SIM_SKEW_MAX_S || skew < -SIM_SKEW_MAX_S)
        return refuse(c, "InvalidTimeStamp.Expired", NULL);
    return 0;
}

/* Copy the member `name=` of the Authorization header. false: it is not there or too long. */
static bool member(const char *authorization, const char *name, char *out, size_t max)
{
    const char *at = strstr(authorization, name);
    if (!at)
        return false;
    at += strlen(name);
    size_t n = strcspn(at, ", ");
    if (n == 0 || n >= max)
        return false;
    memcpy(out, at, n);
    out[n] = '\0';
    return true;
}

static int check_authorization(struct check *c)
{
    const char *text = sim_request_header(c->r, "authorization");
    if (!text)
        return refuse(c, "MissingParameter",
                      "The header \"Authorization\" is mandatory for this action.");
    if (strncmp(text, ALGORITHM " ", strlen(ALGORITHM " ")) != 0 ||
        !member(text, "Credential=", c->key_id, sizeof(c->key_id)) ||
        !member(text, "Signature=", c->signature, sizeof(c->signature)) ||
        !strstr(text, "SignedHeaders="))
        return refuse(c, "IncompleteSignature", NULL);
    return 0;
}

static int check_key(struct check *c)
{
    const char *token = sim_request_header(c->r, "x-acs-security-token");
    if (strcmp(c->key_id, c->keys->id) != 0)
        return refuse(c, "InvalidAccessKeyId.NotFound", NULL);
    if (!c->keys->token[0])
        return 0;
    if (!token)
        return refuse(c, "MissingSecurityToken", NULL);
    if (strcmp(token, c->keys->token) != 0)
        return refuse(c, "InvalidSecurityToken.MismatchWithAccessKey", NULL);
    return 0;
}

/* The real gateway tells what it signed. So does this one: a client must not pass that on. */
static int tell_mismatch(struct check *c, const struct buf *text, const struct buf *canonical)
{
    c->refusal->code = "SignatureDoesNotMatch";
    return buf_addf(
        &c->refusal->message,
        "Specified signature does not match our calculation. server string to sign is:%s "
        "server canonicalRequest is:%s",
        buf_str(text), buf_str(canonical));
}

static int check_signature(struct check *c)
{
    char wanted[SIM_HEX_LEN];
    struct buf CLEANUP_BUF canonical = BUF_INIT(CANONICAL_MAX);
    struct buf CLEANUP_BUF text = BUF_INIT(CANONICAL_MAX);
    if (sim_verify_canonical(c->r, c->query, &canonical) < 0 ||
        sim_verify_string_to_sign(buf_str(&canonical), canonical.len, &text) < 0 ||
        sign(buf_str(&text), text.len, c->keys->secret, wanted) < 0)
        return -1;
    if (strlen(c->signature) == SIM_HEX_LEN - 1 &&
        CRYPTO_memcmp(c->signature, wanted, SIM_HEX_LEN - 1) == 0)
        return 0;
    return tell_mismatch(c, &text, &canonical);
}

static int check_nonce(struct check *c)
{
    int seen =
        sim_nonce_seen(c->nonces, sim_request_header(c->r, "x-acs-signature-nonce"), c->now_s);
    if (seen < 0)
        return -1;
    return seen ? refuse(c, "SignatureNonceUsed", NULL) : 0;
}

int sim_verify(const struct sim_request *r, const struct sim_params *query,
               const struct sim_keys *keys, int64_t now_s, struct sim_nonces *nonces,
               struct sim_refusal *refusal)
{
    /* The nonce before the rest: a request that is refused has used its nonce all the same. */
    static int (*const checks[])(struct check *) = {check_present,  check_nonce,         check_body,
                                                    check_date,     check_authorization, check_key,
                                                    check_signature};
    struct check c = {r, query, keys, now_s, nonces, refusal, "", ""};
    refusal->code = NULL;
    for (size_t i = 0; i < ARRAY_LEN(checks); i++)
        if (checks[i](&c) < 0)
            return -1;
        else if (refusal->code)
            return 0;
    return 0;
}
