/* Private to credentials: source 4, the ini file of the SDKs, under both of its names. */
#ifndef ICE_API_CREDS_INI_H
#define ICE_API_CREDS_INI_H

#include "api/creds_ctx.h"

struct creds_spec;
struct buf;

enum creds_found creds_ini_file(struct creds_ctx *ctx, struct creds_keys **out, struct err *err);

/* The section `name` of an ini text. Absent: `err` lists the sections that are there. Limits (of
 * the ini library, whose silent cuts are refused here): lines 190 bytes, names and sections 48. */
enum creds_found creds_ini_parse(const char *text, const char *name, struct creds_spec *out,
                                 struct err *err);

#endif
