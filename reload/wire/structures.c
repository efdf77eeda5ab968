/* structures.c: finds structures by name and by message code.
 *
 * RFC 6940 6.3.3, 14.8. SPDX-License-Identifier: BSD-2-Clause */
#include "reload/wire/structures.h"

#include "reload/wire/wire.h"

/* The bodies of messages. Those of Update and RouteQueryAns are the topology's: 10.7, 10.8. */
static const struct body {
    uint16_t message_code;
    const char *structure;
} bodies[] = {
    {RELOAD_MESSAGE_PROBE_REQ, "ProbeReq"},
    {RELOAD_MESSAGE_PROBE_ANS, "ProbeAns"},
    {RELOAD_MESSAGE_ATTACH_REQ, "AttachReqAns"},
    {RELOAD_MESSAGE_ATTACH_ANS, "AttachReqAns"},
    {RELOAD_MESSAGE_STORE_REQ, "StoreReq"},
    {RELOAD_MESSAGE_STORE_ANS, "StoreAns"},
    {RELOAD_MESSAGE_FETCH_REQ, "FetchReq"},
    {RELOAD_MESSAGE_FETCH_ANS, "FetchAns"},
    {RELOAD_MESSAGE_FIND_REQ, "FindReq"},
    {RELOAD_MESSAGE_FIND_ANS, "FindAns"},
    {RELOAD_MESSAGE_JOIN_REQ, "JoinReq"},
    {RELOAD_MESSAGE_JOIN_ANS, "JoinAns"},
    {RELOAD_MESSAGE_LEAVE_REQ, "LeaveReq"},
    {RELOAD_MESSAGE_LEAVE_ANS, "LeaveAns"},
    {RELOAD_MESSAGE_UPDATE_REQ, "ChordUpdate"},
    {RELOAD_MESSAGE_UPDATE_ANS, "UpdateAns"},
    {RELOAD_MESSAGE_ROUTE_QUERY_REQ, "RouteQueryReq"},
    {RELOAD_MESSAGE_ROUTE_QUERY_ANS, "ChordRouteQueryAns"},
    {RELOAD_MESSAGE_PING_REQ, "PingReq"},
    {RELOAD_MESSAGE_PING_ANS, "PingAns"},
    {RELOAD_MESSAGE_STAT_REQ, "StatReq"},
    {RELOAD_MESSAGE_STAT_ANS, "StatAns"},
    {RELOAD_MESSAGE_APP_ATTACH_REQ, "AppAttachReq"},
    {RELOAD_MESSAGE_APP_ATTACH_ANS, "AppAttachAns"},
    {RELOAD_MESSAGE_CONFIG_UPDATE_REQ, "ConfigUpdateReq"},
    {RELOAD_MESSAGE_CONFIG_UPDATE_ANS, "ConfigUpdateAns"},
    {RELOAD_MESSAGE_ERROR, "ErrorResponse"},
};

const struct reload_structure *
reload_structure_find(const char *name)
{
    for (size_t i = 0; i < reload_structure_count; i++)
        if (strcmp(reload_structures[i].name, name) == 0)
            return &reload_structures[i];
    return NULL;
}

const struct reload_structure *
reload_structure_of_message(uint16_t message_code)
{
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        if (bodies[i].message_code == message_code)
            return reload_structure_find(bodies[i].structure);
    return NULL;
}
