/* Curl easy handles as this program wants them. Private to the HTTP engine.
 *
 * What holds for every transfer is set once, when a handle is made; what differs is set when it is
 * armed. A handle is kept and armed again and again. */
#ifndef ICE_API_HTTP_EASY_H
#define ICE_API_HTTP_EASY_H

#include "api/http.h"
#include <curl/curl.h>

struct http_transfer;

/* NULL with `err`. curl_easy_cleanup frees. */
CURL *http_easy_new(const struct http_config *config, struct err *err);

/* Set the transfer's own options; it must outlive the arming. 0 or -1. */
int http_easy_arm(CURL *easy, struct http_transfer *t);

/* Let go of everything that belongs to the transfer. */
void http_easy_disarm(CURL *easy);

#endif
