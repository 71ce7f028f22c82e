#include "heliograph_oort.h"

#include <string.h>

void oort_init(oort_agent *agent, char *buffer, size_t buffer_bytes)
{
    memset(agent, 0, sizeof *agent);
    agent->host = "127.0.0.1";
    agent->port = 2005;
    agent->patience_ms = 10000;
    agent->timeout_ms = 60000;
    agent->file_timeout_ms = 3600000;
    agent->answer = "";
    agent->buffer = buffer;
    agent->buffer_bytes = buffer_bytes;
}

const char *oort_result_text(oort_result result)
{
    switch (result) {
    case OORT_OK:
        return "done";
    case OORT_NO_AGENT:
        return "the agent does not answer";
    case OORT_REFUSED:
        return "the agent refused";
    case OORT_NO_ANSWER:
        return "what came is no answer of an agent";
    case OORT_TOO_LONG:
        return "too long";
    case OORT_BAD_ARGUMENT:
        return "an argument is missing, or none";
    case OORT_NOT_DELIVERED:
        return "it ended, and the ground has not got it";
    case OORT_NOT_ENDED:
        return "it has not ended yet; it goes on";
    }
    return "no result";
}
