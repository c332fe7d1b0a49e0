/* signal(7): an ignored signal does not interrupt a blocking call. */
#include "sig.h"
#include <poll.h>

int main(void)
{
    signal(SIGUSR1, SIG_IGN);
    for (int i = 0; i < 2; i++) {
        pid_t poker = start_poker(i ? SIGWINCH : SIGUSR1);
        int ret = poll(NULL, 0, 100);
        ok(ret == 0, "%s", i ? "ignored by default" : "ignored by choice");
        stop_poker(poker);
    }
    done();
}
