/* The services that give credentials, played on loopback: the metadata service, STS and a
 * credentials URI. Each takes its faults from a field that a test may set at any time. */
#ifndef TEST_FAKE_CLOUD_H
#define TEST_FAKE_CLOUD_H

#include "support/creds_world.h"
#include <stdatomic.h>

struct cloud {
    struct httpd *server;
    /* What was asked. */
    atomic_int imds_tokens, imds_roles, imds_keys, sts_roles, sts_oidcs, uris;
    atomic_int bad_signatures;
    /* How to answer. */
    atomic_int life_s;          /* of the keys; 3600 */
    atomic_int imds_status;     /* of the token request; 200 */
    atomic_int role_status;     /* of the role's name; 200 */
    atomic_int sts_status;      /* 200; else a refusal that repeats the secret */
    atomic_int sts_skew_s;      /* accept only dates this far from the real time (0: any) */
    atomic_int uri_status;      /* 200 */
    atomic_bool hang;           /* answer nothing at all */
    _Atomic(const char *) body; /* instead of keys; NULL */
    _Atomic(const char *) role; /* instead of the role's name; NULL */
    char last_query[4096];      /* of STS; read when the exchange is over */
    char last_body[4096];
};

/* The pair that AssumeRole must be signed with, or the keys that this cloud gave itself. */
#define CLOUD_ID     "LTAI-test"
#define CLOUD_SECRET "pair-" SECRET_MARK

/* Sets the variables that lead to it, and switches the metadata service on. */
void cloud_start(struct cloud *c, struct world *w);
void cloud_stop(struct cloud *c);

/* Keys are numbered: the n-th answer of all gives the id "STS.cloud-n". */
#define CLOUD_KEY_ID "STS.cloud-"

#endif
