#include "sim/xml.h"
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

int sim_xml_text(struct buf *out, const char *text)
{
    for (; *text; text++) {
        const char *entity = *text == '<'   ? "&lt;"
                             : *text == '>' ? "&gt;"
                             : *text == '&' ? "&amp;"
                                            : NULL;
        if ((entity ? buf_adds(out, entity) : buf_addc(out, *text)) < 0)
            return -1;
    }
    return 0;
}

static int write_element(struct buf *out, const cJSON *value, const char *name);

/* As deep as cJSON lets a document be. Members by their names, the elements of an array by the
 * array's name, one after the other. */
static int write_children(struct buf *out, const cJSON *value, const char *name)
{
    const cJSON *child;
    cJSON_ArrayForEach (child, value) {
        if (write_element(out, child, child->string ? child->string : name) < 0)
            return -1;
    }
    return 0;
}

static int write_scalar(struct buf *out, const cJSON *value)
{
    if (cJSON_IsString(value))
        return sim_xml_text(out, value->valuestring);
    char *text = cJSON_PrintUnformatted(value);
    int rc = text ? buf_adds(out, cJSON_IsNull(value) ? "" : text) : -1;
    free(text);
    return rc;
}

static int write_element(struct buf *out, const cJSON *value, const char *name)
{
    if (buf_addf(out, "<%s>", name) < 0)
        return -1;
    bool nested = cJSON_IsObject(value) || cJSON_IsArray(value);
    int rc = nested ? write_children(out, value, name) : write_scalar(out, value);
    return rc < 0 ? -1 : buf_addf(out, "</%s>", name);
}

int sim_xml_document(struct buf *out, const char *root, const char *json)
{
    cJSON *value = cJSON_Parse(json);
    if (!cJSON_IsObject(value)) {
        cJSON_Delete(value);
        errno = EINVAL;
        return -1;
    }
    int rc = buf_adds(out, "<?xml version='1.0' encoding='UTF-8'?>");
    if (rc == 0)
        rc = write_element(out, value, root);
    cJSON_Delete(value);
    return rc;
}
