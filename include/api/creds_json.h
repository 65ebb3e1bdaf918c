/* Private to credentials: JSON that holds secrets. The tree is wiped before it is freed.
 *
 * Nodes are borrowed from their document. The JSON library's types stay inside. */
#ifndef ICE_API_CREDS_JSON_H
#define ICE_API_CREDS_JSON_H

#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct creds_json;

/* A document whose root is an object. NULL with `err`, which holds nothing of the text. */
struct creds_json *creds_json_parse(const char *text, size_t len, struct err *err);
void creds_json_free(struct creds_json *doc); /* NULL is nothing */
void creds_json_cleanup(struct creds_json **doc);
#define CLEANUP_JSON ICE_CLEANUP(creds_json_cleanup)

/* The object or array under `key`; NULL when absent or of another type. */
const struct creds_json *creds_json_object(const struct creds_json *node, const char *key);
const struct creds_json *creds_json_array(const struct creds_json *node, const char *key);

/* Walk the objects of an array: other elements are passed over. NULL at the end. */
const struct creds_json *creds_json_first(const struct creds_json *array);
const struct creds_json *creds_json_next(const struct creds_json *node);

/* Members by type. An absent or null one leaves *out as it is; so does an empty text. 0, or -1
 * when it has another type (`err` names the key). */
int creds_json_text(const struct creds_json *node, const char *key, const char **out,
                    struct err *err);
int creds_json_int(const struct creds_json *node, const char *key, int64_t *out, struct err *err);
int creds_json_bool(const struct creds_json *node, const char *key, bool *out, struct err *err);

#endif
