/* prctl(2) PR_CAPBSET_DROP, PR_CAP_AMBIENT: the bounding set only shrinks; ambient capabilities
 * must be permitted and inheritable, and are kept over exec without user 0. */
#include "cred.h"

static void bounding(void)
{
    check(prctl(PR_CAPBSET_READ, CAP_CHOWN) == 1, 1);
    check(prctl(PR_CAPBSET_DROP, CAP_CHOWN) == 0, 2);
    check(prctl(PR_CAPBSET_READ, CAP_CHOWN) == 0, 3);
    check(has_cap(CAP_CHOWN), 4); /* of the running program not */
    check(prctl(PR_CAPBSET_READ, 99) == -1 && errno == EINVAL, 5);
    check(prctl(PR_CAPBSET_DROP, 99) == -1 && errno == EINVAL, 6);
    execl("/proc/self/exe", "caps", "without", (char *)NULL);
    _exit(100);
}

static void bounding_user(void)
{
    become_nobody();
    check(prctl(PR_CAPBSET_READ, CAP_CHOWN) >= 0, 1);
    check(prctl(PR_CAPBSET_DROP, CAP_CHOWN) == -1 && errno == EPERM, 2);
}

static void ambient(void)
{
    struct caps c;

    check(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0) == 0, 1);
    check(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0) == -1 && errno == EPERM, 2);
    check(caps_get(&c) == 0, 3);
    c.inheritable = 1ULL << CAP_KILL;
    check(caps_set(&c) == 0, 4);
    check(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0) == 0, 5);
    check(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0) == 1, 6);
    check(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 99, 0, 0) == -1 && errno == EINVAL, 7);
    check(prctl(PR_CAP_AMBIENT, 9, CAP_KILL, 0, 0) == -1 && errno == EINVAL, 8);
    check(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 1, 0) == -1 && errno == EINVAL, 9);
    check(prctl(PR_SET_KEEPCAPS, 1) == 0 && setresuid(1000, 1000, 1000) == 0, 10);
    /* Leaving user 0 takes them away even so. */
    check(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0) == 0, 11);
    check(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0) == 0, 12);
    execl("/proc/self/exe", "caps", "ambient", (char *)NULL);
    _exit(100);
}

static void clear(void)
{
    struct caps c;

    caps_get(&c);
    c.inheritable = 1ULL << CAP_KILL;
    check(caps_set(&c) == 0, 1);
    check(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0) == 0, 2);
    check(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0, 3);
    check(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0) == 0, 4);
    check(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0) == 0, 5);
    c.inheritable = 0;
    check(caps_set(&c) == 0, 6); /* no longer inheritable: gone */
    check(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0) == 0, 7);
}

int main(int argc, char **argv)
{
    struct caps c;

    if (argc > 1 && caps_get(&c) < 0)
        _exit(50);
    if (argc > 1 && !strcmp(argv[1], "without"))
        _exit(c.permitted & 1 << CAP_CHOWN ? 51 : !(c.permitted & 1 << CAP_KILL) ? 52 : 0);
    if (argc > 1)
        _exit(c.permitted == 1ULL << CAP_KILL && c.effective == 1ULL << CAP_KILL ? 0 : 53);
    root_only(bounding, "the bounding set limits exec");
    root_only(bounding_user, "users cannot drop from it");
    root_only(ambient, "ambient capabilities survive exec");
    root_only(clear, "and go with the inheritable ones");
    done();
}
