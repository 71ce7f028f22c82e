/* Says what the receipt of an item does: receipt PORT UUID */
#include <heliograph_oort.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int main(int count, char **arguments)
{
    static char buffer[OORT_BUFFER_BYTES];
    oort_agent agent;
    oort_receipt receipt;
    oort_item item;
    if (count != 3)
        return 2;
    oort_init(&agent, buffer, sizeof buffer);
    agent.port = (uint16_t)atoi(arguments[1]);
    if (oort_wait(&agent, arguments[2], 0, &item) != OORT_OK || !item.has_receipt
        || oort_get_receipt(&agent, arguments[2], &receipt) != OORT_OK) {
        fprintf(stderr, "%s\n", agent.message);
        return 1;
    }
    printf("%s %s %" PRId64 " %s %s", receipt.uuid, receipt.sha256, receipt.size, receipt.bucket,
           receipt.key);
    return 0;
}
