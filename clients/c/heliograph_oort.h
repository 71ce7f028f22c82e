/*
 * A client of the Heliograph OORT-style agent, in C99 with POSIX sockets.
 *
 *     static char buffer[OORT_BUFFER_BYTES];
 *     oort_agent agent;
 *     char uuid[OORT_UUID_BYTES];
 *
 *     oort_init(&agent, buffer, sizeof buffer);
 *     if (oort_send_file(&agent, "/data/image.raw", "images", NULL, uuid) != OORT_OK)
 *         fprintf(stderr, "%s\n", agent.message);
 *
 * It allocates nothing, starts no thread and installs no handler of signals. Each call makes one
 * connection and has a time-out. One agent is for one thread at a time.
 *
 * Text is in UTF-8 and ends with 0. What a call gives as `const char *` is in the buffer, until
 * the next call with the same agent. Times are seconds since 1970.
 */
#ifndef HELIOGRAPH_OORT_H
#define HELIOGRAPH_OORT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A buffer that every answer of an agent fits in, but for lists of long paths. */
#define OORT_BUFFER_BYTES 65536
/* The smallest that is taken. */
#define OORT_BUFFER_BYTES_MIN 1024
#define OORT_UUID_BYTES 37
#define OORT_CURSOR_BYTES 80
#define OORT_WORD_BYTES 32
#define OORT_MESSAGE_BYTES 256
/* Files that a query names. */
#define OORT_QUERY_FILES_MAX 50

typedef enum {
    OORT_OK = 0,
    /* Nobody answers, or not in time; it may have been done all the same. See system_error. */
    OORT_NO_AGENT,
    /* The agent did not do it. See status, message. */
    OORT_REFUSED,
    /* What came is no answer of an agent. */
    OORT_NO_ANSWER,
    /* What is to be sent is longer than the agent takes, or the answer than the buffer. */
    OORT_TOO_LONG,
    /* An argument is missing, or none. */
    OORT_BAD_ARGUMENT,
    /* It ended, and the ground has not got it. */
    OORT_NOT_DELIVERED,
    /* It has not ended in that time, and goes on. */
    OORT_NOT_ENDED
} oort_result;

typedef struct {
    /* To be changed after oort_init, where something else is wanted. */
    const char *host;     /* "127.0.0.1" */
    uint16_t port;        /* 2005 */
    const char *token;    /* NULL; what the agent's --token-file holds */
    int patience_ms;      /* 10000: so long a call waits for an agent that is away */
    int timeout_ms;       /* 60000: so long the agent may take */
    int file_timeout_ms;  /* 3600000: the same where it reads and copies a file */

    /* What became of the last call, where it was not OORT_OK. */
    int status;           /* of HTTP; 0 where there was no answer. 507: no room for the file */
    int system_error;     /* errno of a connection that failed */
    char message[OORT_MESSAGE_BYTES];

    /* The last answer, as JSON; calls that give pointers into the buffer change it. Of a
     * refusal, the whole message. */
    const char *answer;

    char *buffer;
    size_t buffer_bytes;
} oort_agent;

/* Seconds in each stage of the queue. Zero skips it. */
typedef struct {
    uint32_t urgent;
    uint32_t bulk;
    uint32_t surplus;
} oort_ttl;

typedef struct {
    const char *key;
    const char *value;
} oort_tag;

/* How a file is to be sent. All zero, it is as usual. */
typedef struct {
    const char *destination;      /* NULL: "ground" */
    const oort_ttl *ttl;          /* NULL: 9000, 43200, 172800 */
    int unreliable;               /* not 0: what was lost is not sent again */
    const oort_tag *tags;
    size_t tags_count;
    const char *hint_dest_path;   /* where the receiver is to put it; with hint_mode */
    const char *hint_mode;        /* "755" */
    /* Of requests with the same key, one is done. NULL: the tries of this call have one. */
    const char *key;
} oort_options;

/* A file that came up. */
typedef struct {
    char id[OORT_UUID_BYTES];
    const char *path;             /* where it was when it was sent */
    int64_t size;                 /* octets */
    int64_t modified;
    int64_t created;
    char crc32[9];
    const char *hint_dest_path;   /* NULL where there are no hints */
    const char *hint_mode;
} oort_file;

/* The ground's word that it has a file. The agent has checked the signature. */
typedef struct {
    char uuid[OORT_UUID_BYTES];
    char sha256[65];
    int64_t size;
    int64_t time;
    const char *bucket;
    const char *key;
    const char *signature;
} oort_receipt;

/* How something that was handed over stands. */
typedef struct {
    char uuid[OORT_UUID_BYTES];
    const char *topic;
    char state[OORT_WORD_BYTES];  /* waiting, out, or how it ended */
    char stage[OORT_WORD_BYTES];  /* urgent, bulk, surplus; empty once it has ended */
    int64_t stage_until;
    int64_t handed_over;
    int64_t ended;                /* 0 until then */
    int64_t size;
    const char *reason;           /* why it ended; may be empty */
    int has_ended;
    int is_ok;                    /* the ground has it, or a collector took it */
    int has_receipt;
} oort_item;

typedef struct {
    char mode[OORT_WORD_BYTES];
    double age;                   /* s */
    /* Everything else, hk first of all, is in the agent's `answer`. */
} oort_adcs;

typedef struct {
    const char *command;          /* "IDLE", "NADIR", "TRACK" */
    const char *aperture;         /* NULL, or which */
    int has_target;
    double target_lat;            /* degrees */
    double target_lon;
} oort_adcs_command;

typedef struct {
    int is_ok;
    char mode[OORT_WORD_BYTES];
    const char *reason;           /* why not; may be empty */
} oort_adcs_outcome;

typedef struct {
    double age;                   /* s */
    double utc_time;
    double ecef_pos[3];           /* m */
    double ecef_vel[3];           /* m/s */
} oort_tfrs;

/* The buffer is the caller's, for as long as the agent is used. Nothing is asked yet. */
void oort_init(oort_agent *agent, char *buffer, size_t buffer_bytes);

/* A result in words. */
const char *oort_result_text(oort_result result);

/* Hands a file over: it is queued, also after a power cut, and gone from its absolute path. */
oort_result oort_send_file(oort_agent *agent, const char *path, const char *topic,
                           const oort_options *options, char uuid[OORT_UUID_BYTES]);

/* Hands octets over, as a file of that name. */
oort_result oort_send_body(oort_agent *agent, const void *octets, size_t bytes, const char *topic,
                           const char *name, const oort_options *options,
                           char uuid[OORT_UUID_BYTES]);

/* The oldest files of a topic that came up: `max` at most. `overflow`, where it is not NULL,
 * says whether there are more. */
oort_result oort_query_available_files(oort_agent *agent, const char *topic, oort_file *files,
                                       size_t max, size_t *count, int *overflow);

/* Moves a file that came up to where nothing is. It is not asked twice: after OORT_NO_AGENT it
 * may be there. `file` may be NULL. */
oort_result oort_retrieve_file(oort_agent *agent, const char *id, const char *save_path,
                               oort_file *file);

oort_result oort_get_adcs(oort_agent *agent, oort_adcs *adcs);
oort_result oort_command_adcs(oort_agent *agent, const oort_adcs_command *command,
                              oort_adcs_outcome *outcome);
oort_result oort_get_tfrs(oort_agent *agent, oort_tfrs *tfrs);

/* Refused with status 404 where it is not known. */
oort_result oort_status(oort_agent *agent, const char *uuid, oort_item *item);

/* Waits until the ground has it, or a collector took it; OORT_NOT_DELIVERED when it ended
 * without that, OORT_NOT_ENDED after `timeout_ms` (below zero: never). */
oort_result oort_wait(oort_agent *agent, const char *uuid, int timeout_ms, oort_item *item);

/* A page of what was handed over, by the second in which it was; topic and state may be NULL.
 * `cursor` is "" for the first page, and again after the last. */
oort_result oort_list(oort_agent *agent, const char *topic, const char *state,
                      char cursor[OORT_CURSOR_BYTES], oort_item *items, size_t max,
                      size_t *count);

/* It is not to be sent any more. `item` may be NULL. */
oort_result oort_cancel(oort_agent *agent, const char *uuid, oort_item *item);

/* Puts it in another stage. `item` may be NULL. */
oort_result oort_reprioritise(oort_agent *agent, const char *uuid, const char *stage,
                              oort_item *item);

/* Refused with status 404 where there is none. */
oort_result oort_get_receipt(oort_agent *agent, const char *uuid, oort_receipt *receipt);

#ifdef __cplusplus
}
#endif

#endif
