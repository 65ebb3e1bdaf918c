#include "cli/database.h"
#include "base/buf.h"
#include "base/hash.h"
#include "cli/path.h"
#include <inttypes.h>

char *database_path(const char *state, const char *account, const char *endpoint)
{
    struct buf who CLEANUP_BUF = BUF_INIT(65536), path CLEANUP_BUF = BUF_INIT(65536);
    /* A line feed is in neither. */
    if (buf_addf(&who, "%s\n%s", account, endpoint) < 0 ||
        buf_addf(&path, "%s/%016" PRIx64 ".db", state, hash_text(buf_str(&who))) < 0)
        return NULL;
    return buf_take(&path);
}

int database_make_dir(const char *state)
{
    return path_make_dirs(state, 0700);
}
