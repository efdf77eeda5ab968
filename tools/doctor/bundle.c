/* bundle.c: a report of everything that was found, to be sent to somebody who can help.
 *
 * It holds what others in the overlay may know anyway, and counters: no keys, no passwords.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/run/socket_address.h"
#include "tools/doctor/checkup.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static json_t *
settings_of(const struct checkup *checkup)
{
    const struct settings *settings = &checkup->daemon.settings;
    char listen[RELOAD_ADDRESS_TEXT_SIZE], sip[RELOAD_ADDRESS_TEXT_SIZE];
    json_t *roles = json_array();
    for (size_t i = 0; i < settings->role_count; i++)
        (void)json_array_append_new(roles, json_string(settings->roles[i]));
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:s, s:s, s:o, s:s, s:b}", "path",
                     checkup->path, "document", settings->document, "certificate",
                     settings->certificate, "overlay", settings->overlay, "listen",
                     reload_address_text(&settings->listen, listen), "client", settings->client,
                     "first_node", settings->first_node, "strict_config", settings->strict_config,
                     "control", settings->control, "prefer",
                     settings->prefer == RELOAD_LINK_PROTOCOL_TLS    ? "tls"
                     : settings->prefer == RELOAD_LINK_PROTOCOL_DTLS ? "dtls"
                                                                     : "the document's",
                     "roles", roles, "sip_listen", reload_address_text(&settings->sip_listen, sip),
                     "remote_phones", settings->sip_remote_phones);
}

static json_t *
certificate_of(const struct checkup *checkup)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    json_t *value = NULL;
    if (bio && PEM_write_bio_X509(bio, checkup->daemon.certificate) == 1) {
        long size = BIO_get_mem_data(bio, &text);
        value = json_stringn(text, (size_t)size);
    }
    BIO_free(bio);
    return value;
}

static json_t *
host(void)
{
    struct utsname name = {0};
    char now[32] = "";
    time_t seconds = time(NULL);
    struct tm parts;
    if (gmtime_r(&seconds, &parts))
        (void)strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", &parts);
    (void)uname(&name);
    return json_pack("{s:s, s:s, s:s, s:s}", "time", now, "system", name.sysname, "release",
                     name.release, "machine", name.machine);
}

/* A NULL |value| is left out. */
static void
add(json_t *report, const char *name, json_t *value)
{
    if (value)
        (void)json_object_set_new(report, name, value);
}

static json_t *
report_of(const struct checkup *checkup)
{
    json_t *report = json_object();
    add(report, "host", host());
    add(report, "findings", json_incref(checkup->findings));
    if (checkup->has_settings)
        add(report, "settings", settings_of(checkup));
    if (checkup->has_credentials) {
        struct reload_bytes document = checkup->daemon.config->document;
        add(report, "document", json_stringn((const char *)document.data, document.size));
        add(report, "certificate", certificate_of(checkup));
    }
    add(report, "status", json_incref(checkup->status));
    add(report, "peers", json_incref(checkup->peers));
    add(report, "routes", json_incref(checkup->routes));
    return report;
}

int
checkup_bundle(const struct checkup *checkup, const char *path, char *reason, size_t size)
{
    json_t *report = report_of(checkup);
    int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "w");
    bool written =
        report && file && json_dumpf(report, file, JSON_INDENT(1)) == 0 && fputc('\n', file) != EOF;
    int error = errno;
    if (file && fclose(file) != 0) {
        written = false;
        error = errno;
    }
    json_decref(report);
    if (written)
        return 0;
    (void)snprintf(reason, size, "cannot write %s: %s", path, strerror(error));
    return RELOAD_E_IO;
}
