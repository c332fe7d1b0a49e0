/* set_tid_address(2): always succeeds and returns the caller's thread ID. */
#include "child.h"

static int word;

int main(void)
{
    ok(syscall(SYS_set_tid_address, &word) == gettid(), "valid pointer");
    ok(syscall(SYS_set_tid_address, NULL) == gettid(), "null pointer");
    ok(syscall(SYS_set_tid_address, (void *)1) == gettid(), "the pointer is not looked at");
    syscall(SYS_set_tid_address, NULL);
    done();
}
