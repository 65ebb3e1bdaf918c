/* Self-signed certificates for servers inside tests. */
#ifndef TEST_CERT_H
#define TEST_CERT_H

struct cert {
    char *cert_pem;
    char *key_pem;
    char path[64]; /* a file that holds cert_pem: a CA file */
};

/* `names`: as in "DNS:ice.test,IP:127.0.0.1". Valid from yesterday to tomorrow. Fails the test on
 * error. */
struct cert *cert_new(const char *names);
void cert_free(struct cert *c); /* the file too */

#endif
