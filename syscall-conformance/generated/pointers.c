/* Every served call with each pointer argument bad: table.h, generated.h. */
#include "generated/generated.h"

int main(void)
{
    return generated_main(POINTERS);
}
