/* How a transfer ended: curl's result -> the reply. Private to the HTTP engine. */
#ifndef ICE_API_HTTP_OUTCOME_H
#define ICE_API_HTTP_OUTCOME_H

#include <curl/curl.h>

struct http_transfer;

/* Fill what is left of the reply: the status, or how the network failed and a text for people.
 * Before the handle is taken off its multi handle. */
void http_outcome(CURL *easy, CURLcode result, struct http_transfer *t);

/* The same for one whose deadline has passed (http_transfer_deadline). */
void http_outcome_late(struct http_transfer *t);

#endif
