#include "support/cert.h"
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define DAY_S (24L * 3600)

static void must(int ok, const char *what)
{
    if (!ok)
        fail_msg("certificate for a test: %s failed", what);
}

/* What was written to a memory BIO, as text; frees the BIO. */
static char *text_of(BIO *bio)
{
    char *bytes;
    long n = BIO_get_mem_data(bio, &bytes);
    char *text = strndup(bytes, (size_t)n);
    must(text != NULL, "strndup");
    BIO_free(bio);
    return text;
}

static X509 *sign_self(EVP_PKEY *key, const char *names)
{
    X509 *x = X509_new();
    must(x && X509_set_version(x, 2), "X509_new");
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -DAY_S);
    X509_gmtime_adj(X509_getm_notAfter(x), DAY_S);
    X509_NAME *name = X509_NAME_new();
    must(name && X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test",
                                            -1, -1, 0),
         "X509_NAME");
    must(X509_set_subject_name(x, name) && X509_set_issuer_name(x, name), "set names");
    X509_NAME_free(name);
    must(X509_set_pubkey(x, key), "set key");
    X509_EXTENSION *san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
    must(san && X509_add_ext(x, san, -1), "subjectAltName");
    X509_EXTENSION_free(san);
    must(X509_sign(x, key, EVP_sha256()) > 0, "X509_sign");
    return x;
}

static void write_file(struct cert *c)
{
    strcpy(c->path, "/tmp/icejobfs-cert-XXXXXX");
    int fd = mkstemp(c->path);
    must(fd >= 0, "mkstemp");
    size_t n = strlen(c->cert_pem);
    must(write(fd, c->cert_pem, n) == (ssize_t)n, "write");
    close(fd);
}

struct cert *cert_new(const char *names)
{
    struct cert *c = calloc(1, sizeof *c);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    must(c && key, "key");
    X509 *x = sign_self(key, names);
    BIO *cert = BIO_new(BIO_s_mem()), *private = BIO_new(BIO_s_mem());
    must(cert && private && PEM_write_bio_X509(cert, x), "PEM");
    must(PEM_write_bio_PrivateKey(private, key, NULL, NULL, 0, NULL, NULL), "PEM");
    c->cert_pem = text_of(cert);
    c->key_pem = text_of(private);
    write_file(c);
    X509_free(x);
    EVP_PKEY_free(key);
    return c;
}

void cert_free(struct cert *c)
{
    unlink(c->path);
    free(c->cert_pem);
    free(c->key_pem);
    free(c);
}
