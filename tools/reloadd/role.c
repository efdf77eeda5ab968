/* role.c: what a node does beside being a peer: a table of roles, switched on by 'roles'.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/reloadd/role.h"

#include "reload/base/json.h"

#include <stdio.h>

/* Roles that share a service name the same one. */
static const struct {
    const char *name;
    const struct service *service;
} roles[] = {
    {"registrar", &sip_service},
    {"proxy", &sip_service},
    {"turn", &turn_service},
};

static const struct service *const services[] = {&sip_service, &turn_service};
enum { SERVICES = sizeof services / sizeof *services };
_Static_assert(SERVICES <= SETTINGS_ROLES_MAX, "a place for each service");

static bool
is_wanted(const struct settings *settings, const char *name)
{
    for (size_t i = 0; i < settings->role_count; i++)
        if (strcmp(settings->roles[i], name) == 0)
            return true;
    return false;
}

bool
role_is_on(const struct daemon *daemon, const char *name)
{
    return is_wanted(&daemon->settings, name);
}

static const struct service *
service_of(const char *name)
{
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if (strcmp(roles[i].name, name) == 0)
            return roles[i].service;
    return NULL;
}

int
roles_check(const struct daemon *daemon, char *reason)
{
    const struct settings *settings = &daemon->settings;
    for (size_t i = 0; i < settings->role_count; i++) {
        if (service_of(settings->roles[i]))
            continue;
        (void)snprintf(reason, SETTINGS_REASON_SIZE,
                       "unknown role '%s' in [node]; there are: registrar, proxy, turn",
                       settings->roles[i]);
        return RELOAD_E_CONFIG;
    }
    return 0;
}

int
roles_open(struct daemon *daemon, char *reason)
{
    const struct settings *settings = &daemon->settings;
    for (size_t s = 0; s < SERVICES; s++) {
        bool wanted = false;
        for (size_t i = 0; i < settings->role_count; i++)
            wanted |= service_of(settings->roles[i]) == services[s];
        if (!wanted)
            continue;
        int error = services[s]->open(daemon, &daemon->roles[s], reason);
        if (error)
            return error;
    }
    return 0;
}

void
roles_close(struct daemon *daemon)
{
    for (size_t s = SERVICES; s > 0; s--)
        if (daemon->roles[s - 1])
            services[s - 1]->close(daemon->roles[s - 1]);
    memset(daemon->roles, 0, sizeof daemon->roles);
}

void *
role_state(const struct daemon *daemon, const struct service *service)
{
    for (size_t s = 0; s < SERVICES; s++)
        if (services[s] == service)
            return daemon->roles[s];
    return NULL;
}

void
roles_print(const struct daemon *daemon, struct reload_json *json)
{
    for (size_t s = 0; s < SERVICES; s++) {
        if (!daemon->roles[s])
            continue;
        reload_json_key(json, services[s]->name);
        services[s]->print(daemon->roles[s], json);
    }
}
