/* JSON replies as XML, for clients that do not ask for JSON. */
#ifndef ICE_SIM_XML_H
#define ICE_SIM_XML_H

#include "base/attr.h"
#include "base/buf.h"

/* Append text with what XML reserves escaped. 0 or -1. */
int sim_xml_text(struct buf *out, const char *text) ICE_MUST_CHECK;

/* Append the whole document: the JSON object inside an element `root`. 0, or -1 (no memory, or the
 * JSON is none: EINVAL). */
int sim_xml_document(struct buf *out, const char *root, const char *json) ICE_MUST_CHECK;

#endif
