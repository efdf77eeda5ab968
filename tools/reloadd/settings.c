/* settings.c: reloadd's configuration file.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/reloadd/settings.h"

#include "reload/run/env_host.h"
#include "reload/run/socket_address.h"
#include "tools/reloadd/control_path.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RELOAD_PORT 6084
#define SIP_PORT 5060

struct reading {
    struct settings *settings;
    char folder[PATH_MAX]; /* of the file, with its last slash; "" for the working directory */
    char problem[SETTINGS_REASON_SIZE / 2];
};

typedef bool setter_fn(struct reading *reading, size_t offset, const char *value);

static bool
refuse(struct reading *reading, const char *value, const char *wanted)
{
    (void)snprintf(reading->problem, sizeof reading->problem, "'%.80s' is not %s", value, wanted);
    return false;
}

static void *
field(struct reading *reading, size_t offset)
{
    return (char *)reading->settings + offset;
}

static bool
set_path(struct reading *reading, size_t offset, const char *value)
{
    int size = snprintf(field(reading, offset), PATH_MAX, "%s%s",
                        *value == '/' ? "" : reading->folder, value);
    return (size > 0 && size < PATH_MAX && *value) || refuse(reading, value, "a path");
}

static bool
set_state(struct reading *reading, size_t offset, const char *value)
{
    if (strcmp(value, "none") != 0)
        return set_path(reading, offset, value);
    *(char *)field(reading, offset) = '\0';
    return true;
}

static bool
set_name(struct reading *reading, size_t offset, const char *value)
{
    int size = snprintf(field(reading, offset), RELOAD_CONFIG_NAME_MAX + 1, "%s", value);
    return size <= RELOAD_CONFIG_NAME_MAX || refuse(reading, value, "an overlay's name");
}

static bool
set_boolean(struct reading *reading, size_t offset, const char *value)
{
    bool yes = strcmp(value, "yes") == 0;
    if (!yes && strcmp(value, "no") != 0)
        return refuse(reading, value, "'yes' or 'no'");
    *(bool *)field(reading, offset) = yes;
    return true;
}

static bool
set_choice(struct reading *reading, size_t offset, const char *value)
{
    enum settings_choice *choice = field(reading, offset);
    if (strcmp(value, "on") == 0)
        *choice = SETTINGS_ON;
    else if (strcmp(value, "off") == 0)
        *choice = SETTINGS_OFF;
    else
        return refuse(reading, value, "'on' or 'off'");
    return true;
}

static bool
set_address(struct reading *reading, size_t offset, const char *value)
{
    uint16_t port = offset == offsetof(struct settings, sip_listen)    ? SIP_PORT
                    : offset == offsetof(struct settings, turn.listen) ? TURN_PORT
                                                                       : RELOAD_PORT;
    return reload_address_parse(value, port, field(reading, offset)) == 0 ||
           refuse(reading, value, "an address such as 192.0.2.1:6084 or [2001:db8::1]:6084");
}

/* The port may be left out: it is that of 'listen'. */
static bool
set_external_address(struct reading *reading, size_t offset, const char *value)
{
    return reload_address_parse(value, 0, field(reading, offset)) == 0 ||
           refuse(reading, value, "an address such as 192.0.2.1 or 192.0.2.1:3478");
}

static bool
set_ports(struct reading *reading, size_t offset, const char *value)
{
    return turn_settings_ports(value, field(reading, offset)) ||
           refuse(reading, value, "a range of ports such as 49152-65535");
}

static bool
set_number(struct reading *reading, size_t offset, const char *value)
{
    return turn_settings_number(value, 1000000, field(reading, offset)) ||
           refuse(reading, value, "a number, at most 1000000");
}

static bool
set_networks(struct reading *reading, size_t offset, const char *value)
{
    return turn_settings_networks(value, field(reading, offset)) ||
           refuse(reading, value, "a list of at most 16 networks such as 10.0.0.0/8, fd00::/8");
}

static bool
set_prefer(struct reading *reading, size_t offset, const char *value)
{
    enum reload_link_protocol *prefer = field(reading, offset);
    if (strcmp(value, "tls") == 0)
        *prefer = RELOAD_LINK_PROTOCOL_TLS;
    else if (strcmp(value, "dtls") == 0)
        *prefer = RELOAD_LINK_PROTOCOL_DTLS;
    else
        return refuse(reading, value, "'tls' or 'dtls'");
    return true;
}

static bool
set_log(struct reading *reading, size_t offset, const char *value)
{
    return reload_log_level_parse(value, field(reading, offset)) == 0 ||
           refuse(reading, value, "'error', 'warning', 'info' or 'debug'");
}

static bool
set_roles(struct reading *reading, size_t offset, const char *value)
{
    (void)offset;
    struct settings *settings = reading->settings;
    char text[256];
    if (strlen(value) >= sizeof text)
        return refuse(reading, value, "a list of roles");
    memcpy(text, value, strlen(value) + 1);
    char *rest = NULL;
    settings->role_count = 0;
    for (char *role = strtok_r(text, ", \t", &rest); role; role = strtok_r(NULL, ", \t", &rest)) {
        if (settings->role_count == SETTINGS_ROLES_MAX || strlen(role) >= sizeof settings->roles[0])
            return refuse(reading, value, "a list of roles");
        (void)snprintf(settings->roles[settings->role_count++], sizeof settings->roles[0], "%s",
                       role);
    }
    return true;
}

/* The first line of a file that others cannot read. */
static bool
set_secret(struct reading *reading, size_t offset, const char *value)
{
    char path[PATH_MAX], *secret = field(reading, offset);
    (void)snprintf(path, sizeof path, "%s%s", *value == '/' ? "" : reading->folder, value);
    FILE *file = fopen(path, "re");
    struct stat status;
    if (file && (fstat(fileno(file), &status) != 0 || (status.st_mode & 077))) {
        (void)fclose(file);
        return refuse(reading, value, "a file that only its owner can read (chmod 600)");
    }
    bool ok = file && fgets(secret, SETTINGS_SECRET_MAX + 1, file) && strcspn(secret, "\r\n") > 0;
    if (file)
        (void)fclose(file);
    secret[strcspn(secret, "\r\n")] = '\0';
    return ok || refuse(reading, value, "a file with a password in its first line");
}

static const struct {
    const char *section, *name;
    setter_fn *set;
    size_t offset;
} rows[] = {
    {"node", "document", set_path, offsetof(struct settings, document)},
    {"node", "certificate", set_path, offsetof(struct settings, certificate)},
    {"node", "key", set_path, offsetof(struct settings, key)},
    {"node", "overlay", set_name, offsetof(struct settings, overlay)},
    {"node", "strict-config", set_boolean, offsetof(struct settings, strict_config)},
    {"node", "listen", set_address, offsetof(struct settings, listen)},
    {"node", "prefer", set_prefer, offsetof(struct settings, prefer)},
    {"node", "client", set_boolean, offsetof(struct settings, client)},
    {"node", "first-node", set_boolean, offsetof(struct settings, first_node)},
    {"node", "control", set_path, offsetof(struct settings, control)},
    {"node", "state", set_state, offsetof(struct settings, state)},
    {"node", "durable", set_boolean, offsetof(struct settings, durable)},
    {"node", "log", set_log, offsetof(struct settings, log)},
    {"node", "roles", set_roles, 0},
    {"node", "turn", set_choice, offsetof(struct settings, turn_use)},
    {"sip", "listen", set_address, offsetof(struct settings, sip_listen)},
    {"sip", "remote-phones", set_boolean, offsetof(struct settings, sip_remote_phones)},
    {"sip", "rtp-relay", set_choice, offsetof(struct settings, rtp_relay)},
    {"sip", "password-file", set_secret, offsetof(struct settings, sip_password)},
    {"turn", "listen", set_address, offsetof(struct settings, turn.listen)},
    {"turn", "external-address", set_external_address, offsetof(struct settings, turn.external)},
    {"turn", "ports", set_ports, offsetof(struct settings, turn)},
    {"turn", "max-bitrate", set_number, offsetof(struct settings, turn.max_bitrate_kbps)},
    {"turn", "user-quota", set_number, offsetof(struct settings, turn.user_quota)},
    {"turn", "total-quota", set_number, offsetof(struct settings, turn.total_quota)},
    {"turn", "allow", set_networks, offsetof(struct settings, turn.allow)},
};

static bool
is_section(const char *name)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(name, rows[i].section) == 0)
            return true;
    return false;
}

static void
refuse_unknown(struct reading *reading, const char *section, const char *name)
{
    char *problem = reading->problem;
    if (!is_section(section)) {
        (void)snprintf(problem, sizeof reading->problem,
                       "unknown section [%.32s]; there are: [node] [sip] [turn]", section);
        return;
    }
    int used = snprintf(problem, sizeof reading->problem,
                        "unknown setting '%.32s' in section [%.32s]; there are:", name, section);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(section, rows[i].section) == 0 && (size_t)used < sizeof reading->problem)
            used += snprintf(problem + used, sizeof reading->problem - (size_t)used, " %s",
                             rows[i].name);
}

static int
take(void *argument, const char *section, const char *name, const char *value)
{
    struct reading *reading = argument;
    if (*reading->problem)
        return 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(section, rows[i].section) == 0 && strcmp(name, rows[i].name) == 0)
            return rows[i].set(reading, rows[i].offset, value);
    refuse_unknown(reading, section, name);
    return 0;
}

static int
require(const struct settings *settings, const char *path, char *reason)
{
    const char *missing = !*settings->document      ? "document"
                          : !*settings->certificate ? "certificate"
                          : !*settings->key         ? "key"
                                                    : NULL;
    if (!missing)
        return 0;
    (void)snprintf(reason, SETTINGS_REASON_SIZE,
                   "%.200s: '%s' is missing in section [node]; say where that file is", path,
                   missing);
    return RELOAD_E_CONFIG;
}

int
settings_read(const char *path, struct settings *settings, char *reason)
{
    struct reading reading = {.settings = settings};
    *settings =
        (struct settings){.listen = {.family = 4, .port = RELOAD_PORT},
                          .turn = turn_settings_default,
                          .sip_listen = {.family = 4, .octets = {127, 0, 0, 1}, .port = SIP_PORT},
                          .log = RELOAD_LOG_INFO};
    control_path_default(settings->control);
    const char *slash = strrchr(path, '/');
    if (slash && (size_t)(slash - path) + 1 < sizeof reading.folder)
        memcpy(reading.folder, path, (size_t)(slash - path) + 1);
    if (!set_path(&reading, offsetof(struct settings, state), "reloadd.state"))
        settings->state[0] = '\0';
    int line = ini_parse(path, take, &reading);
    if (line == -1) {
        (void)snprintf(reason, SETTINGS_REASON_SIZE,
                       "%.200s: cannot be read: %s; --config FILE says where the configuration is",
                       path, strerror(errno));
        return RELOAD_E_CONFIG;
    }
    if (line != 0) {
        (void)snprintf(reason, SETTINGS_REASON_SIZE, "%.200s, line %d: %s", path, line,
                       *reading.problem ? reading.problem : "neither [section] nor name = value");
        return RELOAD_E_CONFIG;
    }
    return require(settings, path, reason);
}
