/* Private to credentials: how keys are made. */
#ifndef ICE_API_CREDS_KEYS_H
#define ICE_API_CREDS_KEYS_H

#include "api/creds.h"

/* Copies everything. `token` may be NULL. Refused: what could not stand in an HTTP header (blanks,
 * control characters, not ASCII, too long). NULL with `err`, which holds no key. */
struct creds_keys *creds_keys_new(const char *key_id, const char *key_secret, const char *token,
                                  int64_t expires_unix_ms, const char *source, struct err *err);

/* Same keys, same end? */
bool creds_keys_equal(const struct creds_keys *a, const struct creds_keys *b);

void creds_keys_cleanup(struct creds_keys **k);
#define CLEANUP_KEYS ICE_CLEANUP(creds_keys_cleanup)

#endif
