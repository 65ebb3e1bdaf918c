/* An HTTP reply -> what the call came to. Pure. Private to the two operations. */
#ifndef ICE_API_ICE_ANSWER_H
#define ICE_API_ICE_ANSWER_H

#include "api/ice.h"

struct http_reply;

/* `call` says what was asked, for the error's text: "GetMediaProducingJob 0123…". `member`: the key
 * that data of this operation has, in its quotes. Data moves the reply's body to the answer; of any
 * other answer no byte is kept but code, request id and redacted message. */
void ice_answer_read(const char *call, const char *member, struct http_reply *reply,
                     struct ice_answer *out);

#endif
