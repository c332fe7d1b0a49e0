/* nv doctor: can this host run sandboxes? What is missing and how to mend it. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/strbuf.h"
#include "platform/platform.h"
#include "runsc-cli/cli.h"

struct finding {
    const char *what;
    bool ok, required;
    char detail[200];
    const char *hint;
};

static void check_namespaces(struct finding *f)
{
    f->what = "user, pid, mount and network namespaces";
    f->required = true;
    f->hint = "run as root, or allow user namespaces: sysctl -w user.max_user_namespaces=15000 "
              "(and kernel.unprivileged_userns_clone=1 where it exists)";
    pid_t pid = fork();
    if (pid == 0)
        _exit(unshare(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC |
                      CLONE_NEWUTS)
                  ? errno
                  : 0);
    int status = 0;
    f->ok = pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status);
    if (!f->ok)
        snprintf(f->detail, sizeof(f->detail), "%s", strerror(WEXITSTATUS(status)));
}

static void check_platform(struct finding *f, const char *name)
{
    struct error e = ERROR_INIT;

    f->what = !strcmp(name, "trap") ? "platform trap" : "platform ptrace";
    f->ok = platform_find(name, &e) != NULL;
    if (!f->ok)
        snprintf(f->detail, sizeof(f->detail), "%s", e.what ? e.what : "");
    f->hint = "the other platform is used instead";
    error_free(&e);
}

static void check_memfd(struct finding *f)
{
    int fd = memfd_create("nv-doctor", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    f->what = "executable memfd";
    f->required = true;
    f->ok = fd >= 0;
    f->hint = "sysctl -w vm.memfd_noexec=0";
    char buf[8] = {0};
    int noexec = open("/proc/sys/vm/memfd_noexec", O_RDONLY | O_CLOEXEC);
    if (noexec >= 0 && read(noexec, buf, sizeof(buf) - 1) > 0 && buf[0] == '2')
        f->ok = false;
    if (noexec >= 0)
        close(noexec);
    if (fd >= 0)
        close(fd);
}

static void check_open_tree(struct finding *f)
{
    f->what = "mount API (open_tree, mount_setattr: Linux 5.12)";
    f->required = true;
    f->ok = syscall(SYS_mount_setattr, -1, "", 0, NULL, 0) < 0 && errno != ENOSYS;
    f->hint = "a newer kernel is needed";
}

static void check_cpus(struct finding *f)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);

    f->what = "two CPUs or more";
    f->ok = n >= 2;
    snprintf(f->detail, sizeof(f->detail), "%ld online", n);
    f->hint = "works with one; the fast handoff needs a second";
}

static void check_node(struct finding *f)
{
    f->what = "node, for functions";
    f->ok = !access("/usr/bin/node", X_OK) || !access("/usr/local/bin/node", X_OK);
    f->hint = "install Node.js, e.g. apt-get install nodejs";
}

int verb_doctor(int argc, char **argv)
{
    bool json = argc == 2 && !strcmp(argv[1], "--json"), bad = false;
    struct finding f[7] = {0};

    if (argc > 2 || (argc == 2 && !json))
        return usage_error("doctor", "unexpected argument '%s'", argv[1]);
    check_namespaces(&f[0]);
    check_open_tree(&f[1]);
    check_memfd(&f[2]);
    check_platform(&f[3], "trap");
    check_platform(&f[4], "ptrace");
    check_cpus(&f[5]);
    check_node(&f[6]);
    bad = !f[3].ok && !f[4].ok;
    if (json)
        printf("[");
    for (size_t i = 0; i < ARRAY_SIZE(f); i++) {
        bad |= f[i].required && !f[i].ok;
        if (json) {
            struct strbuf b = STRBUF_INIT;
            strbuf_json_string(&b, f[i].detail);
            printf("%s\n{\"check\":\"%s\",\"ok\":%s,\"required\":%s,\"detail\":%s}", i ? "," : "",
                   f[i].what, f[i].ok ? "true" : "false", f[i].required ? "true" : "false", b.data);
            strbuf_free(&b);
            continue;
        }
        printf("%-7s %s%s%s\n",
               f[i].ok         ? "ok"
               : f[i].required ? "MISSING"
                               : "note",
               f[i].what, f[i].detail[0] ? ": " : "", f[i].detail);
        if (!f[i].ok)
            printf("        %s\n", f[i].hint);
    }
    printf(json ? "\n]\n" : bad ? "nv cannot run sandboxes here\n" : "nv can run sandboxes here\n");
    return bad ? 1 : 0;
}
