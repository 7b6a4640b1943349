/*
** A disk for torture: an SQLite VFS that keeps files in memory, and for each file what a power cut would leave of it.
**
** Every file has two images: the one that processes see (`now`), and the one that is on the disk for certain (`safe`).
** A write or truncation changes the first and is kept as unsynced. A sync moves the unsynced ones of that file to the
** second. After a power cut, each unsynced one is kept or lost, whole or by sectors of 512 bytes, so that any later one
** can survive an earlier one. A file that was created or deleted since the directory was synced may come back or vanish.
**
** All connections of the process share one disk. Each belongs to the "process" that was set when it was opened, so that
** one can be killed while another continues. SQL functions of the connection that loads this extension control it:
**
**   disk_reset(seed)             an empty disk; connections that are open are cut off
**   disk_process(n)              connections that are opened from now on belong to process n, a new one
**   disk_cut(n)                  the power fails at the n-th write, sync, truncation or deletion from now; 0 is never
**   disk_kill(process, n)        that process ends at the n-th such operation of its own; now if n is 0,
**                                and before its next sync if n is -1
**   disk_fault(kind, n, times)   operations of a kind (read, write, full, sync, slow) fail, from the n-th on
**   disk_calm()                  cancels all of these
**   disk_heal()                  cancels the faults
**   disk_restart(mode)           the power is back, without any connection: see RESTARTS for the modes
**   disk_state(what)             power, open, unsynced, operations, or syncs
**   disk_dead(process)           whether a process was killed
*/
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sqlite3ext.h>
SQLITE_EXTENSION_INIT1

#define SECTOR 512
#define PROCESSES 16
#define SHM_REGIONS 64
#define SHM_LOCKS 8

typedef int64_t i64;
typedef uint64_t u64;
typedef unsigned char u8;

typedef struct Image {
  u8 *bytes;
  i64 size, room;
} Image;

/* A write, or a truncation if it has no data. */
typedef struct Unsynced {
  struct Unsynced *next;
  i64 offset, length;
  u64 order;
  u8 *data;
} Unsynced;

typedef struct Handle Handle;

typedef struct File {
  struct File *next;
  char *name;
  Image now, safe;
  Unsynced *first, *last;
  int exists, existsSafely;
  int handles;
  Handle *reserved, *pending, *exclusive;
  u8 *shm[SHM_REGIONS];
  int shmUsers;
  /* -1 is an exclusive lock. */
  int shmLocks[SHM_LOCKS];
} File;

struct Handle {
  sqlite3_file base;
  Handle *next;
  File *file;
  int process, lock, usesShm, isTemporary, isLeft, deletesOnClose, syncsDirectory;
  unsigned shared, exclusive;
};

enum { READ, WRITE, FULL, SYNC, SLOW, KINDS };
static const char *const KIND_NAMES[KINDS] = {"read", "write", "full", "sync", "slow"};

/* What a power cut leaves: RESTART_PROCESS is none, only all processes ended. */
enum { PROCESS, NOTHING, EVERYTHING, WRITES, SECTORS, EARLIEST, LATEST, GARBAGE, RESTARTS };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static sqlite3_vfs *under;
static File *files;
static Handle *handles;
static u64 randomState, order, operations, syncs;
static int process = 1, hasPower = 1;
static i64 cutAfter, killAfter[PROCESSES], faultAfter[KINDS], faultTimes[KINDS];
static int isDead[PROCESSES];

static u64 nextRandom(void) {
  u64 z = (randomState += 0x9e3779b97f4a7c15ull);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

static int chance(int of) { return (int)(nextRandom() % (u64)of) == 0; }

static int resize(Image *image, i64 size) {
  if (size > image->room) {
    i64 room = size * 2 + 65536;
    u8 *bytes = realloc(image->bytes, (size_t)room);
    if (bytes == 0) return SQLITE_NOMEM;
    image->bytes = bytes;
    image->room = room;
  }
  if (size > image->size) memset(image->bytes + image->size, 0, (size_t)(size - image->size));
  image->size = size;
  return SQLITE_OK;
}

static int put(Image *image, i64 offset, const u8 *data, i64 length) {
  if (offset + length > image->size && resize(image, offset + length) != SQLITE_OK) return SQLITE_NOMEM;
  memcpy(image->bytes + offset, data, (size_t)length);
  return SQLITE_OK;
}

static int copyImage(Image *to, const Image *from) {
  to->size = 0;
  return from->size == 0 ? resize(to, 0) : put(to, 0, from->bytes, from->size);
}

/* Stores some of a write, by sectors. */
static void putSectors(Image *image, const Unsynced *op, int isGarbage) {
  for (i64 at = op->offset, end = op->offset + op->length; at < end;) {
    i64 next = (at / SECTOR + 1) * SECTOR;
    if (next > end) next = end;
    if (chance(2)) put(image, at, op->data + (at - op->offset), next - at);
    else if (isGarbage && next > image->size) {
      u8 garbage[SECTOR];
      for (int i = 0; i < SECTOR; i++) garbage[i] = (u8)nextRandom();
      put(image, at, garbage, next - at);
    }
    at = next;
  }
}

static void store(Image *image, const Unsynced *op) {
  if (op->data == 0) resize(image, op->offset);
  else put(image, op->offset, op->data, op->length);
}

static void forgetUnsynced(File *file) {
  for (Unsynced *op = file->first; op != 0;) {
    Unsynced *next = op->next;
    free(op->data);
    free(op);
    op = next;
  }
  file->first = file->last = 0;
}

static int keepUnsynced(File *file, i64 offset, const void *data, i64 length) {
  Unsynced *op = calloc(1, sizeof *op);
  if (op == 0) return SQLITE_NOMEM;
  if (data != 0) {
    op->data = malloc((size_t)length + 1);
    if (op->data == 0) return free(op), SQLITE_NOMEM;
    memcpy(op->data, data, (size_t)length);
  }
  op->offset = offset;
  op->length = length;
  op->order = ++order;
  if (file->last != 0) file->last->next = op;
  else file->first = op;
  file->last = op;
  return SQLITE_OK;
}

/* What is left of a file. In the modes EARLIEST and LATEST, of the operations before or after `bound`. */
static void loseUnsynced(File *file, int mode, u64 bound) {
  for (Unsynced *op = file->first; op != 0; op = op->next) {
    int isKept = mode == EVERYTHING || (mode == EARLIEST && op->order <= bound) ||
                 (mode == LATEST && op->order > bound) || (mode >= WRITES && mode < EARLIEST && chance(2));
    int isTorn = (mode == SECTORS || mode == GARBAGE || (mode == EARLIEST && op->order == bound + 1)) && chance(2);
    if (op->data != 0 && isTorn) putSectors(&file->safe, op, mode == GARBAGE);
    else if (isKept) store(&file->safe, op);
  }
  forgetUnsynced(file);
  copyImage(&file->now, &file->safe);
}

static File *fileNamed(const char *name) {
  for (File *file = files; file != 0; file = file->next)
    if (strcmp(file->name, name) == 0) return file;
  return 0;
}

static File *newFile(const char *name) {
  File *file = calloc(1, sizeof *file);
  if (file == 0) return 0;
  if (name == 0) return file;
  file->name = strdup(name);
  file->next = files;
  return files = file;
}

static void freeFile(File *file) {
  forgetUnsynced(file);
  free(file->now.bytes);
  free(file->safe.bytes);
  for (int i = 0; i < SHM_REGIONS; i++) free(file->shm[i]);
  free(file->name);
  free(file);
}

static void syncDirectory(void) {
  for (File *file = files; file != 0; file = file->next) file->existsSafely = file->exists;
}

static void releaseShm(Handle *h) {
  for (int i = 0; i < SHM_LOCKS; i++) {
    if (h->exclusive & (1u << i)) h->file->shmLocks[i] = 0;
    else if (h->shared & (1u << i)) h->file->shmLocks[i] -= 1;
  }
  h->shared = h->exclusive = 0;
}

static void releaseLocks(Handle *h) {
  File *file = h->file;
  if (file->reserved == h) file->reserved = 0;
  if (file->pending == h) file->pending = 0;
  if (file->exclusive == h) file->exclusive = 0;
  h->lock = SQLITE_LOCK_NONE;
}

static void kill_process(int n) {
  isDead[n] = 1;
  for (Handle *h = handles; h != 0; h = h->next)
    if (h->process == n) releaseShm(h), releaseLocks(h);
}

static int isGone(const Handle *h) { return !hasPower || isDead[h->process] || h->isLeft; }

/* Whether a fault of a kind happens now. */
static int fails(int kind) {
  if (faultTimes[kind] <= 0) return 0;
  if (faultAfter[kind] > 1) return faultAfter[kind]--, 0;
  faultTimes[kind]--;
  return 1;
}

/* Counts an operation that changes the disk. Returns 0 if it is done, 1 if it is the last that is, -1 if it is not. */
static int lastOperation(Handle *h) {
  operations++;
  if (cutAfter > 0 && --cutAfter == 0) {
    hasPower = 0;
    return chance(2) ? 1 : -1;
  }
  if (killAfter[h->process] > 0 && --killAfter[h->process] == 0) {
    kill_process(h->process);
    return chance(2) ? 1 : -1;
  }
  return 0;
}

static void maybeSleep(void) {
  pthread_mutex_lock(&mutex);
  int isSlow = fails(SLOW);
  struct timespec pause = {0, (long)(nextRandom() % 2000000)};
  pthread_mutex_unlock(&mutex);
  if (isSlow) nanosleep(&pause, 0);
}

#define ENTER(h, code)                                                \
  maybeSleep();                                                       \
  pthread_mutex_lock(&mutex);                                         \
  if (isGone(h)) return pthread_mutex_unlock(&mutex), (code)
#define LEAVE(code) return pthread_mutex_unlock(&mutex), (code)

static int diskClose(sqlite3_file *f) {
  Handle *h = (Handle *)f;
  pthread_mutex_lock(&mutex);
  for (Handle **at = &handles; *at != 0; at = &(*at)->next)
    if (*at == h) {
      *at = h->next;
      break;
    }
  releaseLocks(h);
  h->file->handles--;
  if (h->isTemporary) freeFile(h->file);
  else if (h->deletesOnClose && !isGone(h)) h->file->exists = 0;
  LEAVE(SQLITE_OK);
}

static int diskRead(sqlite3_file *f, void *to, int length, sqlite3_int64 offset) {
  Handle *h = (Handle *)f;
  ENTER(h, SQLITE_IOERR_READ);
  if (!h->isTemporary && fails(READ)) LEAVE(SQLITE_IOERR_READ);
  const Image *image = &h->file->now;
  i64 got = image->size - offset;
  if (got > length) got = length;
  if (got > 0) memcpy(to, image->bytes + offset, (size_t)got);
  if (got >= length) LEAVE(SQLITE_OK);
  if (got < 0) got = 0;
  memset((u8 *)to + got, 0, (size_t)(length - got));
  LEAVE(SQLITE_IOERR_SHORT_READ);
}

static int diskWrite(sqlite3_file *f, const void *data, int length, sqlite3_int64 offset) {
  Handle *h = (Handle *)f;
  ENTER(h, SQLITE_IOERR_WRITE);
  if (h->isTemporary) LEAVE(put(&h->file->now, offset, data, length));
  if (fails(FULL)) LEAVE(SQLITE_FULL);
  int isFailing = fails(WRITE);
  int last = lastOperation(h);
  if (last < 0) LEAVE(SQLITE_IOERR_WRITE);
  /* A write that fails may have stored a part. */
  i64 stored = isFailing ? (i64)(nextRandom() % (u64)length) : length;
  int rc = stored == 0 ? SQLITE_OK : put(&h->file->now, offset, data, stored);
  if (rc == SQLITE_OK && stored > 0) rc = keepUnsynced(h->file, offset, data, stored);
  LEAVE(isFailing || last > 0 ? SQLITE_IOERR_WRITE : rc);
}

static int diskTruncate(sqlite3_file *f, sqlite3_int64 size) {
  Handle *h = (Handle *)f;
  ENTER(h, SQLITE_IOERR_TRUNCATE);
  if (h->isTemporary) LEAVE(resize(&h->file->now, size));
  int last = lastOperation(h);
  if (last < 0) LEAVE(SQLITE_IOERR_TRUNCATE);
  int rc = resize(&h->file->now, size);
  if (rc == SQLITE_OK) rc = keepUnsynced(h->file, size, 0, 0);
  LEAVE(last > 0 ? SQLITE_IOERR_TRUNCATE : rc);
}

static int diskSync(sqlite3_file *f, int flags) {
  Handle *h = (Handle *)f;
  (void)flags;
  ENTER(h, SQLITE_IOERR_FSYNC);
  if (h->isTemporary) LEAVE(SQLITE_OK);
  /* As on Linux: what a failed sync did not store is dropped, and no later sync stores it. */
  if (fails(SYNC)) {
    Image now = {0};
    copyImage(&now, &h->file->now);
    loseUnsynced(h->file, chance(2) ? NOTHING : SECTORS, 0);
    copyImage(&h->file->now, &now);
    free(now.bytes);
    LEAVE(SQLITE_IOERR_FSYNC);
  }
  if (killAfter[h->process] < 0) {
    killAfter[h->process] = 0;
    kill_process(h->process);
    LEAVE(SQLITE_IOERR_FSYNC);
  }
  int last = lastOperation(h);
  if (last < 0) LEAVE(SQLITE_IOERR_FSYNC);
  syncs++;
  for (Unsynced *op = h->file->first; op != 0; op = op->next) store(&h->file->safe, op);
  forgetUnsynced(h->file);
  if (h->syncsDirectory) {
    syncDirectory();
    h->syncsDirectory = 0;
  }
  LEAVE(last > 0 ? SQLITE_IOERR_FSYNC : SQLITE_OK);
}

static int diskFileSize(sqlite3_file *f, sqlite3_int64 *size) {
  Handle *h = (Handle *)f;
  ENTER(h, SQLITE_IOERR_FSTAT);
  *size = h->file->now.size;
  LEAVE(SQLITE_OK);
}

static int isSharedByOthers(const Handle *h) {
  for (const Handle *o = handles; o != 0; o = o->next)
    if (o != h && o->file == h->file && o->lock >= SQLITE_LOCK_SHARED) return 1;
  return 0;
}

static int diskLock(sqlite3_file *f, int level) {
  Handle *h = (Handle *)f;
  ENTER(h, SQLITE_IOERR_LOCK);
  File *file = h->file;
  if (h->lock >= level) LEAVE(SQLITE_OK);
  if (level == SQLITE_LOCK_SHARED) {
    if (file->pending != 0 || file->exclusive != 0) LEAVE(SQLITE_BUSY);
  } else {
    if (file->reserved != 0 && file->reserved != h) LEAVE(SQLITE_BUSY);
    if (level == SQLITE_LOCK_RESERVED) file->reserved = h;
    else {
      if (file->pending != 0 && file->pending != h) LEAVE(SQLITE_BUSY);
      file->pending = h;
      if (isSharedByOthers(h)) {
        h->lock = SQLITE_LOCK_PENDING;
        LEAVE(SQLITE_BUSY);
      }
      file->exclusive = h;
    }
  }
  h->lock = level;
  LEAVE(SQLITE_OK);
}

static int diskUnlock(sqlite3_file *f, int level) {
  Handle *h = (Handle *)f;
  ENTER(h, SQLITE_OK);
  if (h->lock > level) releaseLocks(h), h->lock = level;
  LEAVE(SQLITE_OK);
}

static int diskCheckReservedLock(sqlite3_file *f, int *isReserved) {
  Handle *h = (Handle *)f;
  ENTER(h, SQLITE_IOERR_CHECKRESERVEDLOCK);
  *isReserved = h->file->reserved != 0 || h->file->exclusive != 0;
  LEAVE(SQLITE_OK);
}

static int diskFileControl(sqlite3_file *f, int op, void *arg) {
  (void)f, (void)op, (void)arg;
  return SQLITE_NOTFOUND;
}

static int diskSectorSize(sqlite3_file *f) {
  (void)f;
  return 4096;
}

/* As SQLite assumes of disks on Unix. */
static int diskDeviceCharacteristics(sqlite3_file *f) {
  (void)f;
  return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static int diskShmMap(sqlite3_file *f, int region, int size, int isWriting, void volatile **to) {
  Handle *h = (Handle *)f;
  ENTER(h, SQLITE_IOERR_SHMMAP);
  File *file = h->file;
  *to = 0;
  if (!h->usesShm) h->usesShm = 1, file->shmUsers++;
  if (region >= SHM_REGIONS) LEAVE(SQLITE_IOERR_SHMMAP);
  if (file->shm[region] == 0) {
    if (!isWriting) LEAVE(SQLITE_OK);
    file->shm[region] = calloc(1, (size_t)size);
    if (file->shm[region] == 0) LEAVE(SQLITE_NOMEM);
  }
  *to = file->shm[region];
  LEAVE(SQLITE_OK);
}

static int diskShmLock(sqlite3_file *f, int first, int n, int flags) {
  Handle *h = (Handle *)f;
  ENTER(h, SQLITE_IOERR_SHMLOCK);
  int *locks = h->file->shmLocks;
  unsigned mask = ((1u << (first + n)) - (1u << first));
  if (flags & SQLITE_SHM_UNLOCK) {
    for (int i = first; i < first + n; i++) {
      if (h->exclusive & (1u << i)) locks[i] = 0;
      else if (h->shared & (1u << i)) locks[i]--;
    }
    h->shared &= ~mask;
    h->exclusive &= ~mask;
  } else if (flags & SQLITE_SHM_SHARED) {
    if ((h->shared & mask) == 0) {
      if (locks[first] < 0) LEAVE(SQLITE_BUSY);
      locks[first]++;
      h->shared |= mask;
    }
  } else {
    for (int i = first; i < first + n; i++)
      if ((h->exclusive & (1u << i)) == 0 && locks[i] != 0) LEAVE(SQLITE_BUSY);
    for (int i = first; i < first + n; i++) locks[i] = -1;
    h->exclusive |= mask;
  }
  LEAVE(SQLITE_OK);
}

static void diskShmBarrier(sqlite3_file *f) {
  (void)f;
  __sync_synchronize();
}

static int diskShmUnmap(sqlite3_file *f, int isDeleting) {
  Handle *h = (Handle *)f;
  (void)isDeleting;
  pthread_mutex_lock(&mutex);
  if (h->usesShm) {
    releaseShm(h);
    h->usesShm = 0;
    /* Whoever opens the file first begins with an empty one. */
    if (--h->file->shmUsers == 0) {
      for (int i = 0; i < SHM_REGIONS; i++) free(h->file->shm[i]), h->file->shm[i] = 0;
      memset(h->file->shmLocks, 0, sizeof h->file->shmLocks);
    }
  }
  LEAVE(SQLITE_OK);
}

static const sqlite3_io_methods METHODS = {
    2, diskClose, diskRead, diskWrite, diskTruncate, diskSync, diskFileSize, diskLock, diskUnlock,
    diskCheckReservedLock, diskFileControl, diskSectorSize, diskDeviceCharacteristics, diskShmMap,
    diskShmLock, diskShmBarrier, diskShmUnmap, 0, 0};

static int diskOpen(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *outFlags) {
  Handle *h = (Handle *)f;
  (void)vfs;
  memset(h, 0, sizeof *h);
  pthread_mutex_lock(&mutex);
  if (name != 0 && (!hasPower || isDead[process])) LEAVE(SQLITE_CANTOPEN);
  File *file = name == 0 ? newFile(0) : fileNamed(name);
  if (file == 0 || (name != 0 && !file->exists)) {
    if (!(flags & SQLITE_OPEN_CREATE)) LEAVE(SQLITE_CANTOPEN);
    if (file == 0) file = newFile(name);
    if (file == 0) LEAVE(SQLITE_NOMEM);
    file->exists = 1;
  }
  /* As on Unix: also if the file exists already, since a process may have died before it synced the directory. */
  h->syncsDirectory =
      (flags & SQLITE_OPEN_CREATE) != 0 && (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) != 0;
  h->base.pMethods = &METHODS;
  h->file = file;
  h->process = process;
  h->isTemporary = name == 0;
  h->deletesOnClose = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
  file->handles++;
  h->next = handles;
  handles = h;
  if (outFlags != 0) *outFlags = flags;
  LEAVE(SQLITE_OK);
}

static int diskDelete(sqlite3_vfs *vfs, const char *name, int isSynced) {
  (void)vfs;
  pthread_mutex_lock(&mutex);
  if (!hasPower || isDead[process]) LEAVE(SQLITE_IOERR_DELETE);
  File *file = fileNamed(name);
  if (file == 0 || !file->exists) LEAVE(SQLITE_IOERR_DELETE_NOENT);
  operations++;
  if (cutAfter > 0 && --cutAfter == 0) {
    hasPower = 0;
    LEAVE(SQLITE_IOERR_DELETE);
  }
  file->exists = 0;
  keepUnsynced(file, 0, 0, 0);
  resize(&file->now, 0);
  if (isSynced) syncDirectory();
  LEAVE(SQLITE_OK);
}

static int diskAccess(sqlite3_vfs *vfs, const char *name, int flags, int *isThere) {
  (void)vfs, (void)flags;
  pthread_mutex_lock(&mutex);
  File *file = fileNamed(name);
  *isThere = file != 0 && file->exists && (flags != SQLITE_ACCESS_EXISTS || file->now.size > 0);
  LEAVE(SQLITE_OK);
}

static int diskFullPathname(sqlite3_vfs *vfs, const char *name, int n, char *to) {
  return under->xFullPathname(under, name, n, to);
}

static int diskRandomness(sqlite3_vfs *vfs, int n, char *to) {
  (void)vfs;
  pthread_mutex_lock(&mutex);
  for (int i = 0; i < n; i++) to[i] = (char)nextRandom();
  LEAVE(n);
}

static int diskSleep(sqlite3_vfs *vfs, int microseconds) { return under->xSleep(under, microseconds); }
static int diskCurrentTime(sqlite3_vfs *vfs, double *now) { return under->xCurrentTime(under, now); }
static int diskLastError(sqlite3_vfs *vfs, int n, char *to) {
  (void)vfs, (void)n, (void)to;
  return 0;
}

static sqlite3_vfs disk = {
    1, sizeof(Handle), 512, 0, "torture", 0, diskOpen, diskDelete, diskAccess, diskFullPathname,
    0, 0, 0, 0, diskRandomness, diskSleep, diskCurrentTime, diskLastError};

static int openHandles(void) {
  int n = 0;
  for (Handle *h = handles; h != 0; h = h->next) n += !h->isTemporary;
  return n;
}

static i64 unsyncedCount(void) {
  i64 n = 0;
  for (File *file = files; file != 0; file = file->next)
    for (Unsynced *op = file->first; op != 0; op = op->next) n++;
  return n;
}

static void calm(void) {
  cutAfter = 0;
  memset(killAfter, 0, sizeof killAfter);
  memset(faultTimes, 0, sizeof faultTimes);
}

/* Connections that a process left open when it ended. Their shared memory stays, since they may still look at it. */
static void leaveHandles(void) {
  for (Handle *h = handles; h != 0; h = h->next) {
    File *file = h->file;
    if (h->isTemporary) continue;
    releaseShm(h);
    releaseLocks(h);
    if (h->usesShm && --file->shmUsers == 0) {
      memset(file->shm, 0, sizeof file->shm);
      memset(file->shmLocks, 0, sizeof file->shmLocks);
    }
    h->usesShm = 0;
    h->file = newFile(0);
    h->isTemporary = h->isLeft = 1;
  }
}

static void restart(int mode) {
  leaveHandles();
  calm();
  hasPower = 1;
  memset(isDead, 0, sizeof isDead);
  if (mode == PROCESS) return;
  u64 earliest = order + 1;
  for (File *file = files; file != 0; file = file->next)
    if (file->first != 0 && file->first->order < earliest) earliest = file->first->order;
  u64 bound = earliest - 1 + nextRandom() % (order - earliest + 2);
  for (File *file = files; file != 0; file = file->next) {
    loseUnsynced(file, mode, bound);
    if (file->exists != file->existsSafely && mode != EVERYTHING && (mode == NOTHING || chance(2)))
      file->exists = file->existsSafely;
    if (!file->exists) resize(&file->now, 0), resize(&file->safe, 0);
    file->existsSafely = file->exists;
  }
}

/* The functions. */

static i64 numberOf(sqlite3_value **values, int i) { return sqlite3_value_int64(values[i]); }

static int kindOf(sqlite3_value *value) {
  const char *name = (const char *)sqlite3_value_text(value);
  for (int kind = 0; name != 0 && kind < KINDS; kind++)
    if (strcmp(name, KIND_NAMES[kind]) == 0) return kind;
  return -1;
}

static void control(sqlite3_context *context, int count, sqlite3_value **values) {
  const char *what = sqlite3_user_data(context);
  i64 answer = 0;
  const char *problem = 0;
  pthread_mutex_lock(&mutex);
  if (strcmp(what, "reset") == 0) {
    restart(PROCESS);
    while (files != 0) {
      File *next = files->next;
      freeFile(files);
      files = next;
    }
    randomState = (u64)numberOf(values, 0);
    process = 1;
    order = 0;
  } else if (strcmp(what, "process") == 0) {
    process = (int)(numberOf(values, 0) % PROCESSES);
    isDead[process] = 0;
  }
  else if (strcmp(what, "cut") == 0) cutAfter = numberOf(values, 0);
  else if (strcmp(what, "kill") == 0) {
    int n = (int)(numberOf(values, 0) % PROCESSES);
    killAfter[n] = numberOf(values, 1);
    if (killAfter[n] == 0) kill_process(n);
  } else if (strcmp(what, "fault") == 0) {
    int kind = kindOf(values[0]);
    if (kind < 0) problem = "there is no such kind of fault";
    else faultAfter[kind] = numberOf(values, 1), faultTimes[kind] = numberOf(values, 2);
  } else if (strcmp(what, "calm") == 0) calm();
  else if (strcmp(what, "heal") == 0) memset(faultTimes, 0, sizeof faultTimes);
  else if (strcmp(what, "restart") == 0) restart((int)(numberOf(values, 0) % RESTARTS));
  else if (strcmp(what, "dead") == 0) answer = isDead[numberOf(values, 0) % PROCESSES];
  else {
    const char *name = (const char *)sqlite3_value_text(values[0]);
    answer = name == 0                        ? 0
             : strcmp(name, "power") == 0     ? hasPower
             : strcmp(name, "open") == 0      ? openHandles()
             : strcmp(name, "unsynced") == 0  ? unsyncedCount()
             : strcmp(name, "syncs") == 0     ? (i64)syncs
                                              : (i64)operations;
  }
  (void)count;
  pthread_mutex_unlock(&mutex);
  if (problem != 0) sqlite3_result_error(context, problem, -1);
  else sqlite3_result_int64(context, answer);
}

static const struct {
  const char *name;
  int arguments;
  const char *what;
} FUNCTIONS[] = {{"disk_reset", 1, "reset"}, {"disk_process", 1, "process"}, {"disk_cut", 1, "cut"},
                 {"disk_kill", 2, "kill"},   {"disk_fault", 3, "fault"},     {"disk_calm", 0, "calm"},
                 {"disk_heal", 0, "heal"},
                 {"disk_restart", 1, "restart"}, {"disk_state", 1, "state"}, {"disk_dead", 1, "dead"}};

int sqlite3_disk_init(sqlite3 *db, char **message, const sqlite3_api_routines *api) {
  (void)message;
  SQLITE_EXTENSION_INIT2(api);
  for (size_t i = 0; i < sizeof FUNCTIONS / sizeof FUNCTIONS[0]; i++) {
    int rc = sqlite3_create_function(db, FUNCTIONS[i].name, FUNCTIONS[i].arguments, SQLITE_UTF8,
                                     (void *)FUNCTIONS[i].what, control, 0, 0);
    if (rc != SQLITE_OK) return rc;
  }
  if (under == 0) {
    under = sqlite3_vfs_find(0);
    disk.xDlOpen = under->xDlOpen;
    disk.xDlError = under->xDlError;
    disk.xDlSym = under->xDlSym;
    disk.xDlClose = under->xDlClose;
    int rc = sqlite3_vfs_register(&disk, 1);
    if (rc != SQLITE_OK) return rc;
  }
  return SQLITE_OK_LOAD_PERMANENTLY;
}
