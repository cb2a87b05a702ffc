/*
 * Preloaded into the service: notes everything that it does to files below POWER_DIRECTORY in the file POWER_JOURNAL, in
 * the order in which it was done, so that power-loss.ts can tell what a loss of power would have left of them.
 *
 * An entry is a head, two paths and the written bytes:
 *   u32 operation, u32 bytes of the first path, u32 of the second, u32 of data, u64 inode, u64 offset
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { CREATE = 1, WRITE, TRUNCATE, SYNC, SYNC_DIRECTORY, RENAME, UNLINK, LINK };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *directory;
static int journal = -1;
static unsigned char is_ours[65536];

__attribute__((constructor)) static void begin(void) {
  directory = getenv("POWER_DIRECTORY");
  const char *path = getenv("POWER_JOURNAL");
  if (path) journal = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int below(const char *path) {
  size_t length;
  if (!directory || !path) return 0;
  length = strlen(directory);
  return strncmp(path, directory, length) == 0 && (path[length] == '/' || path[length] == 0);
}

/* The caller holds the lock. */
static void note(uint32_t operation, const char *from, const char *to, const void *data, size_t size, uint64_t inode,
                 uint64_t offset) {
  struct { uint32_t operation, from, to, size; uint64_t inode, offset; } head = {
      operation, from ? strlen(from) : 0, to ? strlen(to) : 0, size, inode, offset};
  struct iovec parts[4] = {{&head, sizeof head}, {(void *)from, head.from}, {(void *)to, head.to}, {(void *)data, size}};
  if (journal < 0 || syscall(SYS_writev, journal, parts, 4) < 0) abort();
}

static uint64_t inode_of(int fd, mode_t kind) {
  struct stat state;
  return fstat(fd, &state) == 0 && (state.st_mode & S_IFMT) == kind ? state.st_ino : 0;
}

static uint64_t ours(int fd) {
  return fd >= 0 && fd < 65536 && is_ours[fd] ? inode_of(fd, S_IFREG) : 0;
}

static int opened(int at, const char *path, int flags, mode_t mode) {
  int fd, existed;
  if (!below(path)) {
    fd = (int)syscall(SYS_openat, at, path, flags, mode);
    if (fd >= 0 && fd < 65536) is_ours[fd] = 0;
    return fd;
  }
  pthread_mutex_lock(&lock);
  existed = access(path, F_OK) == 0;
  fd = (int)syscall(SYS_openat, at, path, flags, mode);
  if (fd >= 0 && fd < 65536) {
    is_ours[fd] = 1;
    uint64_t inode = inode_of(fd, S_IFREG);
    if (inode && !existed) note(CREATE, path, NULL, NULL, 0, inode, 0);
    if (inode && existed && (flags & O_TRUNC)) note(TRUNCATE, NULL, NULL, NULL, 0, inode, 0);
  }
  pthread_mutex_unlock(&lock);
  return fd;
}

static mode_t mode_of(int flags, va_list more) {
  return (flags & (O_CREAT | O_TMPFILE)) ? va_arg(more, mode_t) : 0;
}
#define OPEN(at, path, flags) \
  va_list more; \
  va_start(more, flags); \
  mode_t mode = mode_of(flags, more); \
  va_end(more); \
  return opened(at, path, flags, mode)

int open(const char *path, int flags, ...) { OPEN(AT_FDCWD, path, flags); }
int open64(const char *path, int flags, ...) { OPEN(AT_FDCWD, path, flags); }
int openat(int at, const char *path, int flags, ...) { OPEN(at, path, flags); }
int openat64(int at, const char *path, int flags, ...) { OPEN(at, path, flags); }

int close(int fd) {
  if (fd >= 0 && fd < 65536) is_ours[fd] = 0;
  return (int)syscall(SYS_close, fd);
}

static ssize_t written(int fd, const struct iovec *parts, int count, off_t offset) {
  uint64_t inode = ours(fd);
  ssize_t done;
  if (!inode) return offset < 0 ? syscall(SYS_writev, fd, parts, count) : syscall(SYS_pwritev, fd, parts, count, offset, 0);
  pthread_mutex_lock(&lock);
  off_t at = offset;
  if (offset < 0) {
    struct stat state;
    at = (fcntl(fd, F_GETFL) & O_APPEND) && fstat(fd, &state) == 0 ? state.st_size : lseek(fd, 0, SEEK_CUR);
    done = syscall(SYS_writev, fd, parts, count);
  } else {
    done = syscall(SYS_pwritev, fd, parts, count, offset, 0);
  }
  ssize_t left = done;
  for (int i = 0; i < count && left > 0; i++) {
    size_t size = parts[i].iov_len < (size_t)left ? parts[i].iov_len : (size_t)left;
    note(WRITE, NULL, NULL, parts[i].iov_base, size, inode, at);
    at += size;
    left -= size;
  }
  pthread_mutex_unlock(&lock);
  return done;
}

static ssize_t written_one(int fd, const void *data, size_t size, off_t offset) {
  struct iovec part = {(void *)data, size};
  return written(fd, &part, 1, offset);
}
ssize_t write(int fd, const void *data, size_t size) { return written_one(fd, data, size, -1); }
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) { return written_one(fd, data, size, offset); }
ssize_t pwrite64(int fd, const void *data, size_t size, off_t offset) { return written_one(fd, data, size, offset); }
ssize_t writev(int fd, const struct iovec *parts, int count) { return written(fd, parts, count, -1); }
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) { return written(fd, parts, count, at); }
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t at) { return written(fd, parts, count, at); }

int ftruncate(int fd, off_t size) {
  uint64_t inode = ours(fd);
  pthread_mutex_lock(&lock);
  int result = (int)syscall(SYS_ftruncate, fd, size);
  if (inode && result == 0) note(TRUNCATE, NULL, NULL, NULL, 0, inode, size);
  pthread_mutex_unlock(&lock);
  return result;
}
int ftruncate64(int fd, off_t size) { return ftruncate(fd, size); }

/* Grows a file, which nothing here counts on: refused, so that its callers write instead. */
int posix_fallocate(int fd, off_t offset, off_t size) { (void)fd, (void)offset, (void)size; return 95; }
int posix_fallocate64(int fd, off_t offset, off_t size) { return posix_fallocate(fd, offset, size); }

/* Nothing has to reach a disk for real: the loss of power is made from the journal. */
static int synced(int fd, long call) {
  if (fd < 0 || fd >= 65536 || !is_ours[fd]) return (int)syscall(call, fd);
  uint64_t inode = inode_of(fd, S_IFREG), parent = inode ? 0 : inode_of(fd, S_IFDIR);
  pthread_mutex_lock(&lock);
  if (inode) note(SYNC, NULL, NULL, NULL, 0, inode, 0);
  if (parent) note(SYNC_DIRECTORY, NULL, NULL, NULL, 0, parent, 0);
  pthread_mutex_unlock(&lock);
  return 0;
}
int fsync(int fd) { return synced(fd, SYS_fsync); }
int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }

static int perform(uint32_t operation, const char *from, const char *to) {
  if (operation == RENAME) return (int)syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
  if (operation == LINK) return (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
  return (int)syscall(SYS_unlinkat, AT_FDCWD, from, 0);
}

static int changed(uint32_t operation, const char *from, const char *to) {
  if (!below(from)) return perform(operation, from, to);
  pthread_mutex_lock(&lock);
  int result = perform(operation, from, to);
  if (result == 0) note(operation, from, to, NULL, 0, 0, 0);
  pthread_mutex_unlock(&lock);
  return result;
}
int rename(const char *from, const char *to) { return changed(RENAME, from, to); }
int link(const char *from, const char *to) { return changed(LINK, from, to); }
int unlink(const char *path) { return changed(UNLINK, path, NULL); }
int remove(const char *path) {
  struct stat state;
  if (lstat(path, &state) == 0 && S_ISDIR(state.st_mode)) return (int)syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
  return unlink(path);
}
