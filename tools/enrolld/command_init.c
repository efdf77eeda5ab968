/* command_init.c: reload-enrolld init: makes an overlay in one step.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include <arpa/inet.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#include "reload/base/json.h"
#include "tools/enrolld/command.h"
#include "tools/enrolld/overlay_plan.h"

static const char help[] =
    "usage: reload-enrolld init [DIR] --overlay NAME [--host HOST] [--port PORT]\n"
    "                           [--bootstrap HOST:PORT]... [OPTIONS]\n"
    "\n"
    "Makes a new overlay in the folder DIR (" HOME_DEFAULT "): its CA, a key and certificate for\n"
    "HTTPS, a signed configuration document, and an empty database of users.\n"
    "\n"
    "  --overlay NAME         name of the overlay, such as example.org\n"
    "  --host HOST            name or address of this server in its URLs (the overlay's name)\n"
    "  --port PORT            of HTTPS (8443)\n"
    "  --listen ADDRESS       numeric address to listen on (all, or HOST when it is loopback)\n"
    "  --bootstrap HOST:PORT  a node that others reach first (HOST:6084); repeatable\n"
    "  --key p256|rsa         kind of all keys made here (p256)\n"
    "  --days N               until the document expires (365)\n"
    "  --kind ID=MODEL,POLICY[,COUNT[,SIZE]]  a Kind of your own; MODEL is single, array or\n"
    "                         dictionary, POLICY user-match, node-match, user-node-match or\n"
    "                         node-multiple; repeatable\n"
    "  --gateway USER         a user whose node may speak for callers of other domains, such as\n"
    "                         gateway@example.org; repeatable\n"
    "  --ice                  nodes use ICE; without it they reach each other directly\n"
    "  --turn-density N       how often each relay announces itself: about the number of nodes "
    "for\n"
    "                         one relay, 1 to 20 (1); 0: no relays\n"
    "  --dtls-only            links are DTLS over UDP only\n"
    "  --json                 print what was made as one JSON object\n"
    "\n"
    "Then: reload-enrolld user add NAME, and reload-enrolld serve.\n";

enum { OPTION_FIRST = 256, MAX_DAYS = 3650, TURN_DENSITY_MAX = 20 };
enum letter {
    OVERLAY = OPTION_FIRST,
    HOST,
    PORT,
    LISTEN,
    BOOTSTRAP,
    KEY,
    DAYS,
    KIND,
    GATEWAY,
    ICE,
    TURN_DENSITY,
    DTLS_ONLY,
    JSON,
    HELP,
};

static const struct option options[] = {{"overlay", required_argument, NULL, OVERLAY},
                                        {"host", required_argument, NULL, HOST},
                                        {"port", required_argument, NULL, PORT},
                                        {"listen", required_argument, NULL, LISTEN},
                                        {"bootstrap", required_argument, NULL, BOOTSTRAP},
                                        {"key", required_argument, NULL, KEY},
                                        {"days", required_argument, NULL, DAYS},
                                        {"kind", required_argument, NULL, KIND},
                                        {"gateway", required_argument, NULL, GATEWAY},
                                        {"ice", no_argument, NULL, ICE},
                                        {"turn-density", required_argument, NULL, TURN_DENSITY},
                                        {"dtls-only", no_argument, NULL, DTLS_ONLY},
                                        {"json", no_argument, NULL, JSON},
                                        {"help", no_argument, NULL, HELP},
                                        {0}};

/* ---- arguments ------------------------------------------------------------------------------- */

static bool
copy(char *to, size_t size, const char *from)
{
    int length = snprintf(to, size, "%s", from);
    return length > 0 && (size_t)length < size;
}

static bool
read_number(const char *text, unsigned most, unsigned *number)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    *number = (unsigned)value;
    return *text >= '0' && *text <= '9' && *end == '\0' && value >= 1 && value <= most;
}

static bool
is_address(const char *text)
{
    uint8_t octets[16];
    return inet_pton(AF_INET, text, octets) == 1 || inet_pton(AF_INET6, text, octets) == 1;
}

/* A host in a URL and in a certificate: an address, or letters, digits, '-' and '.'. */
static bool
is_host(const char *text)
{
    return is_address(text) ||
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.") ==
               strlen(text);
}

static bool
apply(struct overlay_plan *plan, int letter, const char *argument)
{
    struct home_settings *settings = &plan->settings;
    switch (letter) {
    case OVERLAY:
        return overlay_plan_set_name(plan, argument);
    case HOST:
        return is_host(argument) && copy(settings->host, sizeof settings->host, argument);
    case PORT:
        return read_number(argument, UINT16_MAX, &settings->port);
    case LISTEN:
        return is_address(argument) && copy(settings->listen, sizeof settings->listen, argument);
    case BOOTSTRAP:
        return overlay_plan_add_bootstrap(plan, argument);
    case KEY:
        return reload_key_type_of(argument, &plan->key_type);
    case DAYS:
        return read_number(argument, MAX_DAYS, &plan->document_days);
    case KIND:
        return overlay_plan_add_kind(plan, argument);
    case GATEWAY:
        return overlay_plan_add_gateway(plan, argument);
    case ICE:
        plan->config.no_ice = false;
        return true;
    case TURN_DENSITY:
        plan->config.turn_density = 0;
        return strcmp(argument, "0") == 0 ||
               read_number(argument, TURN_DENSITY_MAX, &plan->config.turn_density);
    case DTLS_ONLY:
        plan->config.link_protocol_count = 1;
        return true;
    default:
        return false;
    }
}

/* What was not said follows from what was. */
static void
complete(struct overlay_plan *plan)
{
    struct home_settings *settings = &plan->settings;
    char bootstrap[sizeof settings->host + 16];
    if (*settings->host == '\0')
        snprintf(settings->host, sizeof settings->host, "%s", settings->overlay);
    if (*settings->listen == '\0') {
        bool loopback = strncmp(settings->host, "127.", 4) == 0 || !strcmp(settings->host, "::1");
        const char *other = strcasecmp(settings->host, "localhost") == 0 ? "127.0.0.1" : "0.0.0.0";
        snprintf(settings->listen, sizeof settings->listen, "%.63s",
                 loopback ? settings->host : other);
    }
    if (plan->config.bootstrap_node_count == 0) {
        snprintf(bootstrap, sizeof bootstrap,
                 strchr(settings->host, ':') != NULL ? "[%s]:6084" : "%s:6084", settings->host);
        bool added = overlay_plan_add_bootstrap(plan, bootstrap);
        (void)added; /* the host was checked, and there is room for one */
    }
}

/* ---- what it prints -------------------------------------------------------------------------- */

static void
print_json(const struct overlay_plan *plan, const struct home *home)
{
    char text[PATH_MAX * 2], path[PATH_MAX];
    const char *const files[] = {"ca.crt", "overlay.xml", "enrolld.conf"};
    const char *const keys[] = {"ca", "document", "settings"};
    struct reload_json json = reload_json_fixed(text, sizeof text);
    reload_json_begin_object(&json);
    reload_json_key(&json, "overlay");
    reload_json_text(&json, plan->settings.overlay);
    reload_json_key(&json, "folder");
    reload_json_text(&json, home->path);
    for (size_t i = 0; i < 3; i++) {
        home_file(home, files[i], path);
        reload_json_key(&json, keys[i]);
        reload_json_text(&json, path);
    }
    reload_json_key(&json, "enrolment_url");
    reload_json_text(&json, plan->config.enrollment_urls[0]);
    reload_json_end_object(&json);
    if (!json.failed)
        puts(text);
}

static void
print_text(const struct overlay_plan *plan, const struct home *home)
{
    const struct home_settings *settings = &plan->settings;
    const char *brackets = strchr(settings->host, ':') != NULL ? "[]" : "\0\0";
    printf("Overlay %s is in %s:\n"
           "  ca.key, ca.crt          its CA; keep the key secret, give the certificate to users\n"
           "  server.key, server.crt  HTTPS at %s:%u\n"
           "  signer.key, signer.crt  signs the configuration document\n"
           "  overlay.xml             the configuration document, valid for %u days\n"
           "  users.db, audit.log     users, and what was done\n"
           "\n"
           "Next:\n"
           "  reload-enrolld user add alice --dir %s\n"
           "  reload-enrolld serve %s\n"
           "  reload enrol --url https://%.1s%s%.1s:%u" HOME_CONFIG_PATH " --ca %s/ca.crt \\\n"
           "      --user alice --out alice\n",
           settings->overlay, home->path, settings->listen, settings->port, plan->document_days,
           home->path, home->path, brackets, settings->host, brackets + 1, settings->port,
           home->path);
}

int
command_init(int argc, char **argv)
{
    struct overlay_plan *plan = malloc(sizeof *plan);
    struct home home;
    char message[512];
    bool as_json = false;
    int letter, code = EXIT_USAGE;
    if (plan == NULL)
        return EXIT_FAILURE;
    overlay_plan_default(plan);
    while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (letter == HELP) {
            fputs(help, stdout);
            code = EXIT_SUCCESS;
            goto done;
        }
        if (letter == JSON) {
            as_json = true;
        } else if (!apply(plan, letter, optarg)) {
            if (letter != '?')
                fprintf(stderr, "reload-enrolld init: '%s' is not right for --%s; see --help\n",
                        optarg, options[letter - OPTION_FIRST].name);
            goto done;
        }
    }
    if (*plan->settings.overlay == '\0' || argc - optind > 1) {
        fputs("reload-enrolld init: --overlay NAME and at most one folder; see --help\n", stderr);
        goto done;
    }
    complete(plan);
    code = EXIT_FAILURE;
    const char *path = optind < argc ? argv[optind] : HOME_DEFAULT;
    if (overlay_plan_make(plan, path, (uint64_t)time(NULL) * 1000, &home, message,
                          sizeof message) != 0) {
        fprintf(stderr, "reload-enrolld: %s\n", message);
        goto done;
    }
    code = EXIT_SUCCESS;
    if (as_json)
        print_json(plan, &home);
    else
        print_text(plan, &home);
done:
    free(plan);
    return code;
}
