/*
 * Preloaded into every process of a suite: kills one of them at a message, as a file tells while the suite runs.
 *
 *   KILLPOINT_STEP  the file; one line: WHO MOMENT COUNT TEXT
 *
 * WHO is a process id, or a member (auth/0): whatever process has that place then. The process is killed when the COUNT-th message with TEXT in it passes: MOMENT is "send" (instead of sending it),
 * "sent" (after that) or "received" (before anything is done about it). The file is renamed to FILE.done right before.
 * Counting begins when the file is there. FILE.next, where there is one, takes its place.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define REAL(name) \
    static __typeof__(&name) real; \
    if (!real) \
    real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static const char *step;
static char moment[16], text[256], done[PATH_MAX], next[PATH_MAX];
static long wanted, seen;
static struct timespec known; /* when the file that was read last was written */

__attribute__((constructor)) static void arm(void) {
    step = getenv("KILLPOINT_STEP");
    if (!step)
        return;
    snprintf(done, sizeof done, "%s.done", step);
    snprintf(next, sizeof next, "%s.next", step);
}

static int is_this_process(const char *who) {
    const char *component = getenv("BOB_COMPONENT"), *instance = getenv("BOB_INSTANCE");
    char member[128];
    if (!strchr(who, '/'))
        return atol(who) == getpid();
    snprintf(member, sizeof member, "%s/%s", component ? component : "bob", instance ? instance : "0");
    return strcmp(who, member) == 0;
}

/* Whether there is a step for this process; reads it when it is new. */
static int armed(void) {
    struct stat status;
    if (!step || stat(step, &status) != 0)
        return 0;
    if (status.st_mtim.tv_sec == known.tv_sec && status.st_mtim.tv_nsec == known.tv_nsec)
        return wanted > 0;
    known = status.st_mtim;
    wanted = seen = 0;
    char line[512] = "";
    int file = open(step, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return 0;
    ssize_t length = read(file, line, sizeof line - 1);
    close(file);
    line[length < 0 ? 0 : length] = 0;
    char who[128] = "";
    long count = 0;
    if (sscanf(line, "%127s %15s %ld %255[^\n]", who, moment, &count, text) == 4 && is_this_process(who))
        wanted = count;
    if (strchr(who, '/') && !getenv("BOB_COMPONENT")) /* who has just been forked does not know yet who it is */
        known = (struct timespec){0};
    return wanted > 0;
}

/* Whether the message with the text is among these, which pass at that moment. */
static int reached(const char *now, const void *data, ssize_t size) {
    int saved = errno, is = 0;
    if (size > 0 && armed() && strcmp(now, moment) == 0) {
        const char *at = data, *end = at + size;
        while ((at = memmem(at, (size_t)(end - at), text, strlen(text))) != NULL && !is) {
            is = ++seen >= wanted;
            at += strlen(text);
        }
        is = is && rename(step, done) == 0;
        if (is)
            rename(next, step);
    }
    errno = saved;
    return is;
}

static void die(void) {
    syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
    for (;;)
        syscall(SYS_pause);
}

ssize_t send(int file, const void *data, size_t size, int flags) {
    REAL(send);
    if (reached("send", data, (ssize_t)size))
        die();
    ssize_t sent = real(file, data, size, flags);
    if (reached("sent", data, sent))
        die();
    return sent;
}

ssize_t recv(int file, void *data, size_t size, int flags) {
    REAL(recv);
    ssize_t length = real(file, data, size, flags);
    if (reached("received", data, length))
        die();
    return length;
}
