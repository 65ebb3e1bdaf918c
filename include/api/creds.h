/* Credentials: the default chain of the official SDKs, kept fresh in the background.
 *
 * Order: environment, OIDC, CLI file (~/.aliyun/config.json), ini file
 * (~/.alibabacloud/credentials[.ini]), ECS metadata, credentials URI. The source that worked is
 * kept; when it no longer applies (its file is gone) or a file changes that comes before it, the
 * chain is walked again. A source that fails does not hide the next, but once in use its passing
 * trouble never turns us into somebody else.
 *
 * A profile asked for by name is looked for in the two files, and the chain ends there: if neither
 * has it, that is an error. Named by the environment, keys in the environment still come first;
 * named by creds_env.profile (an option of the user's) it wins over them.
 *
 * Keys are immutable and counted; the last unref wipes them. Nobody but the keeper's own thread
 * waits for a file, a process or the network. http_global_init comes first. */
#ifndef ICE_API_CREDS_H
#define ICE_API_CREDS_H

#include "base/err.h"
#include <stdbool.h>
#include <stdint.h>

struct creds_keys {
    char *key_id;
    char *key_secret;
    char *token;             /* NULL for a permanent pair */
    int64_t expires_unix_ms; /* 0: never */
    /* For people: "environment", "~/.aliyun/config.json profile studio (RamRoleArn)". */
    char *source;
    int64_t renew_after_ms_; /* inside: life not known, obtain again after so long; 0: no need */
    unsigned refs_;          /* atomic, inside */
};

struct creds_keys *creds_keys_ref(struct creds_keys *k);
void creds_keys_unref(struct creds_keys *k); /* NULL is nothing */

/* Whose keys they are, as far as that can be told without a call, and the same after a restart: the
 * id of a permanent pair; of temporary keys their source, its role included. Borrowed. */
const char *creds_account(const struct creds_keys *k);

/* Everything that a provider takes from outside, so that tests give their own. All borrowed until
 * creds_free. */
struct creds_env {
    const char *(*getenv)(void *ctx,
                          const char *name); /* NULL: getenv(3) (secure: not when setuid) */
    void *ctx;
    const char *home;    /* NULL: $HOME, else the passwd entry */
    const char *profile; /* wins over keys in the environment; NULL: ALIBABA_CLOUD_PROFILE */
    const char *ca_file; /* for https to STS; NULL: the system's */
    const char *proxy;
    int64_t (*real_ms)(void); /* NULL: the system's clock */
};

struct creds;

/* Starts nothing and reads nothing yet. */
struct creds *creds_new(const struct creds_env *env, struct err *err);
void creds_free(struct creds *c); /* stops the thread if it runs */

/* Walk the chain on the calling thread, for at most `timeout_ms`: at mount time, and in `doctor`;
 * not after creds_start. 0: creds_get gives keys. -1: `err` says in one line what was tried and how
 * to give credentials. No secret in it. */
int creds_load(struct creds *c, int64_t timeout_ms, struct err *err);

/* Start the thread that renews ahead of expiry (180 s before; 15 min where the life allows), reads
 * a changed file again, retries after a failed renewal (old keys stay while they last). `changed`
 * is called on that thread after each attempt, whether it brought new keys or not. */
int creds_start(struct creds *c, void (*changed)(void *arg), void *arg, struct err *err);

/* The keys in force, a counted reference, or NULL with `err` where there are none or they have
 * expired. Never waits. */
struct creds_keys *creds_get(struct creds *c, struct err *err);

/* The service refused `refused`: look again soon (files are read again, temporary keys renewed),
 * but not more than once in 5 s. true: `changed` will be called, at once where `refused` are no
 * longer the keys in force; keys that are the same after it are the same pointer. false: looking
 * cannot change anything (the keys are the environment's, or the thread does not run). Never waits.
 */
bool creds_refused(struct creds *c, const struct creds_keys *refused);

#endif
