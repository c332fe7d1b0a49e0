/* prctl(2) PR_SET_TIMERSLACK: sets the thread's slack in ns; 0 restores the default of 50 us. */
#include "child.h"
#include <sys/prctl.h>

int main(void)
{
    is_eq(prctl(PR_GET_TIMERSLACK), 50000);
    is_eq(prctl(PR_SET_TIMERSLACK, 1234), 0);
    is_eq(prctl(PR_GET_TIMERSLACK), 1234);
    is_eq(prctl(PR_SET_TIMERSLACK, 0), 0);
    is_eq(prctl(PR_GET_TIMERSLACK), 50000);
    done();
}
