/* Requests and answers of HTTP, each on a connection of its own. */
#ifndef HELIOGRAPH_OORT_EXCHANGE_H
#define HELIOGRAPH_OORT_EXCHANGE_H

#include "heliograph_oort.h"
#include "json.h"

/* The agent's longest body of a request of JSON, and its end. */
#define OORT_BODY_BYTES 8001
#define OORT_PATH_BYTES 3072

typedef struct {
    const char *method;
    const char *path;
    const char *kind;    /* of the body; NULL where there is none */
    const char *key;     /* an idempotency key, or NULL */
    const void *body;
    size_t body_bytes;
    int once;            /* to be asked again only where it cannot have been heard */
    int is_of_file;      /* the agent reads and copies one meanwhile */
} oort_request;

/* Asks until there is an answer, for the agent's patience at most. */
oort_result oort_exchange(oort_agent *agent, const oort_request *request, oort_span *answer);

/* The same, of a path alone, and of a text of JSON that begins at `octets`. */
oort_result oort_get(oort_agent *agent, const char *path, oort_span *answer);
oort_result oort_post(oort_agent *agent, oort_request *request, const char *path,
                      oort_text *body, const char *octets, oort_span *answer);

/* Says why, and gives `result`. */
oort_result oort_fail(oort_agent *agent, oort_result result, const char *why);

oort_result oort_bad_argument(oort_agent *agent, const char *which);
oort_result oort_too_long(oort_agent *agent);
oort_result oort_no_answer(oort_agent *agent);

/* Milliseconds of a clock that only goes on. */
int64_t oort_clock_ms(void);
void oort_sleep_ms(int64_t duration);

#endif
