/* signal(7): standard signals do not queue: several while blocked are delivered once. */
#include "sig.h"

int main(void)
{
    install(SIGUSR1, record, 0);
    install(SIGRTMIN, record, 0);
    block(SIGUSR1);
    block(SIGRTMIN);
    for (int i = 0; i < 5; i++) {
        kill(getpid(), SIGUSR1);
        kill(getpid(), SIGRTMIN);
    }
    is_eq(hits, 0);
    unblock(SIGUSR1);
    is_eq(hits, 1);
    unblock(SIGRTMIN);
    is_eq(hits, 6);
    done();
}
