/* Bodies that libmicrohttpd asks for piece by piece: cut, dripping and huge ones. Pure. */
#ifndef ICE_SIM_ANSWER_H
#define ICE_SIM_ANSWER_H

#include "sim/reply.h"
#include <stddef.h>

/* Content-Length to announce. */
size_t sim_answer_length(const struct sim_reply *r);

/* Bytes of the body from `pos` on into out[max]. 0: the end was announced later than this (a cut
 * body stops here). */
size_t sim_answer_piece(const struct sim_reply *r, size_t pos, char *out, size_t max);

/* The Date header's text, RFC 9110. */
#define SIM_DATE_LEN 40
void sim_answer_date(int64_t unix_s, char out[SIM_DATE_LEN]);

#endif
