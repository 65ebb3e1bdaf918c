/* Private to credentials: how keys are to be had, as a profile of the CLI file, a section of the
 * ini file, an external command or the environment says it. */
#ifndef ICE_API_CREDS_SPEC_H
#define ICE_API_CREDS_SPEC_H

#include "base/err.h"
#include <stdbool.h>
#include <stdint.h>

struct creds_json;

enum creds_mode {
    CREDS_MODE_AK,
    CREDS_MODE_STS_TOKEN,
    CREDS_MODE_RAM_ROLE_ARN,
    CREDS_MODE_ECS_RAM_ROLE,
    CREDS_MODE_OIDC,
    CREDS_MODE_CHAINABLE,
    CREDS_MODE_EXTERNAL,
    CREDS_MODE_URI,
    CREDS_MODE_CLOUD_SSO,
    CREDS_MODE_OAUTH,
    CREDS_MODE_COUNT,
};

/* Texts are owned, and NULL when not given. Zeroed memory is valid. */
struct creds_spec {
    enum creds_mode mode;
    char *key_id;
    char *key_secret;
    char *token;
    int64_t expires_unix_ms; /* of the three above, 0: not known */
    char *role_arn;
    char *session_name;
    char *external_id;
    char *policy;
    int64_t duration_s; /* 0: the default */
    char *sts_region;
    char *sts_endpoint;
    bool vpc;
    char *provider_arn;
    char *token_file;
    char *role_name;
    char *source_profile;
    char *command;
    char *uri;
};

/* Wipes every text. */
void creds_spec_free(struct creds_spec *s);
#define CLEANUP_SPEC ICE_CLEANUP(creds_spec_free)

const char *creds_mode_name(enum creds_mode mode); /* as the CLI file has it: "RamRoleArn" */

/* The mode, and the role where it has one: "RamRoleArn acs:ram::1234:role/reader". */
#define CREDS_LABEL_MAX 160
void creds_spec_label(const struct creds_spec *s, char out[CREDS_LABEL_MAX]);

/* Fill an empty `s` from an object of the CLI file. 0, or -1: unknown mode, wrong type, or a member
 * missing that its mode needs. */
int creds_spec_from_json(struct creds_spec *s, const struct creds_json *profile, struct err *err);

/* The same from name = value lines of the ini file: one call for each, then the end. Unknown names
 * are passed over. A value given in several pieces is joined by line feeds. 0 or -1. */
int creds_spec_ini_line(struct creds_spec *s, const char *name, const char *value, struct err *err);
int creds_spec_ini_end(struct creds_spec *s, const char *type, struct err *err);

#endif
