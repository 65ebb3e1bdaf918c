/* The service's error bodies. Pure.
 *
 * JSON {"RequestId","HostId","Code","Message","Recommend"} or XML <Error>..., first letters in
 * either case; gateways add HTML and empty bodies. Message may hold the whole string to sign, the
 * token included: nothing leaves unredacted. */
#ifndef ICE_API_FAULT_H
#define ICE_API_FAULT_H

#include "api/fault_redact.h"
#include <stdbool.h>
#include <stddef.h>

struct fault {
    char code[128]; /* printable ASCII, "" when none */
    char request_id[64];
    char message[512]; /* redacted, one line of UTF-8 cut at a character */
};

/* Parse a body. false: no Code in it (`out` is then all empty), or it is data: a
 * MediaProducingJob or a MediaProducingJobList stands beside. Also true of a 200 whose body has
 * Code and neither. Bodies above 256 KiB, deeper than 32, or cut off are no faults, nor is anything
 * when memory is short: the status decides then. Never reads past `len`; bodies of any bytes are
 * fine. */
bool fault_parse(const char *body, size_t len, struct fault *out);

#endif
