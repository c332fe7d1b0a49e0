/* prctl(2) PR_SET_NO_NEW_PRIVS: cannot be taken back, is inherited, and set-user-id programs do not
 * change the user any more. */
#include "cred.h"

static void run_suid(void)
{
    become_nobody();
    execl("./suid", "suid", "euid", (char *)NULL);
    _exit(100);
}

static void run_suid_nnp(void)
{
    check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, 101);
    run_suid();
}

static void inherits(void)
{
    check(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1, 1);
}

/* A copy of ourselves that belongs to user 4711, set-user-id. */
static int make_suid(void)
{
    static char buf[1 << 16];
    int in = open("/proc/self/exe", O_RDONLY), out = open("suid", O_CREAT | O_WRONLY, 0700);
    ssize_t n;

    while ((n = read(in, buf, sizeof(buf))) > 0)
        if (write(out, buf, (size_t)n) != n)
            return -1;
    if (fchown(out, 4711, 4712) || fchmod(out, 06755))
        return -1;
    close(in);
    return close(out);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        _exit(uids_are(NOBODY, 4711, 4711) && gids_are(NOBODY, 4712, 4712)           ? 71
              : uids_are(NOBODY, NOBODY, NOBODY) && gids_are(NOBODY, NOBODY, NOBODY) ? 72
                                                                                     : 73);
    enter_scratch();
    if (geteuid() == 0) {
        is_eq(make_suid(), 0);
        ok(exited_with(in_child(run_suid), 71), "a set-id program changes user and group");
        ok(exited_with(in_child(run_suid_nnp), 72), "not with no_new_privs");
        is_eq(chown("suid", 4711, 4712), 0);
        struct stat st;
        stat("suid", &st);
        is_eq(st.st_mode & 07777, 0755); /* chown takes the bits away */
    } else {
        for (int i = 0; i < 5; i++)
            skip("needs root");
    }
    is_eq(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
    is_errno(prctl(PR_SET_NO_NEW_PRIVS, 2, 0, 0, 0), EINVAL);
    is_errno(prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0), EINVAL);
    is_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    is_eq(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
    is_errno(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), EINVAL);
    ok(exited_with(in_child(inherits), 0), "fork inherits it");
    done();
}
