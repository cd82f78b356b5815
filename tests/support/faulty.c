/* Loaded before libc into a venue's processes: disk and clock as the control file says (tests/support/faulty.py).

   The control file is mapped, so that a fault begins and ends in all processes at once. A fault of the disk is of the
   files below CIFT_FAULTS_UNDER whose name has `name` in it. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

struct control {
    int32_t sync_errno;
    int32_t write_errno;
    int64_t clock_offset_ns;
    char name[48];
};

static struct control healthy;
static volatile struct control *control = &healthy;
static const char *under = "";

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("CIFT_FAULTS");
    const char *folder = getenv("CIFT_FAULTS_UNDER");
    if (path == NULL || folder == NULL) return;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    void *found = mmap(NULL, sizeof(struct control), PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (found == MAP_FAILED) return;
    under = folder;
    control = found;
}

static int ails(int descriptor, int32_t error) {
    char link[48], path[PATH_MAX];
    if (!error) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = '\0';
    if (strncmp(path, under, strlen(under)) != 0 || strstr(path, (const char *)control->name) == NULL) return 0;
    errno = error;
    return 1;
}

#define NEXT(result, name, ...)                                             \
    static result (*next)(__VA_ARGS__);                                     \
    if (next == NULL) next = (result(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

int fsync(int descriptor) {
    NEXT(int, "fsync", int);
    return ails(descriptor, control->sync_errno) ? -1 : next(descriptor);
}

int fdatasync(int descriptor) {
    NEXT(int, "fdatasync", int);
    return ails(descriptor, control->sync_errno) ? -1 : next(descriptor);
}

ssize_t write(int descriptor, const void *bytes, size_t count) {
    NEXT(ssize_t, "write", int, const void *, size_t);
    return ails(descriptor, control->write_errno) ? -1 : next(descriptor, bytes, count);
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset) {
    NEXT(ssize_t, "pwrite", int, const void *, size_t, off_t);
    return ails(descriptor, control->write_errno) ? -1 : next(descriptor, bytes, count, offset);
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t offset) {
    NEXT(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
    return ails(descriptor, control->write_errno) ? -1 : next(descriptor, bytes, count, offset);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    NEXT(int, "clock_gettime", clockid_t, struct timespec *);
    int result = next(clock, now);
    int64_t offset = control->clock_offset_ns;
    if (result == 0 && offset && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        int64_t ns = now->tv_sec * INT64_C(1000000000) + now->tv_nsec + offset;
        now->tv_sec = ns / INT64_C(1000000000);
        now->tv_nsec = ns % INT64_C(1000000000);
    }
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec found;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &found) != 0) return -1;
    now->tv_sec = found.tv_sec;
    now->tv_usec = found.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *result) {
    struct timespec found;
    clock_gettime(CLOCK_REALTIME, &found);
    if (result != NULL) *result = found.tv_sec;
    return found.tv_sec;
}
