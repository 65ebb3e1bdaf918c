#include "base/attr.h"
#include <errno.h>

void ice_cleanup_fd(int *fd)
{
    if (*fd < 0)
        return;
    int saved = errno;
    close(*fd);
    errno = saved;
    *fd = -1;
}
