/* The library `heliograph_oort` asks all that it can: ours PORT PAYLOAD WORK */
#define _POSIX_C_SOURCE 200809L

#include <heliograph_oort.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 1024
#define MANY 30

#define CHECK(condition)                                                                        \
    do {                                                                                        \
        if (!(condition)) {                                                                     \
            fprintf(stderr, "line %d: not so: %s\nstatus %d, message: %s\nanswer: %s\n",        \
                    __LINE__, #condition, agent.status, agent.message, agent.answer);           \
            exit(1);                                                                            \
        }                                                                                       \
    } while (0)

static char buffer[OORT_BUFFER_BYTES];
static oort_agent agent;
static const char *payload;
static const char *work;

static const char *in_payload(const char *name)
{
    static char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", payload, name);
    return path;
}

static const char *write_file(const char *name, const char *octets)
{
    const char *path = in_payload(name);
    FILE *file = fopen(path, "w");
    CHECK(file && fputs(octets, file) >= 0 && fclose(file) == 0);
    return path;
}

static const char *read_file(const char *path)
{
    static char octets[8192];
    FILE *file = fopen(path, "r");
    size_t bytes;
    if (!file)
        return "no file";
    bytes = fread(octets, 1, sizeof octets - 1, file);
    octets[bytes] = '\0';
    fclose(file);
    return octets;
}

static const char *of_item(const char *directory, const char *uuid, const char *suffix)
{
    static char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s/%s.%s.oort", work, directory, uuid, suffix);
    return path;
}

/* The collector brings an item back. */
static void return_it(const char *uuid)
{
    static const char *const SUFFIXES[] = {"data", "meta"};
    for (int index = 0; index < 2; index++) {
        char from[PATH_BYTES];
        snprintf(from, sizeof from, "%s", of_item("transfers", uuid, SUFFIXES[index]));
        CHECK(rename(from, of_item("uploads", uuid, SUFFIXES[index])) == 0);
    }
}

static int says(const char *uuid, const char *words)
{
    return strstr(read_file(of_item("transfers", uuid, "meta")), words) != NULL;
}

/* A file goes out with all that can be said of it, comes back, and is retrieved. */
static void send_and_retrieve(char first[OORT_UUID_BYTES])
{
    static oort_file files[OORT_QUERY_FILES_MAX];
    const oort_ttl surplus_only = {0, 0, 86400};
    const oort_tag tags[] = {{"token", "a \"b\"\n\xc3\xa9"}, {"other", ""}};
    oort_options options = {0};
    oort_file got;
    char path[PATH_BYTES];
    char again[OORT_UUID_BYTES];
    size_t count;
    int overflow = 1;

    options.ttl = &surplus_only;
    options.unreliable = 1;
    options.tags = tags;
    options.tags_count = 2;
    options.hint_dest_path = "/x/y";
    options.hint_mode = "755";
    options.key = "first";
    snprintf(path, sizeof path, "%s", write_file("a \"\xc3\xa9\".txt", "octets"));
    CHECK(oort_send_file(&agent, path, "images", &options, first) == OORT_OK);
    CHECK(access(path, F_OK) != 0 && strlen(first) == 36);
    CHECK(strcmp(read_file(of_item("transfers", first, "data")), "octets") == 0);
    CHECK(says(first, "\"TTLParams\":{\"urgent\":0,\"bulk\":0,\"surplus\":86400}"));
    CHECK(says(first, "\"reliable\":false"));
    CHECK(says(first, "\"token\":\"a \\\"b\\\"\\n\xc3\xa9\""));
    /* A request that is made again is the same one. */
    CHECK(oort_send_file(&agent, path, "images", &options, again) == OORT_OK);
    CHECK(strcmp(first, again) == 0);

    return_it(first);
    CHECK(oort_query_available_files(&agent, "images", files, OORT_QUERY_FILES_MAX, &count,
                                     &overflow) == OORT_OK);
    CHECK(count == 1 && !overflow && strcmp(files[0].id, first) == 0);
    CHECK(strcmp(files[0].path, path) == 0 && files[0].size == 6 && files[0].modified > 0);
    CHECK(strcmp(files[0].hint_dest_path, "/x/y") == 0);
    CHECK(strcmp(files[0].hint_mode, "755") == 0 && strlen(files[0].crc32) == 8);
    CHECK(oort_retrieve_file(&agent, first, in_payload("back"), &got) == OORT_OK);
    CHECK(strcmp(got.path, path) == 0 && strcmp(got.crc32, files[0].crc32) == 0);
    CHECK(strcmp(read_file(in_payload("back")), "octets") == 0);
    CHECK(oort_retrieve_file(&agent, first, in_payload("more"), NULL) == OORT_REFUSED);
    CHECK(agent.status == 400 && strstr(agent.message, "meta file unreadable"));
    CHECK(oort_query_available_files(&agent, "images", files, 1, &count, NULL) == OORT_OK);
    CHECK(count == 0);
    CHECK(oort_query_available_files(&agent, "a/b", files, 1, &count, NULL) == OORT_REFUSED);
    CHECK(agent.status == 501);
    CHECK(oort_send_file(&agent, in_payload("none"), "images", NULL, again) == OORT_REFUSED);
    CHECK(strstr(agent.message, "No such file or directory"));
    CHECK(oort_send_file(&agent, NULL, "images", NULL, again) == OORT_BAD_ARGUMENT);
}

static void ask_of_spacecraft(void)
{
    const oort_adcs_command track = {"TRACK", "IPI", 1, 40.0, -176.5};
    oort_adcs_outcome outcome;
    oort_adcs adcs;
    oort_tfrs tfrs;
    double radius;
    CHECK(oort_get_adcs(&agent, &adcs) == OORT_OK);
    CHECK(adcs.mode[0] && adcs.age >= 0 && strstr(agent.answer, "\"hk\":{"));
    CHECK(oort_command_adcs(&agent, &track, &outcome) == OORT_OK);
    CHECK(outcome.mode[0] && (outcome.is_ok || outcome.reason[0]));
    CHECK(oort_get_tfrs(&agent, &tfrs) == OORT_OK);
    radius = tfrs.ecef_pos[0] * tfrs.ecef_pos[0] + tfrs.ecef_pos[1] * tfrs.ecef_pos[1]
             + tfrs.ecef_pos[2] * tfrs.ecef_pos[2];
    CHECK(tfrs.utc_time > 0 && radius > 6.0e6 * 6.0e6 && radius < 8.0e6 * 8.0e6);
}

static void list_them(size_t wanted)
{
    oort_item items[7];
    char cursor[OORT_CURSOR_BYTES] = "";
    size_t all = 0;
    size_t count;
    do {
        CHECK(oort_list(&agent, "many", NULL, cursor, items, 7, &count) == OORT_OK);
        for (size_t index = 0; index < count; index++)
            CHECK(strcmp(items[index].topic, "many") == 0 && items[index].size == 1);
        all += count;
    } while (cursor[0]);
    CHECK(all == wanted);
}

/* How items stand, and what may be done about it. */
static void look_after(const char *first)
{
    char body[OORT_UUID_BYTES];
    char other[OORT_UUID_BYTES];
    oort_receipt receipt;
    oort_item item;
    CHECK(oort_send_body(&agent, "\0\1", 2, "logs", "a b.bin", NULL, body) == OORT_OK);
    CHECK(oort_status(&agent, body, &item) == OORT_OK);
    CHECK(strcmp(item.state, "waiting") == 0 && strcmp(item.stage, "urgent") == 0);
    CHECK(item.size == 2 && !item.has_ended && item.stage_until > item.handed_over);
    CHECK(says(body, "\"path\":\"/a b.bin\""));
    CHECK(oort_reprioritise(&agent, body, "surplus", &item) == OORT_OK);
    CHECK(strcmp(item.stage, "surplus") == 0);
    CHECK(oort_reprioritise(&agent, body, "later", NULL) == OORT_REFUSED);
    CHECK(oort_wait(&agent, body, 100, &item) == OORT_NOT_ENDED);
    CHECK(oort_get_receipt(&agent, body, &receipt) == OORT_REFUSED && agent.status == 404);
    CHECK(oort_cancel(&agent, body, &item) == OORT_OK && strcmp(item.state, "cancelled") == 0);
    CHECK(oort_cancel(&agent, body, NULL) == OORT_REFUSED && agent.status == 409);
    CHECK(oort_wait(&agent, body, 60000, &item) == OORT_NOT_DELIVERED && item.ended > 0);
    CHECK(oort_wait(&agent, first, 60000, &item) == OORT_OK);
    CHECK(strcmp(item.state, "collected") == 0 && item.is_ok && item.has_ended);
    CHECK(oort_status(&agent, "7b7fbd30-3f0c-4a2e-9d0c-4c8d1a9d4a33", &item) == OORT_REFUSED);
    CHECK(agent.status == 404);
    for (int index = 0; index < MANY; index++)
        CHECK(oort_send_body(&agent, "x", 1, "many", "x", NULL, other) == OORT_OK);
    list_them(MANY);
}

/* What does not fit is said, and nothing is cut short. */
static void outgrow(void)
{
    static char little[OORT_BUFFER_BYTES_MIN];
    static char name[9000];
    static char big[9 << 20];
    oort_item items[MANY];
    char cursor[OORT_CURSOR_BYTES] = "";
    char uuid[OORT_UUID_BYTES];
    size_t count;
    agent.buffer = little;
    agent.buffer_bytes = sizeof little;
    CHECK(oort_list(&agent, "many", NULL, cursor, items, MANY, &count) == OORT_TOO_LONG);
    CHECK(count == 0 && strstr(agent.message, "longer than the buffer"));
    CHECK(oort_list(&agent, "many", NULL, cursor, items, 2, &count) == OORT_OK && count == 2);
    memset(name, '/', sizeof name - 1);
    CHECK(oort_send_file(&agent, name, "images", NULL, uuid) == OORT_TOO_LONG);
    agent.buffer_bytes = 10;
    CHECK(oort_status(&agent, uuid, items) == OORT_BAD_ARGUMENT);
    agent.buffer = buffer;
    agent.buffer_bytes = sizeof buffer;
    /* It is refused before all of it is read. */
    CHECK(oort_send_body(&agent, big, sizeof big, "a b", "big", NULL, uuid) == OORT_REFUSED);
    CHECK(strcmp(agent.message, "Topic a b is not allowed") == 0);
    CHECK(oort_send_body(&agent, big, sizeof big, "big", "big", NULL, uuid) == OORT_OK);
}

int main(int count, char **arguments)
{
    char first[OORT_UUID_BYTES];
    if (count != 4)
        return 2;
    oort_init(&agent, buffer, sizeof buffer);
    agent.host = "localhost";
    agent.port = (uint16_t)atoi(arguments[1]);
    payload = arguments[2];
    work = arguments[3];
    send_and_retrieve(first);
    ask_of_spacecraft();
    look_after(first);
    outgrow();
    return 0;
}
