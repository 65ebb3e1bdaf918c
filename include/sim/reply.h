/* An answer before it is put on the wire, and the official bodies. */
#ifndef ICE_SIM_REPLY_H
#define ICE_SIM_REPLY_H

#include "base/buf.h"
#include <stdbool.h>
#include <stdint.h>

#define SIM_BODY_MAX (64U << 20)

enum sim_wire {
    SIM_WIRE_WHOLE, /* as it should be */
    SIM_WIRE_HANG,  /* no answer while the fault stands, then closed */
    SIM_WIRE_RESET, /* closed at once */
    SIM_WIRE_CUT,   /* Content-Length of all, `part` bytes sent, closed */
    SIM_WIRE_SLOW,  /* `part` bytes every `pace_ms` */
    SIM_WIRE_HUGE   /* the body, then filled up to `total` bytes */
};

struct sim_reply {
    int status;
    const char *content_type; /* static text, or NULL: in `headers` */
    struct buf body;
    struct buf headers; /* further ones, lines of `Name: value` */
    char request_id[37];
    char code[96]; /* error code, "" when none */
    int64_t date_s;
    enum sim_wire wire;
    size_t part, total;
    int64_t pace_ms;
    int64_t delay_ms;  /* wait before the answer */
    uint64_t fault_id; /* the fault that hangs */
};

/* Born with status 200, JSON, and empty buffers that have their ceilings. */
void sim_reply_init(struct sim_reply *r);
void sim_reply_free(struct sim_reply *r);

struct sim_error {
    int status; /* 0: that of the code */
    const char *code;
    const char *message; /* NULL: that of the code */
    const char *host;
    const char *detail; /* NULL, or a JSON object for AccessDeniedDetail (JSON bodies only) */
    bool xml;
};

/* Make it the official answer to that error; what the body held before is gone. 0 or -1. */
int sim_reply_error(struct sim_reply *r, const struct sim_error *e) ICE_MUST_CHECK;

/* Status and message that belong to a code: 400 and a plain text for codes that it does not know.
 */
int sim_error_status(const char *code);
const char *sim_error_message(const char *code);

#endif
