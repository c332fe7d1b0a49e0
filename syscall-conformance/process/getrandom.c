/* getrandom(2): fills buffers wholly; EINVAL for unknown flags or GRND_RANDOM with GRND_INSECURE.
 */
#include "child.h"
#include <sys/random.h>

int main(void)
{
    unsigned char a[256], b[256];

    is_eq(getrandom(a, sizeof(a), 0), 256);
    is_eq(getrandom(b, sizeof(b), GRND_NONBLOCK), 256);
    ok(memcmp(a, b, sizeof(a)), "two results differ");
    is_eq(getrandom(a, 0, 0), 0);
    is_eq(getrandom(b, 16, GRND_RANDOM), 16);
    is_eq(getrandom(b, 16, GRND_INSECURE), 16);
    is_errno(getrandom(a, 16, 8), EINVAL);
    is_errno(getrandom(a, 16, GRND_RANDOM | GRND_INSECURE), EINVAL);
    is_errno(syscall(SYS_getrandom, 8, 16, 0), EFAULT);
    done();
}
