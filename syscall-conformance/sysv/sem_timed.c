/* semtimedop(2): EAGAIN no earlier than the time limit; none is needed when there is no waiting. */
#include "sysv.h"

int main(void)
{
    int id = new_sem(1, 0600);
    struct sembuf down = {0, -1, 0}, up = {0, 1, 0};
    long start = ms_now();

    is_errno(semtimedop(id, &down, 1, &(struct timespec){0, 50000000}), EAGAIN);
    ok(ms_now() - start >= 50, "after the time limit");
    is_eq(semctl(id, 0, GETNCNT), 0);
    is_eq(semtimedop(id, &up, 1, &(struct timespec){5, 0}), 0);
    is_eq(semtimedop(id, &down, 1, &(struct timespec){0, 0}), 0);
    is_errno(semtimedop(id, &down, 1, &(struct timespec){0, 0}), EAGAIN);
    done();
}
