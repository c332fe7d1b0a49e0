/* Who looks at code through /proc/pid/mem or process_vm_readv sees the program's own bytes. */
#include "text.h"
#include <sys/uio.h>

static unsigned char seen[64];

static int is_original(void)
{
    static const unsigned char front[] = {0xb8, SYS_getpgid, 0, 0, 0, 0x0f, 0x05, 0xc3};
    size_t n = (uintptr_t)site_back_end - (uintptr_t)site_back_at;
    static const unsigned char back[] = {0x0f, 0x05, 0x48, 0x3d, 0x01, 0xf0, 0xff, 0xff, 0xc3};

    return n == sizeof(back) && !memcmp(seen, front, sizeof(front)) &&
           !memcmp(seen + 16, back, sizeof(back));
}

static void by_process_vm(pid_t pid)
{
    struct iovec to[2] = {{seen, 8}, {seen + 16, 9}};
    struct iovec from[2] = {{(void *)site_front_at, 8}, {(void *)site_back_at, 9}};

    memset(seen, 0, sizeof(seen));
    is_eq(process_vm_readv(pid, to, 2, from, 2, 0), 17);
    ok(is_original(), "process_vm_readv");
}

static void by_proc(const char *path)
{
    int fd = open(path, O_RDONLY);

    memset(seen, 0, sizeof(seen));
    is_eq(pread(fd, seen, 8, (off_t)site_front_at), 8);
    is_eq(pread(fd, seen + 16, 9, (off_t)site_back_at), 9);
    ok(is_original(), "/proc/pid/mem");
    /* From within the call's bytes. */
    is_eq(pread(fd, seen + 1, 7, (off_t)site_front_at + 1), 7);
    is_eq(pread(fd, seen + 16, 1, (off_t)site_back_at), 1);
    ok(is_original(), "a part of it");
    close(fd);
}

int main(void)
{
    char path[64];
    int p[2];
    char c;

    for (int i = 0; i < WARM; i++) {
        site_front(-1);
        site_back(SYS_getsid, -1);
    }
    by_proc("/proc/self/mem");
    by_process_vm(getpid());
    if (pipe(p))
        return 2;
    pid_t pid = fork();
    if (!pid) { /* has inherited what its parent's code has become */
        close(p[1]);
        _exit(read(p[0], &c, 1) != 0);
    }
    close(p[0]);
    snprintf(path, sizeof(path), "/proc/%d/mem", pid);
    by_proc(path);
    by_process_vm(pid);
    close(p[1]);
    waitpid(pid, NULL, 0);
    done();
}
