/* Every served call with each descriptor of a wrong kind: table.h, generated.h. */
#include "generated/generated.h"

int main(void)
{
    return generated_main(DESCRIPTORS);
}
