/* futex(2): EINVAL for addresses that are not aligned and for unusual arguments, EFAULT for memory
 * that is not there, ENOSYS for operations that are not. */
#include "futex.h"

int main(void)
{
    static uint32_t word[2];
    struct timespec bad = {0, 1000000000}, neg = {-1, 0}, zero = {0, 0};
    char *odd = (char *)word + 1;
    void *unmapped = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint32_t *ro = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    is_errno(futex(odd, FUTEX_WAIT, 0, NULL, NULL, 0), EINVAL);
    is_errno(futex(odd, FUTEX_WAKE, 1, NULL, NULL, 0), EINVAL);
    is_errno(futex(odd, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0), EINVAL);
    is_errno(futex(odd, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), EINVAL);
    is_errno(futex(unmapped, FUTEX_WAIT, 0, NULL, NULL, 0), EFAULT);
    is_errno(futex(unmapped, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0), EFAULT);
    is_errno(futex(unmapped, FUTEX_WAKE, 1, NULL, NULL, 0), EFAULT);
    is_eq(futex(unmapped, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 0); /* only a key */
    is_eq(munmap(unmapped, 4096), 0);
    is_errno(futex(unmapped, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0), EFAULT);
    is_errno(futex(NULL, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0), EFAULT);
    is_errno(futex(ro, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0), EAGAIN);
    is_errno(futex(ro, FUTEX_WAIT_PRIVATE, 0, &zero, NULL, 0), ETIMEDOUT);
    is_errno(futex(word, FUTEX_WAIT_PRIVATE, 0, &bad, NULL, 0), EINVAL);
    is_errno(futex(word, FUTEX_WAIT_PRIVATE, 0, &neg, NULL, 0), EINVAL);
    is_errno(futex(word, FUTEX_WAIT_PRIVATE, 1, &bad, NULL, 0), EINVAL);
    is_errno(futex(word, FUTEX_WAIT_PRIVATE, 0, BAD_PTR, NULL, 0), EFAULT);
    is_errno(futex(word, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL, NULL, 0), EINVAL);
    is_errno(futex(word, FUTEX_WAKE_BITSET_PRIVATE, 1, NULL, NULL, 0), EINVAL);
    is_errno(futex2(word, FUTEX_REQUEUE_PRIVATE, -1, 0, word + 1, 0), EINVAL);
    is_errno(futex2(word, FUTEX_REQUEUE_PRIVATE, 0, -1, word + 1, 0), EINVAL);
    is_errno(futex2(word, FUTEX_CMP_REQUEUE_PRIVATE, 0, 0, word + 1, 7), EAGAIN);
    is_errno(futex2(word, FUTEX_CMP_REQUEUE_PRIVATE, 0, 0, odd, 0), EINVAL);
    is_errno(futex(word, 100, 0, NULL, NULL, 0), ENOSYS);
    is_errno(futex(word, FUTEX_FD, 0, NULL, NULL, 0), ENOSYS);
    is_errno(futex(word, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 0, NULL, NULL, 0), ENOSYS);
    is_errno(futex(word, FUTEX_REQUEUE | FUTEX_CLOCK_REALTIME, 0, NULL, NULL, 0), ENOSYS);
    done();
}
