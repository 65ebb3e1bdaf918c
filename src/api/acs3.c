#include "api/acs3.h"
#include "base/buf.h"
#include "base/secret.h"
#include "base/thread.h"
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdbool.h>
#include <string.h>

#define ALGORITHM    "ACS3-HMAC-SHA256"
#define SHA256_BYTES 32

/* The request line of a call is bounded by what gateways take (some 16 KiB); this is far above. */
#define CANONICAL_MAX   ((size_t)1 << 20)
#define CANONICAL_USUAL ((size_t)1000)

/* A longer key is digested anew for each signature. */
#define KEY_MAX ((size_t)256)

/* Making a context, and setting a digest by its name, costs more than hashing a request: so they
 * are made once and used by one thread at a time, for microseconds. Nearly all signatures are made
 * with the key of the one before, which the context has digested already: it is held until another
 * one comes or acs3_free, as the credentials do. */
struct acs3 {
    EVP_MD *sha256;
    EVP_MAC *hmac;
    pthread_mutex_t lock; /* protects all below but `empty` */
    EVP_MD_CTX *digesting;
    EVP_MAC_CTX *signing;
    char key[KEY_MAX];        /* of `signing` */
    size_t key_len;           /* 0: it has none, or none that is known */
    struct buf canonical;     /* of the signature that is being made, else empty */
    char empty[ACS3_HEX_LEN]; /* SHA-256 of nothing: of most bodies */
};

/* -1, with the reason that OpenSSL gives. It names functions and algorithms, never data. */
static int fail_openssl(struct err *err, const char *doing)
{
    char reason[256] = "no reason given";
    unsigned long code = ERR_peek_last_error();
    if (code)
        ERR_error_string_n(code, reason, sizeof reason);
    ERR_clear_error();
    return err_set(err, "%s: OpenSSL: %s", doing, reason);
}

static int fail_buf(struct err *err)
{
    return err_set(err, "signing the request: %s",
                   errno == EFBIG ? "it is too long" : "out of memory");
}

void acs3_free(struct acs3 *s)
{
    if (!s)
        return;
    EVP_MAC_CTX_free(s->signing);
    EVP_MD_CTX_free(s->digesting);
    EVP_MAC_free(s->hmac);
    EVP_MD_free(s->sha256);
    secret_wipe(s->key, sizeof s->key);
    buf_free(&s->canonical);
    mutex_destroy(&s->lock);
    free(s);
}

static int fetch_algorithms(struct acs3 *s)
{
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                           OSSL_PARAM_construct_end()};
    s->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    s->hmac = s->sha256 ? EVP_MAC_fetch(NULL, "HMAC", NULL) : NULL;
    s->signing = s->hmac ? EVP_MAC_CTX_new(s->hmac) : NULL;
    s->digesting = EVP_MD_CTX_new();
    return s->signing && s->digesting && EVP_MAC_CTX_set_params(s->signing, params) == 1 ? 0 : -1;
}

static void to_hex(const unsigned char bytes[SHA256_BYTES], char out[ACS3_HEX_LEN])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[ACS3_HEX_LEN - 1] = '\0';
}

/* Called with the lock held. 0, or -1 with OpenSSL's error. */
static int hash(struct acs3 *s, const void *bytes, size_t n, char out[ACS3_HEX_LEN])
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    bool ok = EVP_DigestInit_ex2(s->digesting, s->sha256, NULL) == 1 &&
              EVP_DigestUpdate(s->digesting, bytes, n) == 1 &&
              EVP_DigestFinal_ex(s->digesting, sum, NULL) == 1;
    if (ok)
        to_hex(sum, out);
    return ok ? 0 : -1;
}

struct acs3 *acs3_new(struct err *err)
{
    struct acs3 *s = calloc(1, sizeof *s);
    if (!s) {
        err_set(err, "preparing signatures: out of memory");
        return NULL;
    }
    mutex_init(&s->lock);
    s->canonical = BUF_SECRET_INIT(CANONICAL_MAX);
    if (fetch_algorithms(s) < 0 || hash(s, "", 0, s->empty) < 0) {
        fail_openssl(err, "preparing signatures (SHA-256, HMAC)");
        acs3_free(s);
        return NULL;
    }
    return s;
}

/* Called with the lock held. */
static int sha256_hex(struct acs3 *s, const void *bytes, size_t n, char out[ACS3_HEX_LEN],
                      struct err *err)
{
    if (n == 0)
        memcpy(out, s->empty, sizeof s->empty);
    else if (hash(s, bytes, n, out) < 0)
        return fail_openssl(err, "hashing with SHA-256");
    return 0;
}

int acs3_sha256_hex(struct acs3 *s, const void *bytes, size_t n, char out[ACS3_HEX_LEN],
                    struct err *err)
{
    LOCK_SCOPE(&s->lock);
    return sha256_hex(s, bytes, n, out, err);
}

/* Called with the lock held: begin a signature. */
static bool begin(struct acs3 *s, const char *key)
{
    size_t len = strlen(key);
    if (len > 0 && len == s->key_len && CRYPTO_memcmp(s->key, key, len) == 0)
        return EVP_MAC_init(s->signing, NULL, 0, NULL) == 1;
    secret_wipe(s->key, s->key_len);
    s->key_len = 0;
    if (EVP_MAC_init(s->signing, (const unsigned char *)key, len, NULL) != 1)
        return false;
    s->key_len = len <= sizeof s->key ? len : 0;
    memcpy(s->key, key, s->key_len);
    return true;
}

/* Called with the lock held. */
static int hmac_hex(struct acs3 *s, const char *key, const char *text, char out[ACS3_HEX_LEN],
                    struct err *err)
{
    unsigned char sum[SHA256_BYTES];
    size_t n = 0;
    bool ok = begin(s, key) &&
              EVP_MAC_update(s->signing, (const unsigned char *)text, strlen(text)) == 1 &&
              EVP_MAC_final(s->signing, sum, &n, sizeof sum) == 1 && n == sizeof sum;
    if (!ok)
        return fail_openssl(err, "signing with HMAC-SHA256");
    to_hex(sum, out);
    return 0;
}

/* Canonical query. */

static bool is_unreserved(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '~';
}

int acs3_percent_encode(const char *text, struct buf *out)
{
    static const char digits[] = "0123456789ABCDEF";
    while (*text) {
        size_t bare = 0;
        while (is_unreserved((unsigned char)text[bare]))
            bare++;
        if (buf_add(out, text, bare) < 0)
            return -1;
        text += bare;
        if (!*text)
            break;
        unsigned char c = (unsigned char)*text++;
        const char coded[] = {'%', digits[c >> 4], digits[c & 15]};
        if (buf_add(out, coded, sizeof coded) < 0)
            return -1;
    }
    return 0;
}

static int compare_parameters(const void *a, const void *b)
{
    const struct acs3_pair *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : strcmp(x->value, y->value);
}

static int add_query(const struct acs3_pair *sorted, size_t n, struct buf *out)
{
    for (size_t i = 0; i < n; i++)
        if ((i > 0 && buf_addc(out, '&') < 0) || acs3_percent_encode(sorted[i].name, out) < 0 ||
            buf_addc(out, '=') < 0 || acs3_percent_encode(sorted[i].value, out) < 0)
            return -1;
    return 0;
}

int acs3_canonical_query(const struct acs3_request *r, struct buf *out, struct err *err)
{
    struct acs3_pair sorted[ACS3_PAIRS_MAX];
    if (r->n_query > ACS3_PAIRS_MAX)
        return err_set(err, "signing the request: %zu parameters, more than %d", r->n_query,
                       ACS3_PAIRS_MAX);
    if (r->n_query > 0) {
        memcpy(sorted, r->query, r->n_query * sizeof *sorted);
        qsort(sorted, r->n_query, sizeof *sorted, compare_parameters);
    }
    return add_query(sorted, r->n_query, out) < 0 ? fail_buf(err) : 0;
}

/* Canonical headers. */

/* A header that is signed. The name is compared and written in lower case, the value trimmed. */
struct field {
    const char *name;
    const char *value;
    size_t name_len, value_len;
    size_t at;    /* where its name stands in the canonical request, in lower case */
    bool repeats; /* the name of the one before */
};

struct fields {
    struct field v[ACS3_PAIRS_MAX];
    size_t n;
};

/* Not tolower(3): header names are ASCII in every locale. */
static char lower(char c)
{
    return (char)(c + (c >= 'A' && c <= 'Z') * ('a' - 'A'));
}

static int compare_names(const char *a, const char *b)
{
    while (*a && (*a == *b || lower(*a) == lower(*b))) {
        a++;
        b++;
    }
    return (unsigned char)lower(*a) - (unsigned char)lower(*b);
}

static int compare_fields(const struct field *x, const struct field *y)
{
    int order = compare_names(x->name, y->name);
    if (order)
        return order;
    size_t common = x->value_len < y->value_len ? x->value_len : y->value_len;
    order = memcmp(x->value, y->value, common);
    return order ? order : (x->value_len > y->value_len) - (x->value_len < y->value_len);
}

static bool is_signed(const char *name)
{
    static const char prefix[] = "x-acs-";
    size_t i = 0;
    while (prefix[i] && lower(name[i]) == prefix[i])
        i++;
    return !prefix[i] || compare_names(name, "host") == 0 ||
           compare_names(name, "content-type") == 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct field trimmed(const struct acs3_pair *header)
{
    const char *value = header->value;
    while (is_blank(*value))
        value++;
    size_t n = strlen(value);
    while (n > 0 && is_blank(value[n - 1]))
        n--;
    return (struct field){
        .name = header->name, .name_len = strlen(header->name), .value = value, .value_len = n};
}

/* By insertion: they are few, and come nearly in order. */
static void sort(struct fields *f)
{
    for (size_t i = 1; i < f->n; i++) {
        struct field moved = f->v[i];
        size_t at = i;
        for (; at > 0 && compare_fields(&f->v[at - 1], &moved) > 0; at--)
            f->v[at] = f->v[at - 1];
        f->v[at] = moved;
    }
}

static int collect_fields(const struct acs3_request *r, struct fields *f, struct err *err)
{
    f->n = 0;
    for (size_t i = 0; i < r->n_headers; i++) {
        if (!is_signed(r->headers[i].name))
            continue;
        if (f->n == ACS3_PAIRS_MAX)
            return err_set(err, "signing the request: more than %d headers", ACS3_PAIRS_MAX);
        f->v[f->n++] = trimmed(&r->headers[i]);
    }
    sort(f);
    for (size_t i = 1; i < f->n; i++)
        f->v[i].repeats = compare_names(f->v[i - 1].name, f->v[i].name) == 0;
    return 0;
}

/* "name:", in a buffer with room for it. */
static void put_name(struct field *f, struct buf *out)
{
    f->at = out->len;
    char *at = out->data + out->len;
    for (size_t i = 0; i < f->name_len; i++)
        at[i] = lower(f->name[i]);
    at[f->name_len] = ':';
    out->len += f->name_len + 1;
}

/* `name:value` lines; the values of a repeated name stand on one line, joined with commas. */
static int add_headers(struct fields *f, struct buf *out)
{
    for (size_t i = 0; i < f->n; i++) {
        if (buf_reserve(out, f->v[i].name_len + f->v[i].value_len + 2) < 0)
            return -1;
        if (f->v[i].repeats)
            out->data[out->len - 1] = ','; /* for the line feed */
        else
            put_name(&f->v[i], out);
        memcpy(out->data + out->len, f->v[i].value, f->v[i].value_len);
        out->len += f->v[i].value_len;
        out->data[out->len++] = '\n';
    }
    return 0;
}

/* The names, once each, that add_headers has written. */
static int add_signed_names(const struct fields *f, struct buf *out)
{
    size_t start = out->len;
    for (size_t i = 0; i < f->n; i++) {
        if (f->v[i].repeats)
            continue;
        if (buf_reserve(out, f->v[i].name_len + 1) < 0)
            return -1;
        memcpy(out->data + out->len, out->data + f->v[i].at, f->v[i].name_len);
        out->len += f->v[i].name_len;
        out->data[out->len++] = ';';
    }
    out->len -= out->len > start; /* after the last there is none */
    return 0;
}

/* The steps, each on top of the one before. */

/* Where a text stands in the canonical request. */
struct part {
    size_t at;
    size_t len;
};

/* Called with the lock held. */
static int add_canonical(struct acs3 *s, const struct acs3_request *r, struct fields *f,
                         struct buf *out, struct part *names, struct err *err)
{
    char payload[ACS3_HEX_LEN];
    if (sha256_hex(s, r->body, r->body_len, payload, err) < 0)
        return -1;
    if (buf_adds(out, r->method) < 0 || buf_addc(out, '\n') < 0 || buf_adds(out, r->path) < 0 ||
        buf_addc(out, '\n') < 0)
        return fail_buf(err);
    if (acs3_canonical_query(r, out, err) < 0)
        return -1;
    if (buf_addc(out, '\n') < 0 || add_headers(f, out) < 0 || buf_addc(out, '\n') < 0)
        return fail_buf(err);
    names->at = out->len;
    if (add_signed_names(f, out) < 0)
        return fail_buf(err);
    names->len = out->len - names->at;
    return buf_addc(out, '\n') < 0 || buf_add(out, payload, ACS3_HEX_LEN - 1) < 0 ? fail_buf(err)
                                                                                  : 0;
}

int acs3_canonical_request(struct acs3 *s, const struct acs3_request *r, struct buf *out,
                           struct err *err)
{
    struct fields f;
    struct part names;
    LOCK_SCOPE(&s->lock);
    return collect_fields(r, &f, err) < 0 ? -1 : add_canonical(s, r, &f, out, &names, err);
}

#define STRING_TO_SIGN_LEN (sizeof ALGORITHM "\n" - 1 + ACS3_HEX_LEN)

/* What a signature is made of, besides the canonical request. */
struct work {
    struct part names;
    char to_sign[STRING_TO_SIGN_LEN];
};

/* Called with the lock held; forget_work follows. */
static int do_work(struct acs3 *s, const struct acs3_request *r, struct work *w, struct err *err)
{
    struct fields f;
    struct buf *canonical = &s->canonical;
    w->names = (struct part){0, 0};
    if (buf_reserve(canonical, CANONICAL_USUAL) < 0)
        return fail_buf(err);
    if (collect_fields(r, &f, err) < 0 || add_canonical(s, r, &f, canonical, &w->names, err) < 0)
        return -1;
    memcpy(w->to_sign, ALGORITHM "\n", sizeof ALGORITHM "\n");
    return sha256_hex(s, canonical->data, canonical->len, w->to_sign + sizeof ALGORITHM, err);
}

/* It may have held a token. What a usual one takes is kept for the next. */
static void forget_work(struct acs3 *s)
{
    if (s->canonical.cap > 2 * CANONICAL_USUAL)
        buf_free(&s->canonical);
    else
        buf_reset(&s->canonical);
}

int acs3_string_to_sign(struct acs3 *s, const struct acs3_request *r, struct buf *out,
                        struct err *err)
{
    struct work w;
    LOCK_SCOPE(&s->lock);
    int rc = do_work(s, r, &w, err);
    forget_work(s);
    if (rc < 0)
        return -1;
    return buf_adds(out, w.to_sign) < 0 ? fail_buf(err) : 0;
}

/* Called with the lock held. */
static int add_authorization(struct acs3 *s, const struct acs3_request *r, struct buf *out,
                             struct err *err)
{
    struct work w;
    char signature[ACS3_HEX_LEN];
    if (do_work(s, r, &w, err) < 0 || hmac_hex(s, r->key_secret, w.to_sign, signature, err) < 0)
        return -1;
    if (buf_adds(out, ALGORITHM " Credential=") < 0 || buf_adds(out, r->key_id) < 0 ||
        buf_adds(out, ",SignedHeaders=") < 0 ||
        buf_add(out, s->canonical.data + w.names.at, w.names.len) < 0 ||
        buf_adds(out, ",Signature=") < 0 || buf_add(out, signature, ACS3_HEX_LEN - 1) < 0)
        return fail_buf(err);
    return 0;
}

int acs3_authorization(struct acs3 *s, const struct acs3_request *r, struct buf *out,
                       struct err *err)
{
    LOCK_SCOPE(&s->lock);
    int rc = add_authorization(s, r, out, err);
    forget_work(s);
    return rc;
}
