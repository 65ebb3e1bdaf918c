/* The service's error bodies. Pure.
 *
 * JSON {"RequestId","HostId","Code","Message","Recommend"} or XML <Error>..., first letters in
 * either case; gateways add HTML and empty bodies. Message may hold the whole string to sign, the
 * token included: nothing leaves unredacted. */
#ifndef ICE_API_FAULT_H
#define ICE_API_FAULT_H

#include "base/buf.h"
#include <stdbool.h>
#include <stddef.h>

struct fault {
    char code[128]; /* printable ASCII, "" when none */
    char request_id[64];
    char message[512]; /* redacted, one line of UTF-8 cut at a character */
};

/* Parse a body. false: no Code in it (`out` is then all empty). Also true of a 200 whose body has
 * Code and no MediaProducingJob or MediaProducingJobList. Never reads past `len`; bodies of any
 * bytes are fine. */
bool fault_parse(const char *body, size_t len, struct fault *out);

/* Cut what could be a secret out of one line of text from outside, in place: strings to sign,
 * canonical requests, x-acs-security-token and its value, Signature=, Credential=, access key ids
 * but for their first 4 characters. */
void fault_redact(char *text);

#endif
