#include "support/bad_vfs.h"
#include <errno.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct bad_file {
    sqlite3_file base;
    sqlite3_file *real;
};

static sqlite3_vfs vfs;
static sqlite3_vfs *real_vfs;
static _Atomic int bad;
static atomic_int working;
static atomic_uint failed;

void bad_vfs_fail(enum bad_kind kind, unsigned n)
{
    atomic_store(&bad, BAD_NOTHING);
    atomic_store(&working, (int)n);
    atomic_store(&failed, 0);
    atomic_store(&bad, kind);
}

unsigned bad_vfs_failed(void)
{
    return atomic_load(&failed);
}

static bool fails(enum bad_kind kind)
{
    if (atomic_load(&bad) != (int)kind || atomic_fetch_sub(&working, 1) > 0)
        return false;
    atomic_fetch_add(&failed, 1);
    return true;
}

static sqlite3_file *real_of(sqlite3_file *f)
{
    return ((struct bad_file *)f)->real;
}

/* ---- a file ---- */

static int bad_close(sqlite3_file *f)
{
    int rc = real_of(f)->pMethods->xClose(real_of(f));
    free(real_of(f));
    return rc;
}

static int bad_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at)
{
    if (fails(BAD_READ))
        return SQLITE_IOERR_READ;
    return real_of(f)->pMethods->xRead(real_of(f), to, n, at);
}

static int bad_write(sqlite3_file *f, const void *from, int n, sqlite3_int64 at)
{
    if (fails(BAD_FULL))
        return SQLITE_FULL;
    if (fails(BAD_WRITE))
        return SQLITE_IOERR_WRITE;
    return real_of(f)->pMethods->xWrite(real_of(f), from, n, at);
}

static int bad_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    return real_of(f)->pMethods->xTruncate(real_of(f), size);
}

static int bad_sync(sqlite3_file *f, int flags)
{
    if (fails(BAD_SYNC))
        return SQLITE_IOERR_FSYNC;
    return real_of(f)->pMethods->xSync(real_of(f), flags);
}

static int bad_size(sqlite3_file *f, sqlite3_int64 *size)
{
    return real_of(f)->pMethods->xFileSize(real_of(f), size);
}

static int bad_lock(sqlite3_file *f, int level)
{
    return real_of(f)->pMethods->xLock(real_of(f), level);
}

static int bad_unlock(sqlite3_file *f, int level)
{
    return real_of(f)->pMethods->xUnlock(real_of(f), level);
}

static int bad_reserved(sqlite3_file *f, int *out)
{
    return real_of(f)->pMethods->xCheckReservedLock(real_of(f), out);
}

static int bad_control(sqlite3_file *f, int op, void *arg)
{
    return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}

static int bad_sector(sqlite3_file *f)
{
    return real_of(f)->pMethods->xSectorSize(real_of(f));
}

static int bad_device(sqlite3_file *f)
{
    return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

static int bad_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
    return real_of(f)->pMethods->xShmMap(real_of(f), page, size, extend, out);
}

static int bad_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
    return real_of(f)->pMethods->xShmLock(real_of(f), offset, n, flags);
}

static void bad_shm_barrier(sqlite3_file *f)
{
    real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static int bad_shm_unmap(sqlite3_file *f, int delete)
{
    return real_of(f)->pMethods->xShmUnmap(real_of(f), delete);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = bad_close,
    .xRead = bad_read,
    .xWrite = bad_write,
    .xTruncate = bad_truncate,
    .xSync = bad_sync,
    .xFileSize = bad_size,
    .xLock = bad_lock,
    .xUnlock = bad_unlock,
    .xCheckReservedLock = bad_reserved,
    .xFileControl = bad_control,
    .xSectorSize = bad_sector,
    .xDeviceCharacteristics = bad_device,
    .xShmMap = bad_shm_map,
    .xShmLock = bad_shm_lock,
    .xShmBarrier = bad_shm_barrier,
    .xShmUnmap = bad_shm_unmap,
};

/* ---- the file system ---- */

static int bad_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out)
{
    struct bad_file *file = (struct bad_file *)f;
    (void)v;
    file->base.pMethods = NULL;
    file->real = calloc(1, (size_t)real_vfs->szOsFile);
    if (!file->real)
        return SQLITE_NOMEM;
    int rc = real_vfs->xOpen(real_vfs, name, file->real, flags, out);
    if (rc != SQLITE_OK) {
        free(file->real);
        return rc;
    }
    file->base.pMethods = &methods;
    return SQLITE_OK;
}

static int bad_last_error(sqlite3_vfs *v, int n, char *text)
{
    (void)v;
    if (atomic_load(&bad) != BAD_NOTHING)
        return atomic_load(&bad) == BAD_FULL ? ENOSPC : EIO;
    return real_vfs->xGetLastError(real_vfs, n, text);
}

const char *bad_vfs(void)
{
    if (real_vfs)
        return vfs.zName;
    real_vfs = sqlite3_vfs_find(NULL);
    vfs = *real_vfs;
    vfs.zName = "bad";
    vfs.szOsFile = (int)sizeof(struct bad_file);
    vfs.pNext = NULL;
    vfs.xOpen = bad_open;
    vfs.xGetLastError = bad_last_error;
    if (sqlite3_vfs_register(&vfs, 0) != SQLITE_OK)
        abort();
    return vfs.zName;
}
