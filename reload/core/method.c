/* method.c: the map of the protocol: which request is handled where.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/handler.h"

#include <stddef.h>

static const struct reload_method methods[] = {
    {.request_code = RELOAD_MESSAGE_PROBE_REQ,
     .name = "Probe",
     .section = "6.4.2.5",
     .handle = reload_handle_probe},
    {.request_code = RELOAD_MESSAGE_ATTACH_REQ,
     .name = "Attach",
     .section = "6.5.1",
     .handle = reload_handle_attach,
     .remember = true,
     .unattached = true},
    {.request_code = RELOAD_MESSAGE_STORE_REQ,
     .name = "Store",
     .section = "7.4.1",
     .handle = reload_handle_store,
     .remember = true},
    {.request_code = RELOAD_MESSAGE_FETCH_REQ,
     .name = "Fetch",
     .section = "7.4.2",
     .handle = reload_handle_fetch},
    {.request_code = RELOAD_MESSAGE_FIND_REQ,
     .name = "Find",
     .section = "7.4.4",
     .handle = reload_handle_find},
    {.request_code = RELOAD_MESSAGE_JOIN_REQ,
     .name = "Join",
     .section = "6.4.2.1",
     .handle = reload_handle_topology,
     .remember = true},
    {.request_code = RELOAD_MESSAGE_LEAVE_REQ,
     .name = "Leave",
     .section = "6.4.2.2",
     .handle = reload_handle_topology,
     .remember = true},
    {.request_code = RELOAD_MESSAGE_UPDATE_REQ,
     .name = "Update",
     .section = "6.4.2.3",
     .handle = reload_handle_topology,
     .remember = true},
    {.request_code = RELOAD_MESSAGE_ROUTE_QUERY_REQ,
     .name = "RouteQuery",
     .section = "6.4.2.4",
     .handle = reload_handle_topology},
    {.request_code = RELOAD_MESSAGE_PING_REQ,
     .name = "Ping",
     .section = "6.5.3",
     .handle = reload_handle_ping,
     .unattached = true},
    {.request_code = RELOAD_MESSAGE_STAT_REQ,
     .name = "Stat",
     .section = "7.4.3",
     .handle = reload_handle_stat},
    {.request_code = RELOAD_MESSAGE_APP_ATTACH_REQ,
     .name = "AppAttach",
     .section = "6.5.2",
     .handle = reload_handle_app_attach,
     .remember = true},
    {.request_code = RELOAD_MESSAGE_CONFIG_UPDATE_REQ,
     .name = "ConfigUpdate",
     .section = "6.5.4",
     .handle = reload_handle_config_update},
};

const struct reload_method *
reload_method_find(uint16_t code)
{
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (methods[i].request_code == code)
            return &methods[i];
    return NULL;
}
