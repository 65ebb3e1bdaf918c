/* Private to credentials: what both operations of STS share: the role's parameters, the host, and
 * how an answer is read. */
#ifndef ICE_API_CREDS_STS_COMMON_H
#define ICE_API_CREDS_STS_COMMON_H

#include "api/acs3.h"
#include "api/creds_http.h"

struct creds_spec;
struct fault;

#define CREDS_STS_VERSION    "2015-04-01"
#define CREDS_STS_CONNECT_MS 5000
#define CREDS_STS_TOTAL_MS   10000
#define CREDS_STS_TEXT_MAX   ((size_t)256 << 10) /* a URL, or a form with an OIDC token */

/* Values are borrowed. */
struct creds_sts_params {
    struct acs3_pair at[8];
    size_t n;
    char duration[24];
};

/* Add one; NULL is none. */
void creds_sts_param(struct creds_sts_params *p, const char *name, const char *value);

/* RoleArn, RoleSessionName, DurationSeconds and Policy. */
void creds_sts_role_params(struct creds_sts_params *p, const struct creds_ctx *ctx,
                           const struct creds_spec *role);

/* Append https://host by the profile's or the environment's region and network, or the stand-in
 * ICEJOBFS_STS_URL. 0 or -1. */
int creds_sts_endpoint(const struct creds_ctx *ctx, const struct creds_spec *role, struct buf *out,
                       struct err *err);

/* What STS says about a refusal, in one line without secrets; `fault` gets its parts. */
void creds_sts_refusal(const struct creds_answer *a, struct fault *fault, struct err *err);

/* The keys in an answer of HTTP 200. NULL with `err`. */
struct creds_keys *creds_sts_keys(struct creds_ctx *ctx, const struct creds_answer *a,
                                  const char *source, struct err *err);

#endif
