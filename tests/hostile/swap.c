/* Exchanges two names until killed: swap A B. Runs on the host while the guest opens them. */
#include <fcntl.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    for (;;)
        if (renameat2(AT_FDCWD, argv[1], AT_FDCWD, argv[2], RENAME_EXCHANGE))
            return 1;
}
