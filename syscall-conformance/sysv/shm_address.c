/* shmat(2): at an address, rounded with SHM_RND, over other memory with SHM_REMAP only. */
#include "sysv.h"
#include <sys/mman.h>

int main(void)
{
    int id = new_shm(8192, 0600);
    char *room = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    is_errno(shmat(id, room, 0), EINVAL);
    room[4096] = 'x';
    ok(shmat(id, room, SHM_REMAP) == room, "SHM_REMAP replaces memory");
    is_eq(room[4096], 0);
    is_eq(shmdt(room), 0);
    must(munmap(room, 65536));
    ok(shmat(id, room + 4096 + 123, SHM_RND) == room + 4096, "SHM_RND rounds down");
    is_errno(shmat(id, room + 4096, 0), EINVAL);
    is_errno(shmat(id, room, 0), EINVAL);
    ok(shmat(id, room + 3 * 4096, 0) == room + 3 * 4096, "right behind it");
    is_errno(shmdt(room + 2 * 4096), EINVAL);
    is_eq(shmdt(room + 4096), 0);
    is_eq(shmdt(room + 3 * 4096), 0);
    is_errno(shmat(id, (void *)0x7ffffffff000, 0), ENOMEM);
    done();
}
