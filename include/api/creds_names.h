/* Private to credentials: a short list of names for a message: "a, b, c, ...". */
#ifndef ICE_API_CREDS_NAMES_H
#define ICE_API_CREDS_NAMES_H

struct creds_names {
    char text[160];
};

/* Add one; what no longer fits becomes "...". */
void creds_names_add(struct creds_names *n, const char *name);

/* "none" while empty. */
const char *creds_names_text(const struct creds_names *n);

#endif
