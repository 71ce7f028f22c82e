/* Hands octets over by the library, waits for no agent, and says what came: asks PORT WAIT_MS */
#include <heliograph_oort.h>

#include <stdio.h>
#include <stdlib.h>

int main(int count, char **arguments)
{
    static char buffer[OORT_BUFFER_BYTES];
    oort_agent agent;
    oort_item item;
    oort_result result;
    if (count != 3)
        return 2;
    oort_init(&agent, buffer, sizeof buffer);
    agent.port = (uint16_t)atoi(arguments[1]);
    agent.timeout_ms = atoi(arguments[2]);
    agent.patience_ms = 0;
    result = oort_status(&agent, "7b7fbd30-3f0c-4a2e-9d0c-4c8d1a9d4a33", &item);
    printf("%s; %d; %s\n", oort_result_text(result), agent.status, agent.message);
    if (result == OORT_OK)
        printf("%s, %s\n", item.topic, item.reason);
    return 0;
}
