#include "exchange.h"
#include "json.h"

#include <stdio.h>
#include <string.h>

/* Between two looks at an item that is waited for. */
#define WAIT_PAUSE_MS 50
#define WAIT_PAUSE_MS_MAX 5000

static int read_item(oort_span object, oort_item *item)
{
    oort_span topic, reason, receipt;
    int has_reason = oort_json_member(object, "reason", &reason);
    memset(item, 0, sizeof *item);
    item->has_receipt = oort_json_member(object, "receipt", &receipt);
    if (!oort_json_text_of(object, "uuid", item->uuid, sizeof item->uuid)
        || !oort_json_text_of(object, "state", item->state, sizeof item->state)
        || !oort_json_integer_of(object, "handed_over", &item->handed_over)
        || !oort_json_integer_of(object, "size", &item->size)
        || !oort_json_member(object, "topic", &topic))
        return 0;
    /* Which of these there are, depends on its state. */
    oort_json_text_of(object, "stage", item->stage, sizeof item->stage);
    oort_json_integer_of(object, "stage_until", &item->stage_until);
    oort_json_integer_of(object, "ended", &item->ended);
    item->has_ended = strcmp(item->state, "waiting") != 0 && strcmp(item->state, "out") != 0;
    item->is_ok = strcmp(item->state, "delivered") == 0 || strcmp(item->state, "collected") == 0;
    item->topic = oort_json_take_string(topic);
    item->reason = oort_json_taken(has_reason, reason, "");
    return item->topic != NULL;
}

/* Where an item is, and what is asked of it. */
static int item_path(oort_text *path, const char *uuid, const char *what)
{
    oort_put(path, "/sdk/v2/files/");
    oort_put_url(path, uuid);
    oort_put(path, what);
    return oort_end(path);
}

oort_result oort_status(oort_agent *agent, const char *uuid, oort_item *item)
{
    char url[OORT_PATH_BYTES];
    oort_text path = {url, url + sizeof url, 0};
    oort_span answer;
    oort_result result;
    if (!uuid || !item)
        return oort_bad_argument(agent, "uuid, item");
    if (!item_path(&path, uuid, ""))
        return oort_too_long(agent);
    result = oort_get(agent, url, &answer);
    if (result != OORT_OK)
        return result;
    return read_item(answer, item) ? OORT_OK : oort_no_answer(agent);
}

oort_result oort_wait(oort_agent *agent, const char *uuid, int timeout_ms, oort_item *item)
{
    const int64_t until = oort_clock_ms() + timeout_ms;
    int64_t pause = WAIT_PAUSE_MS;
    for (;;) {
        int64_t left;
        oort_result result = oort_status(agent, uuid, item);
        if (result != OORT_OK || item->is_ok)
            return result;
        if (item->has_ended) {
            snprintf(agent->message, sizeof agent->message, "it ended as %s: %s", item->state,
                     item->reason[0] ? item->reason : "no reason was said");
            return OORT_NOT_DELIVERED;
        }
        left = timeout_ms < 0 ? pause : until - oort_clock_ms();
        if (left <= 0)
            return oort_fail(agent, OORT_NOT_ENDED, oort_result_text(OORT_NOT_ENDED));
        oort_sleep_ms(pause < left ? pause : left);
        pause = pause * 2 < WAIT_PAUSE_MS_MAX ? pause * 2 : WAIT_PAUSE_MS_MAX;
    }
}

static oort_result read_page(oort_agent *agent, oort_span answer, char *cursor, oort_item *items,
                             size_t max, size_t *count)
{
    oort_span list, rest, each;
    oort_span next;
    /* The last page has none. */
    cursor[0] = '\0';
    if (oort_json_member(answer, "next", &next)
        && !oort_json_string(next, cursor, OORT_CURSOR_BYTES))
        return oort_no_answer(agent);
    if (!oort_json_member(answer, "files", &list) || !oort_json_elements(list, &rest))
        return oort_no_answer(agent);
    while (*count < max && oort_json_next(&rest, &each)) {
        if (!read_item(each, &items[*count]))
            return oort_no_answer(agent);
        ++*count;
    }
    return OORT_OK;
}

oort_result oort_list(oort_agent *agent, const char *topic, const char *state,
                      char cursor[OORT_CURSOR_BYTES], oort_item *items, size_t max,
                      size_t *count)
{
    char url[OORT_PATH_BYTES];
    oort_text path = {url, url + sizeof url, 0};
    oort_span answer;
    oort_result result;
    if (!cursor || !items || !max || !count)
        return oort_bad_argument(agent, "cursor, items, max, count");
    *count = 0;
    oort_put(&path, "/sdk/v2/files?limit=");
    oort_put_integer(&path, (int64_t)max);
    if (topic) {
        oort_put(&path, "&topic=");
        oort_put_url(&path, topic);
    }
    if (state) {
        oort_put(&path, "&state=");
        oort_put_url(&path, state);
    }
    if (cursor[0]) {
        oort_put(&path, "&cursor=");
        oort_put_url(&path, cursor);
    }
    if (!oort_end(&path))
        return oort_too_long(agent);
    result = oort_get(agent, url, &answer);
    return result == OORT_OK ? read_page(agent, answer, cursor, items, max, count) : result;
}

/* Posts something about an item, which it stands as then. */
static oort_result change(oort_agent *agent, const char *uuid, const char *what, int once,
                          oort_text *body, const char *octets, oort_item *item)
{
    char url[OORT_PATH_BYTES];
    oort_text path = {url, url + sizeof url, 0};
    oort_request request;
    oort_item other;
    oort_span answer;
    oort_result result;
    if (!item_path(&path, uuid, what))
        return oort_too_long(agent);
    memset(&request, 0, sizeof request);
    request.once = once;
    result = oort_post(agent, &request, url, body, octets, &answer);
    if (result != OORT_OK)
        return result;
    return read_item(answer, item ? item : &other) ? OORT_OK : oort_no_answer(agent);
}

oort_result oort_cancel(oort_agent *agent, const char *uuid, oort_item *item)
{
    char octets[] = "{}";
    oort_text body = {octets + 2, octets + sizeof octets, 0};
    if (!uuid)
        return oort_bad_argument(agent, "uuid");
    return change(agent, uuid, "/cancel", 1, &body, octets, item);
}

oort_result oort_reprioritise(oort_agent *agent, const char *uuid, const char *stage,
                              oort_item *item)
{
    char octets[OORT_BODY_BYTES];
    oort_text body = {octets, octets + sizeof octets, 0};
    if (!uuid || !stage)
        return oort_bad_argument(agent, "uuid, stage");
    oort_put(&body, "{\"stage\":");
    oort_put_string(&body, stage);
    oort_put(&body, "}");
    return change(agent, uuid, "/priority", 0, &body, octets, item);
}

oort_result oort_get_receipt(oort_agent *agent, const char *uuid, oort_receipt *receipt)
{
    char url[OORT_PATH_BYTES];
    oort_text path = {url, url + sizeof url, 0};
    oort_span answer, bucket, key, signature;
    oort_result result;
    if (!uuid || !receipt)
        return oort_bad_argument(agent, "uuid, receipt");
    if (!item_path(&path, uuid, "/receipt"))
        return oort_too_long(agent);
    result = oort_get(agent, url, &answer);
    if (result != OORT_OK)
        return result;
    if (!oort_json_text_of(answer, "uuid", receipt->uuid, sizeof receipt->uuid)
        || !oort_json_text_of(answer, "sha256", receipt->sha256, sizeof receipt->sha256)
        || !oort_json_integer_of(answer, "size", &receipt->size)
        || !oort_json_integer_of(answer, "time", &receipt->time)
        || !oort_json_member(answer, "bucket", &bucket)
        || !oort_json_member(answer, "key", &key)
        || !oort_json_member(answer, "signature", &signature))
        return oort_no_answer(agent);
    receipt->bucket = oort_json_take_string(bucket);
    receipt->key = oort_json_take_string(key);
    receipt->signature = oort_json_take_string(signature);
    return receipt->bucket && receipt->key && receipt->signature ? OORT_OK : oort_no_answer(agent);
}
