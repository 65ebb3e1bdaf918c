#include "sim/request.h"
#include <strings.h>

const char *sim_request_header(const struct sim_request *r, const char *name)
{
    for (size_t i = 0; i < r->n_headers; i++)
        if (strcasecmp(r->headers[i].name, name) == 0)
            return r->headers[i].value;
    return NULL;
}
