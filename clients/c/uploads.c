#include "exchange.h"
#include "json.h"

#include <string.h>

static int read_file(oort_span object, oort_file *file)
{
    oort_span path, hints, to, mode;
    int has_hints = oort_json_member(object, "delivery_hints", &hints);
    int has_to = has_hints && oort_json_member(hints, "dest_path", &to);
    int has_mode = has_hints && oort_json_member(hints, "mode", &mode);
    if (!oort_json_text_of(object, "id", file->id, sizeof file->id)
        || !oort_json_text_of(object, "crc32", file->crc32, sizeof file->crc32)
        || !oort_json_integer_of(object, "size", &file->size)
        || !oort_json_integer_of(object, "modified", &file->modified)
        || !oort_json_integer_of(object, "created", &file->created)
        || !oort_json_member(object, "path", &path))
        return 0;
    file->path = oort_json_take_string(path);
    file->hint_dest_path = oort_json_taken(has_to, to, NULL);
    file->hint_mode = oort_json_taken(has_mode, mode, NULL);
    return file->path != NULL;
}

oort_result oort_query_available_files(oort_agent *agent, const char *topic, oort_file *files,
                                       size_t max, size_t *count, int *overflow)
{
    char url[OORT_PATH_BYTES];
    oort_text path = {url, url + sizeof url, 0};
    oort_span answer, list, rest, each, more;
    oort_result result;
    int has_more;
    if (!topic || !files || !count)
        return oort_bad_argument(agent, "topic, files, count");
    *count = 0;
    oort_put(&path, "/sdk/v1/query_available_files/");
    oort_put_url(&path, topic);
    if (!oort_end(&path))
        return oort_too_long(agent);
    result = oort_get(agent, url, &answer);
    if (result != OORT_OK)
        return result;
    has_more = oort_json_member(answer, "overflow", &more) && oort_json_is_true(more);
    if (!oort_json_member(answer, "files", &list) || !oort_json_elements(list, &rest))
        return oort_no_answer(agent);
    while (oort_json_next(&rest, &each)) {
        if (*count == max) {
            has_more = 1;
            break;
        }
        if (!read_file(each, &files[*count]))
            return oort_no_answer(agent);
        ++*count;
    }
    if (overflow)
        *overflow = has_more;
    return OORT_OK;
}

oort_result oort_retrieve_file(oort_agent *agent, const char *id, const char *save_path,
                               oort_file *file)
{
    char octets[OORT_BODY_BYTES];
    oort_text body = {octets, octets + sizeof octets, 0};
    oort_request request;
    oort_file other;
    oort_span answer;
    oort_result result;
    if (!id || !save_path)
        return oort_bad_argument(agent, "id, save_path");
    oort_put(&body, "{\"id\":");
    oort_put_string(&body, id);
    oort_put(&body, ",\"save_path\":");
    oort_put_string(&body, save_path);
    oort_put(&body, "}");
    memset(&request, 0, sizeof request);
    request.is_of_file = 1;
    request.once = 1;
    result = oort_post(agent, &request, "/sdk/v1/retrieve_file", &body, octets, &answer);
    if (result != OORT_OK)
        return result;
    return read_file(answer, file ? file : &other) ? OORT_OK : oort_no_answer(agent);
}
