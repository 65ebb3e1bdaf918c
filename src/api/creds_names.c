#include "api/creds_names.h"
#include <stdio.h>
#include <string.h>

#define MORE ", ..."

void creds_names_add(struct creds_names *n, const char *name)
{
    size_t len = strlen(n->text), room = sizeof n->text - len;
    const char *comma = len ? ", " : "";
    if (len >= strlen(MORE) && strcmp(n->text + len - strlen(MORE), MORE) == 0)
        return;
    if (strlen(comma) + strlen(name) + sizeof MORE <= room)
        snprintf(n->text + len, room, "%s%s", comma, name);
    else if (len)
        snprintf(n->text + len, room, MORE);
}

const char *creds_names_text(const struct creds_names *n)
{
    return n->text[0] ? n->text : "none";
}
