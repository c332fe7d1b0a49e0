/* capabilities(7): leaving user 0 clears the sets, the effective one comes back with effective user
 * 0; PR_SET_KEEPCAPS keeps the permitted set. */
#include "cred.h"

static void leave(void)
{
    struct caps c;

    check(seteuid(1000) == 0, 1);
    check(caps_get(&c) == 0 && c.effective == 0 && c.permitted != 0, 2);
    check(seteuid(0) == 0, 3);
    check(has_cap(CAP_CHOWN), 4);
    check(setuid(1000) == 0, 5);
    check(caps_get(&c) == 0 && c.effective == 0 && c.permitted == 0, 6);
}

static void keep(void)
{
    struct caps c;

    check(prctl(PR_GET_KEEPCAPS) == 0, 1);
    check(prctl(PR_SET_KEEPCAPS, 2) == -1 && errno == EINVAL, 2);
    check(prctl(PR_SET_KEEPCAPS, 1) == 0 && prctl(PR_GET_KEEPCAPS) == 1, 3);
    check(setresuid(1000, 1000, 1000) == 0, 4);
    check(caps_get(&c) == 0 && c.effective == 0 && (c.permitted & 1 << CAP_CHOWN), 5);
    c.effective = c.permitted;
    check(caps_set(&c) == 0, 6);
    check(chown("f", 5, 5) == 0, 7);
}

static void no_fixup(void)
{
    check(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP) == 0, 1);
    check(setresuid(1000, 1000, 1000) == 0, 2);
    check(has_cap(CAP_CHOWN), 3);
    check(prctl(PR_GET_SECUREBITS) == SECBIT_NO_SETUID_FIXUP, 4);
}

static void fs_caps(void)
{
    check(has_cap(CAP_DAC_OVERRIDE), 1);
    setfsuid(1000);
    check(!has_cap(CAP_DAC_OVERRIDE) && !has_cap(CAP_CHOWN), 2);
    check(has_cap(CAP_KILL), 3);
    setfsuid(0);
    check(has_cap(CAP_DAC_OVERRIDE), 4);
}

int main(void)
{
    enter_scratch();
    put_file("f", "", 0, 0600);
    root_only(leave, "leaving root");
    root_only(keep, "PR_SET_KEEPCAPS");
    root_only(no_fixup, "SECBIT_NO_SETUID_FIXUP");
    root_only(fs_caps, "the file-system user takes file capabilities along");
    done();
}
