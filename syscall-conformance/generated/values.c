/* Every served call with each length, number, signal and process out of range: table.h,
 * generated.h. */
#include "generated/generated.h"

int main(void)
{
    return generated_main(VALUES);
}
