/*
 * Files of every kind before and after a checkpoint: files.sh runs this, saves it while it waits
 * for SHARED/go, and compares what it prints afterwards. usage: files SHARED
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static int failures;
static char shared[200];

#define expect(cond)                                                                               \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            printf("line %d: %s (errno %s)\n", __LINE__, #cond, strerror(errno));                  \
            failures++;                                                                            \
        }                                                                                          \
    } while (0)

static void put(const char *name, const char *text)
{
    int fd = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0644);

    expect(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

static const char *get(const char *name)
{
    static char buf[4096];
    int fd = open(name, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);

    close(fd);
    buf[n < 0 ? 0 : n] = 0;
    return n < 0 ? "(none)" : buf;
}

static const char *fd_text(int fd, off_t at)
{
    static char buf[4096];
    ssize_t n = pread(fd, buf, sizeof(buf) - 1, at);

    buf[n < 0 ? 0 : n] = 0;
    return buf;
}

static const char *in_shared(const char *name)
{
    static char path[300];

    snprintf(path, sizeof(path), "%s/%s", shared, name);
    return path;
}

/* Waits until the file is there, without a descriptor of ours that could matter. */
static void wait_for_go(void)
{
    while (access(in_shared("go"), F_OK))
        usleep(10000);
}

static int gone, tmpfile_fd, sealed, sparse, dir_fd, proc_fd, path_fd, host_log, host_gone, exe_fd;
static int dup_fd, append_fd, null_fd, lock_fd, ofd_fd, detached_fd, text_fd;
static char *shared_map, *private_map, *memfd_map, *dev_zero;
static DIR *dir;
static long dir_pos;

static void set_up_names(void)
{
    expect(!mkdir("/t", 0755) && !chdir("/t"));
    put("file", "text");
    expect(!symlink("file", "link") && !link("file", "hard"));
    expect(!setxattr("file", "user.a", "value", 5, 0));
    expect(!mknod("node", S_IFCHR | 0600, makedev(1, 3)) && !mkfifo("fifo", 0640));
    expect(!unlink("/etc/hostname"));   /* a whiteout */
    put("/etc/host.conf", "copied up"); /* a file of the rootfs changes */
    expect(!chmod("/etc/networks", 0600) || errno == ENOENT);
    expect(!rename("/etc/protocols", "/t/moved") || errno == ENOENT);
    expect(!mkdir("mnt", 0755) && !mount("none", "mnt", "tmpfs", 0, "size=1m"));
    put("mnt/inner", "inner");
    expect(!mkdir("bind", 0755) && !mount("/t/mnt", "bind", NULL, MS_BIND, NULL));
    expect(!mkdir("lazy", 0755) && !mount("none", "lazy", "tmpfs", 0, NULL));
    put("lazy/f", "detached");
    detached_fd = open("lazy/f", O_RDWR);
    expect(!umount2("lazy", MNT_DETACH));
    for (int i = 0; i < 200; i++) {
        char name[32];
        snprintf(name, sizeof(name), "mnt/n%d", i);
        put(name, "");
    }
    dir = opendir("mnt");
    for (int i = 0; i < 50; i++)
        readdir(dir);
    dir_pos = telldir(dir);
}

static void set_up_files(void)
{
    char block[4096];

    gone = open("gone", O_CREAT | O_RDWR, 0600);
    expect(write(gone, "gone", 4) == 4 && !unlink("gone"));
    tmpfile_fd = open("/t", O_TMPFILE | O_RDWR, 0600);
    expect(tmpfile_fd >= 0 && write(tmpfile_fd, "nameless", 8) == 8);
    sealed = memfd_create("sealed", MFD_ALLOW_SEALING);
    expect(write(sealed, "sealed", 6) == 6 &&
           !fcntl(sealed, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW));
    sparse = open("sparse", O_CREAT | O_RDWR, 0600);
    memset(block, 's', sizeof(block));
    expect(pwrite(sparse, block, sizeof(block), 5L << 30) == (ssize_t)sizeof(block));
    for (int i = 0; i < 256; i++)
        expect(pwrite(sparse, block, sizeof(block), i * 8192L) == (ssize_t)sizeof(block));
    append_fd = open("append", O_CREAT | O_WRONLY | O_APPEND, 0600);
    expect(write(append_fd, "one ", 4) == 4);
    dir_fd = open("/usr", O_RDONLY | O_DIRECTORY);
    proc_fd = open("/proc/self/status", O_RDONLY);
    expect(read(proc_fd, block, 6) == 6);
    path_fd = open("/usr/bin", O_PATH);
    exe_fd = open("/proc/self/exe", O_RDONLY);
    host_log = open(in_shared("log"), O_CREAT | O_RDWR | O_APPEND, 0644);
    expect(host_log >= 0 && write(host_log, "before ", 7) == 7);
    host_gone = open(in_shared("gone"), O_CREAT | O_RDWR, 0644);
    expect(write(host_gone, "of the host", 11) == 11 && !unlink(in_shared("gone")));
    null_fd = open("/dev/null", O_RDWR);
    text_fd = open("file", O_RDWR);
    expect(lseek(text_fd, 2, SEEK_SET) == 2);
    dup_fd = fcntl(text_fd, F_DUPFD_CLOEXEC, 200);
}

static void set_up_locks(void)
{
    struct flock l = {.l_type = F_WRLCK, .l_start = 10, .l_len = 5};

    lock_fd = open("locked", O_CREAT | O_RDWR, 0600);
    expect(!flock(lock_fd, LOCK_EX));
    expect(!fcntl(lock_fd, F_SETLK, &l));
    ofd_fd = open("locked", O_RDWR);
    l.l_start = 100;
    expect(!fcntl(ofd_fd, F_OFD_SETLK, &l));
}

static void set_up_maps(void)
{
    int fd = open("mapped", O_CREAT | O_RDWR, 0600);

    expect(!ftruncate(fd, 8192));
    shared_map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    private_map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    strcpy(shared_map, "shared");
    strcpy(private_map + 4096, "private");
    close(fd);
    fd = memfd_create("map", 0);
    expect(!ftruncate(fd, 4096));
    memfd_map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    strcpy(memfd_map, "memfd");
    close(fd);
    fd = open("/dev/zero", O_RDWR);
    dev_zero = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    strcpy(dev_zero, "zero");
    close(fd);
    expect(shared_map != MAP_FAILED && private_map != MAP_FAILED && memfd_map != MAP_FAILED &&
           dev_zero != MAP_FAILED);
}

/* --- afterwards --- */
static void check_names(void)
{
    char buf[64] = "";
    struct stat a, b;

    expect(!strcmp(get("file"), "text") && !strcmp(get("link"), "text"));
    expect(!stat("file", &a) && !stat("hard", &b) && a.st_ino == b.st_ino && a.st_nlink == 2);
    expect(getxattr("file", "user.a", buf, sizeof(buf)) == 5 && !memcmp(buf, "value", 5));
    expect(!stat("node", &a) && a.st_rdev == makedev(1, 3) && a.st_mode == (S_IFCHR | 0600));
    expect(!stat("fifo", &a) && a.st_mode == (S_IFIFO | 0640));
    expect(access("/etc/hostname", F_OK) && errno == ENOENT);
    expect(!strcmp(get("/etc/host.conf"), "copied up"));
    expect(access("/etc/protocols", F_OK));
    expect(!strcmp(get("mnt/inner"), "inner") && !strcmp(get("bind/inner"), "inner"));
    put("bind/more", "more");
    expect(!strcmp(get("mnt/more"), "more"));
    expect(access("lazy/f", F_OK) && !strcmp(fd_text(detached_fd, 0), "detached"));
    expect(telldir(dir) == dir_pos);
    int n = 0;
    struct dirent *e;
    while ((e = readdir(dir)))
        n += e->d_name[0] == 'n';
    expect(n >= 150 && n <= 200 - 45);
    put("new", "new");
    expect(!rename("new", "newer") && !strcmp(get("newer"), "new"));
    expect(!umount("bind") && access("bind/inner", F_OK));
    expect(getcwd(buf, sizeof(buf)) && !strcmp(buf, "/t"));
    expect(opendir("/etc") && access("/etc/passwd", R_OK) == 0);
}

static void check_files(void)
{
    char block[4096] = "", name[64];
    struct stat st;

    expect(!strcmp(fd_text(gone, 0), "gone") && !fstat(gone, &st) && st.st_nlink == 0);
    snprintf(name, sizeof(name), "/proc/self/fd/%d", tmpfile_fd);
    expect(!linkat(AT_FDCWD, name, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
    expect(!strcmp(get("named"), "nameless"));
    expect(fcntl(sealed, F_GET_SEALS) == (F_SEAL_WRITE | F_SEAL_GROW));
    expect(write(sealed, "x", 1) < 0 && errno == EPERM && !strcmp(fd_text(sealed, 0), "sealed"));
    expect(!fstat(sparse, &st) && st.st_size == (5L << 30) + 4096 && st.st_blocks < 4096);
    expect(pread(sparse, block, 4096, 5L << 30) == 4096 && block[0] == 's' && block[4095] == 's');
    expect(pread(sparse, block, 2, 8191) == 2 && block[0] == 0 && block[1] == 's');
    expect(lseek(sparse, 0, SEEK_HOLE) == 4096);
    expect(pwrite(sparse, "t", 1, 100) == 1 && !strncmp(fd_text(sparse, 99), "sts", 3));
    expect(write(append_fd, "two", 3) == 3 && !strcmp(get("append"), "one two"));
    expect(openat(dir_fd, "bin", O_PATH) >= 0 && openat(path_fd, "env", O_RDONLY) >= 0);
    expect(read(proc_fd, block, 3) == 3 && !memcmp(block, "fil", 3));
    expect(!strncmp(fd_text(exe_fd, 1), "ELF", 3));
    expect(write(host_log, "after", 5) == 5 && !strcmp(get(in_shared("log")), "before after"));
    expect(!strcmp(fd_text(host_gone, 0), "of the host") && write(host_gone, "!", 1) == 1);
    expect(!strcmp(fd_text(host_gone, 0), "of the host!") && !fstat(host_gone, &st));
    expect(st.st_size == 12 && st.st_nlink == 0);
    expect(write(null_fd, "x", 1) == 1 && read(null_fd, block, 1) == 0);
    expect(read(text_fd, block, 1) == 1 && block[0] == 'x' && lseek(dup_fd, 0, SEEK_CUR) == 3);
    expect(fcntl(dup_fd, F_GETFD) == FD_CLOEXEC && fcntl(text_fd, F_GETFD) == 0);
    int fd = open("/dev/null", O_RDONLY), again = open("file", O_RDONLY);
    expect(fd >= 0 && again == fd + 1);
}

static void check_locks(void)
{
    struct flock l = {.l_type = F_WRLCK, .l_start = 10, .l_len = 1};

    int fd = open("locked", O_RDWR);
    expect(flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK);
    pid_t pid = fork();
    if (!pid) {
        int bad = fcntl(fd, F_GETLK, &l) || l.l_type != F_WRLCK || l.l_pid != getppid() ||
                  l.l_start != 10 || l.l_len != 5;
        l = (struct flock){.l_type = F_WRLCK, .l_start = 101, .l_len = 1};
        bad |= (fcntl(fd, F_GETLK, &l) || l.l_pid != -1 || l.l_start != 100) << 1;
        _exit(bad);
    }
    int status;
    expect(waitpid(pid, &status, 0) == pid && status == 0);
}

static void check_maps(void)
{
    int fd = open("mapped", O_RDWR);

    expect(!strcmp(shared_map, "shared") && !strcmp(private_map + 4096, "private"));
    expect(!strcmp(fd_text(fd, 0), "shared"));
    strcpy(shared_map, "changed");
    expect(!strcmp(fd_text(fd, 0), "changed"));
    expect(pwrite(fd, "written", 8, 0) == 8 && !strcmp(shared_map, "written"));
    expect(!strcmp(fd_text(fd, 4096), "")); /* private pages stay private */
    pid_t pid = fork();
    if (!pid) {
        strcpy(memfd_map, "child");
        strcpy(dev_zero, "child");
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    expect(!strcmp(memfd_map, "child") && !strcmp(dev_zero, "child"));
}

/* --- an overlay, and one over it --- */
#define OV "/dev/shm/ov/"

static int ov_low, ov_up, ov_deep, ov_old;
static DIR *ov_dir;
static ino_t ov_ino;

static int count_names(const char *name)
{
    DIR *d = opendir(name);
    int n = 0;

    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n;
}

static void set_up_overlay(void)
{
    static const char *const dirs[] = {"", "a", "b", "c", "u", "w", "m", "m2", "a/d", "b/d", "a/r"};
    struct stat st;
    char name[64];

    for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
        snprintf(name, sizeof(name), OV "%s", dirs[i]);
        expect(!mkdir(name, 0755));
    }
    put(OV "a/f", "low a");
    put(OV "b/g", "low b");
    put(OV "a/gone", "gone");
    put(OV "a/r/in", "moved");
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof(name), OV "%c/d/%d", i & 1 ? 'a' : 'b', i);
        put(name, "x");
    }
    expect(!mount("ov", OV "m", "overlay", 0,
                  "lowerdir=" OV "a:" OV "b,upperdir=" OV "u,workdir=" OV "w,redirect_dir=on"));
    expect(!mount("ov2", OV "m2", "overlay", 0, "lowerdir=" OV "m:" OV "c"));
    ov_low = open(OV "m/f", O_RDONLY);
    ov_deep = open(OV "m2/g", O_RDONLY);
    expect(!stat(OV "m/g", &st));
    ov_ino = st.st_ino;
    put(OV "m/g", "changed");
    ov_up = open(OV "m/g", O_RDWR);
    put(OV "a/old", "old");
    ov_old = open(OV "m/old", O_RDONLY);
    put(OV "m/old", "changed since");
    expect(!unlink(OV "m/gone") && !rename(OV "m/r", OV "m/r2"));
    put(OV "m/d/new", "new");
    ov_dir = opendir(OV "m/d");
    for (int i = 0; i < 10; i++)
        expect(readdir(ov_dir) != NULL);
}

static void check_overlay(void)
{
    struct stat st;
    int rest = 0;

    expect(!strcmp(fd_text(ov_low, 0), "low a") && !strcmp(fd_text(ov_up, 0), "changed"));
    expect(!strcmp(get(OV "m2/g"), "changed") && ov_deep >= 0);
    expect(!stat(OV "m/g", &st) && st.st_ino == ov_ino);
    expect(access(OV "m/gone", F_OK) && errno == ENOENT);
    expect(!strcmp(get(OV "m/r2/in"), "moved") && access(OV "m/r", F_OK));
    while (readdir(ov_dir))
        rest++;
    expect(rest == 43 - 10);
    expect(count_names(OV "m/d") == 43 && count_names(OV "m2/d") == 43);
    put(OV "m/d/3", "up");
    expect(!strcmp(get(OV "u/d/3"), "up") && !strcmp(get(OV "a/d/3"), "x"));
    expect(!unlink(OV "m/d/5") && !lstat(OV "u/d/5", &st) && S_ISCHR(st.st_mode));
    expect(strstr(get("/proc/mounts"), "lowerdir=" OV "a:" OV "b,upperdir=" OV "u,workdir=" OV "w,"
                                       "redirect_dir=on"));
    expect(pwrite(ov_up, "C", 1, 0) == 1 && !strcmp(get(OV "u/g"), "Changed"));
    expect(open(OV "m2/x", O_CREAT | O_WRONLY, 0600) < 0 && errno == EROFS);
    closedir(ov_dir);
    close(ov_low);
    expect(!strcmp(fd_text(ov_old, 0), "changed since") && lseek(ov_old, 0, SEEK_END) == 13);
    close(ov_deep);
    close(ov_up);
    close(ov_old);
    expect(!umount(OV "m2") && !umount(OV "m"));
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    snprintf(shared, sizeof(shared), "%s", argc > 1 ? argv[1] : ".");
    set_up_names();
    set_up_files();
    set_up_locks();
    set_up_maps();
    set_up_overlay();
    printf("ready %d\n", failures);
    wait_for_go();
    check_names();
    check_files();
    check_locks();
    check_maps();
    check_overlay();
    printf("done %d\n", failures);
    return failures != 0;
}
