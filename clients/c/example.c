/* Hands a file to the agent and waits until the ground has it: example FILE TOPIC [PORT] */
#include <heliograph_oort.h>

#include <stdio.h>
#include <stdlib.h>

int main(int count, char **arguments)
{
    static char buffer[OORT_BUFFER_BYTES];
    const oort_ttl soon = {3600, 86400, 0};
    const oort_tag tags[] = {{"token", "pass-7"}};
    oort_options options = {0};
    oort_agent agent;
    oort_item item;
    oort_result result;
    char uuid[OORT_UUID_BYTES];

    if (count < 3) {
        fprintf(stderr, "usage: %s FILE TOPIC [PORT]\n", arguments[0]);
        return 2;
    }
    oort_init(&agent, buffer, sizeof buffer);
    if (count > 3)
        agent.port = (uint16_t)atoi(arguments[3]);
    options.ttl = &soon;
    options.tags = tags;
    options.tags_count = 1;
    result = oort_send_file(&agent, arguments[1], arguments[2], &options, uuid);
    if (result == OORT_OK)
        result = oort_wait(&agent, uuid, 3600 * 1000, &item);
    if (result != OORT_OK) {
        fprintf(stderr, "%s: %s: %s\n", arguments[1], oort_result_text(result), agent.message);
        return 1;
    }
    printf("%s is %s\n", uuid, item.state);
    return 0;
}
