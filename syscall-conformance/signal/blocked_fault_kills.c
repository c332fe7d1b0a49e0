/* sigprocmask(2): a synchronous SIGSEGV while blocked or ignored kills the process. */
#include "sig.h"
#include <sys/resource.h>

static void blocked(void)
{
    install(SIGSEGV, record, 0);
    block(SIGSEGV);
    *(volatile char *)8 = 1;
}

static void ignored(void)
{
    signal(SIGSEGV, SIG_IGN);
    *(volatile char *)8 = 1;
}

static void sent(void)
{
    signal(SIGSEGV, SIG_IGN);
    raise(SIGSEGV);
}

int main(void)
{
    struct rlimit none = {0, 0};

    enter_scratch();
    setrlimit(RLIMIT_CORE, &none);
    ok(killed_by(in_child(blocked), SIGSEGV), "blocked");
    ok(killed_by(in_child(ignored), SIGSEGV), "ignored");
    is_eq(in_child(sent), 0);
    done();
}
