/* Private to credentials: source 3, the CLI's file of profiles. */
#ifndef ICE_API_CREDS_CLI_FILE_H
#define ICE_API_CREDS_CLI_FILE_H

#include "api/creds_ctx.h"

#define CREDS_CLI_DEPTH_MAX 8 /* profiles in a row, each the source of the one before */

/* Absent: no such file, switched off, or no profile of the name asked for. */
enum creds_found creds_cli_file(struct creds_ctx *ctx, struct creds_keys **out, struct err *err);

#endif
