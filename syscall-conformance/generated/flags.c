/* Every served call with each bit of each flag word: table.h, generated.h. */
#include "generated/generated.h"

int main(void)
{
    return generated_main(FLAG_BITS);
}
