/*
 * Preloaded into a program: counts the calls by which it changes files below one directory, and kills it at the N-th.
 *
 *   KILLPOINT_DIRECTORY  only files below it count (an absolute path without links in it)
 *   KILLPOINT_AT         kill instead of making the N-th call; 0 or nothing: never
 *   KILLPOINT_HALF       1: where that call writes, write the first half of it before
 *   KILLPOINT_TRACE      append "CALL SIZE PATH" for every call to this file; SIZE is what a write writes, else 0
 *
 * Each process counts for itself; a process that is forked goes on counting from where its parent was, unless it calls
 * killpoint_arm() to begin anew with the environment of the moment.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static const char *directory, *trace;
static size_t directory_length;
static long at, count;
static int half;

__attribute__((constructor)) void killpoint_arm(void) {
    count = 0;
    directory = getenv("KILLPOINT_DIRECTORY");
    directory_length = directory ? strlen(directory) : 0;
    trace = getenv("KILLPOINT_TRACE");
    at = getenv("KILLPOINT_AT") ? atol(getenv("KILLPOINT_AT")) : 0;
    half = getenv("KILLPOINT_HALF") != NULL;
}

/* By system call: what is called here must not count itself. */
static void note(const char *call, size_t size, const char *path) {
    char line[PATH_MAX + 64];
    int length = snprintf(line, sizeof line, "%s %zu %s\n", call, size, path);
    long file = syscall(SYS_openat, AT_FDCWD, trace, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file >= 0) {
        syscall(SYS_write, file, line, (size_t)length);
        syscall(SYS_close, file);
    }
}

/* Whether the call is the one to be killed at. */
static int reached(const char *call, size_t size, const char *path) {
    if (!directory || strncmp(path, directory, directory_length) != 0 || path[directory_length] != '/')
        return 0;
    if (trace)
        note(call, size, path);
    return ++count == at;
}

static void die(void) {
    syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
    for (;;)
        syscall(SYS_pause);
}

static void at_path(const char *call, int base, const char *path) {
    char whole[2 * PATH_MAX + 2] = "";
    int saved = errno;
    if (path[0] != '/') {
        char link[64];
        if (base == AT_FDCWD)
            snprintf(link, sizeof link, "/proc/self/cwd");
        else
            snprintf(link, sizeof link, "/proc/self/fd/%d", base);
        ssize_t length = readlink(link, whole, PATH_MAX);
        whole[length < 0 ? 0 : length] = 0;
        strcat(whole, "/");
    }
    strncat(whole, path, PATH_MAX);
    if (reached(call, 0, whole))
        die();
    errno = saved;
}

static int is_reached(const char *call, int file, size_t size) {
    char link[64], path[PATH_MAX + 1];
    int saved = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, PATH_MAX);
    path[length < 0 ? 0 : length] = 0;
    int is = reached(call, size, path);
    errno = saved;
    return is;
}

static void at_file(const char *call, int file) {
    if (is_reached(call, file, 0))
        die();
}

#define REAL(name) \
    static __typeof__(&name) real; \
    if (!real) \
    real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

ssize_t write(int file, const void *data, size_t size) {
    REAL(write);
    if (is_reached("write", file, size)) {
        if (half)
            real(file, data, size / 2);
        die();
    }
    return real(file, data, size);
}

#define PWRITE(name, offset_t) \
    ssize_t name(int file, const void *data, size_t size, offset_t offset) { \
        REAL(name); \
        if (is_reached("write", file, size)) { \
            if (half) \
                real(file, data, size / 2, offset); \
            die(); \
        } \
        return real(file, data, size, offset); \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

ssize_t writev(int file, const struct iovec *parts, int number) {
    REAL(writev);
    at_file("write", file);
    return real(file, parts, number);
}

int fsync(int file) {
    REAL(fsync);
    at_file("fsync", file);
    return real(file);
}

int fdatasync(int file) {
    REAL(fdatasync);
    at_file("fdatasync", file);
    return real(file);
}

int ftruncate(int file, off_t size) {
    REAL(ftruncate);
    at_file("ftruncate", file);
    return real(file, size);
}

int ftruncate64(int file, off64_t size) {
    REAL(ftruncate64);
    at_file("ftruncate", file);
    return real(file, size);
}

int rename(const char *from, const char *to) {
    REAL(rename);
    at_path("rename", AT_FDCWD, to);
    return real(from, to);
}

int renameat(int from_base, const char *from, int to_base, const char *to) {
    REAL(renameat);
    at_path("rename", to_base, to);
    return real(from_base, from, to_base, to);
}

int renameat2(int from_base, const char *from, int to_base, const char *to, unsigned int flags) {
    REAL(renameat2);
    at_path("rename", to_base, to);
    return real(from_base, from, to_base, to, flags);
}

int link(const char *from, const char *to) {
    REAL(link);
    at_path("link", AT_FDCWD, to);
    return real(from, to);
}

int linkat(int from_base, const char *from, int to_base, const char *to, int flags) {
    REAL(linkat);
    at_path("link", to_base, to);
    return real(from_base, from, to_base, to, flags);
}

int symlink(const char *target, const char *path) {
    REAL(symlink);
    at_path("symlink", AT_FDCWD, path);
    return real(target, path);
}

int unlink(const char *path) {
    REAL(unlink);
    at_path("unlink", AT_FDCWD, path);
    return real(path);
}

int unlinkat(int base, const char *path, int flags) {
    REAL(unlinkat);
    at_path("unlink", base, path);
    return real(base, path, flags);
}

int rmdir(const char *path) {
    REAL(rmdir);
    at_path("rmdir", AT_FDCWD, path);
    return real(path);
}

int mkdir(const char *path, mode_t mode) {
    REAL(mkdir);
    at_path("mkdir", AT_FDCWD, path);
    return real(path, mode);
}

int fchown(int file, uid_t user, gid_t group) {
    REAL(fchown);
    at_file("fchown", file);
    return real(file, user, group);
}

/* Opening a file changes something only where it may make or empty one. */
static mode_t making(const char *call, int base, const char *path, int flags, va_list arguments) {
    if (flags & (O_CREAT | O_TRUNC))
        at_path(call, base, path);
    return flags & (O_CREAT | __O_TMPFILE) ? (mode_t)va_arg(arguments, int) : 0;
}

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        REAL(name); \
        va_list arguments; \
        va_start(arguments, flags); \
        mode_t mode = making("create", AT_FDCWD, path, flags, arguments); \
        va_end(arguments); \
        return real(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name) \
    int name(int base, const char *path, int flags, ...) { \
        REAL(name); \
        va_list arguments; \
        va_start(arguments, flags); \
        mode_t mode = making("create", base, path, flags, arguments); \
        va_end(arguments); \
        return real(base, path, flags, mode); \
    }
OPENAT(openat)
OPENAT(openat64)
