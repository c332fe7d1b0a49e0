/* A tracer reads and writes memory by words and by /proc/pid/mem, code and constants, too. */
#include "trace.h"
#include <sys/mman.h>

static const volatile char constant[16] = "constant";
static volatile char variable[16] = "variable";

static void child(void)
{
    raise(SIGUSR1);
    _exit(!strcmp((const char *)constant, "CONSTANT") && !strcmp((char *)variable, "VARIABLE") ? 3
                                                                                               : 4);
}

int main(void)
{
    pid_t pid = traced(child, 0);
    char path[64], buf[16];
    long word;

    tr(PTRACE_CONT, pid, 0, 0);
    next(pid);
    memcpy(&word, "CONSTANT", 8);
    is_eq(tr(PTRACE_POKEDATA, pid, (unsigned long)constant, (unsigned long)word), 0);
    is_errno(tr(PTRACE_POKEDATA, pid, 8, (unsigned long)word), EIO);
    is_errno(tr(PTRACE_PEEKDATA, pid, 8, (unsigned long)&word), EIO);
    is_eq(tr(PTRACE_PEEKDATA, pid, (unsigned long)constant + 1, (unsigned long)&word), 0);
    ok(!memcmp(&word, "ONSTANT", 8), "not aligned");
    snprintf(path, sizeof(path), "/proc/%d/mem", pid);
    int fd = must(open(path, O_RDWR));
    is_eq(pread(fd, buf, 16, (off_t)variable), 16);
    ok(!strcmp(buf, "variable"), "read by file");
    is_eq(pwrite(fd, "VARIABLE", 8, (off_t)variable), 8);
    is_eq(pwrite(fd, "C", 1, (off_t)constant), 1);
    is_errno(pread(fd, buf, 16, 8), EIO);
    ok(!strcmp((const char *)constant, "constant"), "ours is as it was");
    tr(PTRACE_CONT, pid, 0, 0);
    ok(is_exit(next(pid), 3), "the child sees it");
    done();
}
