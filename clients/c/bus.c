#include "exchange.h"
#include "json.h"

#include <string.h>

oort_result oort_get_adcs(oort_agent *agent, oort_adcs *adcs)
{
    oort_span answer;
    oort_result result;
    if (!adcs)
        return oort_bad_argument(agent, "adcs");
    result = oort_get(agent, "/sdk/v1/adcs", &answer);
    if (result != OORT_OK)
        return result;
    if (!oort_json_text_of(answer, "mode", adcs->mode, sizeof adcs->mode)
        || !oort_json_double_of(answer, "age", &adcs->age))
        return oort_no_answer(agent);
    return OORT_OK;
}

oort_result oort_command_adcs(oort_agent *agent, const oort_adcs_command *command,
                              oort_adcs_outcome *outcome)
{
    char octets[OORT_BODY_BYTES];
    char status[OORT_WORD_BYTES];
    oort_text body = {octets, octets + sizeof octets, 0};
    oort_request request;
    oort_span answer, reason;
    oort_result result;
    int has_reason;
    if (!command || !command->command || !outcome)
        return oort_bad_argument(agent, "command, outcome");
    oort_put(&body, "{\"command\":");
    oort_put_string(&body, command->command);
    if (command->aperture) {
        oort_put(&body, ",\"aperture\":");
        oort_put_string(&body, command->aperture);
    }
    if (command->has_target) {
        oort_put(&body, ",\"target\":{\"lat\":");
        oort_put_double(&body, command->target_lat);
        oort_put(&body, ",\"lon\":");
        oort_put_double(&body, command->target_lon);
        oort_put(&body, "}");
    }
    oort_put(&body, "}");
    memset(&request, 0, sizeof request);
    request.once = 1;
    result = oort_post(agent, &request, "/sdk/v1/adcs", &body, octets, &answer);
    if (result != OORT_OK)
        return result;
    if (!oort_json_text_of(answer, "status", status, sizeof status)
        || !oort_json_text_of(answer, "mode", outcome->mode, sizeof outcome->mode))
        return oort_no_answer(agent);
    has_reason = oort_json_member(answer, "reason", &reason);
    outcome->is_ok = strcmp(status, "OK") == 0;
    outcome->reason = oort_json_taken(has_reason, reason, "");
    return OORT_OK;
}

oort_result oort_get_tfrs(oort_agent *agent, oort_tfrs *tfrs)
{
    static const char *const POSITION[] = {"ecef_pos_x", "ecef_pos_y", "ecef_pos_z"};
    static const char *const VELOCITY[] = {"ecef_vel_x", "ecef_vel_y", "ecef_vel_z"};
    oort_span answer;
    oort_result result;
    if (!tfrs)
        return oort_bad_argument(agent, "tfrs");
    result = oort_get(agent, "/sdk/v1/tfrs", &answer);
    if (result != OORT_OK)
        return result;
    if (!oort_json_double_of(answer, "age", &tfrs->age)
        || !oort_json_double_of(answer, "utc_time", &tfrs->utc_time))
        return oort_no_answer(agent);
    for (int axis = 0; axis < 3; axis++)
        if (!oort_json_double_of(answer, POSITION[axis], &tfrs->ecef_pos[axis])
            || !oort_json_double_of(answer, VELOCITY[axis], &tfrs->ecef_vel[axis]))
            return oort_no_answer(agent);
    return OORT_OK;
}
