#define _POSIX_C_SOURCE 200809L

#include "exchange.h"
#include "json.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Of a key in hexadecimal digits, with its end. */
#define KEY_BYTES 33

static void put_tags(oort_text *text, const oort_options *options)
{
    oort_put(text, ",\"tags\":{");
    for (size_t index = 0; index < options->tags_count; index++) {
        oort_put(text, index ? "," : "");
        oort_put_string(text, options->tags[index].key);
        oort_put(text, ":");
        oort_put_string(text, options->tags[index].value);
    }
    oort_put(text, "}");
}

/* All that is said, zeros as well: what is left out has its usual value. */
static void put_options(oort_text *text, const oort_options *options)
{
    oort_put(text, options->unreliable ? "{\"reliable\":false" : "{\"reliable\":true");
    if (options->ttl) {
        oort_put(text, ",\"TTLParams\":{\"urgent\":");
        oort_put_integer(text, options->ttl->urgent);
        oort_put(text, ",\"bulk\":");
        oort_put_integer(text, options->ttl->bulk);
        oort_put(text, ",\"surplus\":");
        oort_put_integer(text, options->ttl->surplus);
        oort_put(text, "}");
    }
    if (options->tags_count)
        put_tags(text, options);
    if (options->hint_dest_path) {
        oort_put(text, ",\"delivery_hints\":{\"dest_path\":");
        oort_put_string(text, options->hint_dest_path);
        oort_put(text, ",\"mode\":");
        oort_put_string(text, options->hint_mode);
        oort_put(text, "}");
    }
    oort_put(text, "}");
}

static int is_complete(const oort_options *options)
{
    if (!options)
        return 1;
    for (size_t index = 0; index < options->tags_count; index++)
        if (!options->tags || !options->tags[index].key || !options->tags[index].value)
            return 0;
    return !options->hint_dest_path == !options->hint_mode;
}

static const char *destination(const oort_options *options)
{
    return options && options->destination ? options->destination : "ground";
}

/* A key that no other request has, or the caller's; NULL where the system has none. */
static const char *key_of(const oort_options *options, char own[KEY_BYTES])
{
    unsigned char octets[(KEY_BYTES - 1) / 2];
    ssize_t count;
    int file;
    if (options && options->key)
        return options->key;
    file = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return NULL;
    count = read(file, octets, sizeof octets);
    close(file);
    if (count != (ssize_t)sizeof octets)
        return NULL;
    for (size_t index = 0; index < sizeof octets; index++)
        snprintf(own + 2 * index, 3, "%02x", (unsigned)octets[index]);
    return own;
}

static oort_result read_uuid(oort_agent *agent, oort_result result, oort_span answer, char *uuid)
{
    if (result != OORT_OK)
        return result;
    if (!oort_json_text_of(answer, "UUID", uuid, OORT_UUID_BYTES))
        return oort_no_answer(agent);
    return OORT_OK;
}

oort_result oort_send_file(oort_agent *agent, const char *path, const char *topic,
                           const oort_options *options, char uuid[OORT_UUID_BYTES])
{
    char octets[OORT_BODY_BYTES];
    char own_key[KEY_BYTES];
    oort_text body = {octets, octets + sizeof octets, 0};
    oort_request request;
    oort_span answer = {NULL, NULL};
    oort_result result;
    if (!path || !topic || !uuid || !is_complete(options))
        return oort_bad_argument(agent, "path, topic, uuid, and what is of one in options");
    oort_put(&body, "{\"destination\":");
    oort_put_string(&body, destination(options));
    oort_put(&body, ",\"filepath\":");
    oort_put_string(&body, path);
    oort_put(&body, ",\"topic\":");
    oort_put_string(&body, topic);
    if (options) {
        oort_put(&body, ",\"options\":");
        put_options(&body, options);
    }
    oort_put(&body, "}");
    memset(&request, 0, sizeof request);
    request.is_of_file = 1;
    request.key = key_of(options, own_key);
    request.once = request.key == NULL;
    result = oort_post(agent, &request, "/sdk/v1/send_file", &body, octets, &answer);
    return read_uuid(agent, result, answer, uuid);
}

oort_result oort_send_body(oort_agent *agent, const void *octets, size_t bytes, const char *topic,
                           const char *name, const oort_options *options,
                           char uuid[OORT_UUID_BYTES])
{
    char url[OORT_PATH_BYTES];
    char said[OORT_PATH_BYTES];
    char own_key[KEY_BYTES];
    oort_text path = {url, url + sizeof url, 0};
    oort_text words = {said, said + sizeof said, 0};
    oort_request request;
    oort_span answer = {NULL, NULL};
    oort_result result;
    if ((!octets && bytes) || !topic || !name || !uuid || !is_complete(options))
        return oort_bad_argument(agent, "octets, topic, name, uuid, and what is of one in options");
    oort_put(&path, "/sdk/v2/files?topic=");
    oort_put_url(&path, topic);
    oort_put(&path, "&name=");
    oort_put_url(&path, name);
    oort_put(&path, "&destination=");
    oort_put_url(&path, destination(options));
    if (options) {
        put_options(&words, options);
        if (!oort_end(&words))
            return oort_too_long(agent);
        oort_put(&path, "&options=");
        oort_put_url(&path, said);
    }
    if (!oort_end(&path))
        return oort_too_long(agent);
    memset(&request, 0, sizeof request);
    request.method = "POST";
    request.path = url;
    request.kind = "application/octet-stream";
    request.key = key_of(options, own_key);
    request.once = request.key == NULL;
    request.is_of_file = 1;
    request.body = octets;
    request.body_bytes = bytes;
    result = oort_exchange(agent, &request, &answer);
    return read_uuid(agent, result, answer, uuid);
}
