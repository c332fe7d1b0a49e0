/* chmod(2), chown(2): each class of users, each kind of object, and the modes that are left: who
 * may change what, and which bits do not survive. */
#include "../rows.h"

static const struct row_user *as;

static void reset(const char *name, mode_t mode)
{
    must(chown(name, 1000, 3000));
    must(chmod(name, mode));
}

static int change(const char *name, uid_t u, gid_t g, mode_t m)
{
    fflush(stdout);
    pid_t pid = (pid_t)must(fork());
    int status;

    if (!pid) {
        become(as);
        _exit(errno_of(m == (mode_t)-1 ? lchown(name, u, g) : chmod(name, m)));
    }
    must(waitpid(pid, &status, 0));
    return WEXITSTATUS(status);
}

static void show(const char *name, int e)
{
    struct stat st;

    must(lstat(name, &st));
    row_add(" %s:%o:%u:%u", err_name(e), st.st_mode & 07777, st.st_uid, st.st_gid);
}

int main(void)
{
    static const mode_t modes[] = {0644,  04755, 02755, 06755, 02745, 06777,
                                   01777, 0000,  07777, 02644, 04644};
    static const struct {
        uid_t u;
        gid_t g;
    } owners[] = {{-1, -1},   {1000, -1}, {-1, 3000}, {1000, 3000}, {2000, -1}, {-1, 2000},
                  {-1, 4000}, {-1, 0},    {0, 0},     {2000, 3000}, {-1, 1000}};
    static const char *const objects[] = {"f", "d", "p"};

    if (geteuid()) {
        skip("needs root");
        done();
    }
    tmp_enter();
    touch("f");
    must(mkdir("d", 0755));
    must(mkfifo("p", 0644));
    for (size_t u = 0; u < 4; u++) {
        as = &row_users[u];
        for (size_t o = 0; o < 3; o++)
            for (size_t m = 0; m < sizeof(modes) / sizeof(*modes); m++) {
                row_add("%s chown %s %04o:", as->name, objects[o], modes[m]);
                for (size_t i = 0; i < sizeof(owners) / sizeof(*owners); i++) {
                    reset(objects[o], modes[m]);
                    show(objects[o], change(objects[o], owners[i].u, owners[i].g, -1));
                }
                row_end();
                row_add("%s chmod %s %04o:", as->name, objects[o], modes[m]);
                for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
                    reset(objects[o], modes[m]);
                    show(objects[o], change(objects[o], 0, 0, modes[i]));
                }
                row_end();
            }
    }
    /* What is made in a set-group-id directory, and what umask takes. */
    static const mode_t dirs[] = {0777, 02777, 03777};
    static const mode_t masks[] = {0, 022, 077, 0777};
    for (size_t u = 0; u < 4; u++)
        for (size_t d = 0; d < 3; d++)
            for (size_t k = 0; k < 4; k++)
                for (size_t m = 0; m < sizeof(modes) / sizeof(*modes); m += 2) {
                    reset("d", dirs[d]);
                    pid_t pid = (pid_t)must(fork());
                    int status, fd;
                    if (!pid) {
                        become(&row_users[u]);
                        umask(masks[k]);
                        fd = open("d/f", O_CREAT | O_RDWR | O_EXCL, modes[m]);
                        close(fd);
                        mkdir("d/d", modes[m]);
                        mkfifo("d/p", modes[m]);
                        symlink("x", "d/l");
                        mknod("d/r", S_IFREG | modes[m], 0);
                        char proc[32];
                        fd = open("d", O_TMPFILE | O_RDWR, modes[m]);
                        snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
                        linkat(AT_FDCWD, proc, AT_FDCWD, "d/t", AT_SYMLINK_FOLLOW);
                        _exit(0);
                    }
                    must(waitpid(pid, &status, 0));
                    row_add("%s in %04o umask %03o makes %04o:", row_users[u].name, dirs[d],
                            masks[k], modes[m]);
                    static const char *const made[] = {"d/f", "d/d", "d/p", "d/l", "d/r", "d/t"};
                    for (size_t i = 0; i < 6; i++) {
                        if (!exists(made[i])) {
                            row_add(" -");
                            continue;
                        }
                        show(made[i], 0);
                        remove(made[i]);
                    }
                    row_end();
                }
    done();
}
