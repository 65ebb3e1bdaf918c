#include "api/creds_keys.h"
#include "base/secret.h"
#include <stdlib.h>
#include <string.h>

#define KEY_MAX   256
#define TOKEN_MAX 16384

/* Visible ASCII: they go into HTTP headers. */
static int check(const char *value, size_t max, const char *what, struct err *err)
{
    size_t n = strlen(value);
    if (n == 0)
        return err_set(err, "the %s is empty", what);
    if (n > max)
        return err_set(err, "the %s is longer than %zu bytes", what, max);
    for (size_t i = 0; i < n; i++)
        if (value[i] <= ' ' || value[i] > '~')
            return err_set(err, "the %s holds a blank, a line end or another odd character", what);
    return 0;
}

static bool copied(const struct creds_keys *k, bool token)
{
    return k->key_id && k->key_secret && k->source && (!token || k->token);
}

struct creds_keys *creds_keys_new(const char *key_id, const char *key_secret, const char *token,
                                  int64_t expires_unix_ms, const char *source, struct err *err)
{
    if (check(key_id, KEY_MAX, "access key id", err) < 0 ||
        check(key_secret, KEY_MAX, "access key secret", err) < 0 ||
        (token && check(token, TOKEN_MAX, "security token", err) < 0))
        return NULL;
    struct creds_keys *k = calloc(1, sizeof *k);
    if (k) {
        k->refs_ = 1;
        k->key_id = strdup(key_id);
        k->key_secret = strdup(key_secret);
        k->token = token ? strdup(token) : NULL;
        k->expires_unix_ms = expires_unix_ms;
        k->source = strdup(source);
        if (copied(k, token))
            return k;
    }
    creds_keys_unref(k);
    err_set(err, "cannot keep the keys: out of memory");
    return NULL;
}

const char *creds_account(const struct creds_keys *k)
{
    return k->token ? k->source : k->key_id;
}

struct creds_keys *creds_keys_ref(struct creds_keys *k)
{
    __atomic_fetch_add(&k->refs_, 1, __ATOMIC_RELAXED);
    return k;
}

void creds_keys_unref(struct creds_keys *k)
{
    if (!k || __atomic_sub_fetch(&k->refs_, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    secret_free(k->key_id);
    secret_free(k->key_secret);
    secret_free(k->token);
    free(k->source);
    free(k);
}

void creds_keys_cleanup(struct creds_keys **k)
{
    creds_keys_unref(*k);
    *k = NULL;
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

bool creds_keys_equal(const struct creds_keys *a, const struct creds_keys *b)
{
    return same_text(a->key_id, b->key_id) && same_text(a->key_secret, b->key_secret) &&
           same_text(a->token, b->token) && same_text(a->source, b->source) &&
           a->expires_unix_ms == b->expires_unix_ms && a->renew_after_ms_ == b->renew_after_ms_;
}
