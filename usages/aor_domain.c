/* aor_domain.c: which domains an overlay serves.
 *
 * RFC 7904 3.4, D18 (anchored, cheap to match), D33. SPDX-License-Identifier: BSD-2-Clause */
#include "usages/aor.h"

#include <regex.h>
#include <stdio.h>
#include <strings.h>

/* A document's author writes patterns of domain names, which need none of what makes a regular
 * expression expensive: back references (not even part of POSIX's extended ones), deep groups and
 * counted repetitions, which multiply when they nest. */
#define GROUP_DEPTH_MAX 4
#define COUNTS_MAX 2
#define COUNT_DIGITS_MAX 2

static bool
is_cheap(const char *pattern)
{
    unsigned depth = 0, counts = 0, digits = 0;
    bool counting = false;
    for (const char *at = pattern; *at; at++) {
        if (*at == '\\') {
            at++;
            if (*at == '\0' || (*at >= '0' && *at <= '9'))
                return false;
            continue;
        }
        if (*at == '(' && ++depth > GROUP_DEPTH_MAX)
            return false;
        if (*at == ')' && depth-- == 0)
            return false;
        if (*at == '{' && ++counts > COUNTS_MAX)
            return false;
        counting = *at == '{' || (counting && *at != '}');
        bool is_digit = *at >= '0' && *at <= '9';
        digits = counting && is_digit ? digits + 1 : 0;
        if (digits > COUNT_DIGITS_MAX)
            return false;
    }
    return depth == 0;
}

/* regexec finds a match anywhere: the whole name is meant (D18). Domain names have no case. */
static bool
matches(const char *pattern, const char *domain)
{
    char anchored[sizeof(((struct reload_config *)0)->domain_patterns[0]) + 4];
    regex_t compiled;
    if (!is_cheap(pattern))
        return false;
    snprintf(anchored, sizeof anchored, "^(%s)$", pattern);
    if (regcomp(&compiled, anchored, REG_EXTENDED | REG_ICASE | REG_NOSUB) != 0)
        return false;
    bool match = regexec(&compiled, domain, 0, NULL, 0) == 0;
    regfree(&compiled);
    return match;
}

bool
reload_aor_is_gateway(const struct reload_config *config, const char *user)
{
    struct reload_aor asked, named;
    if (reload_aor_parse(reload_bytes_of_string(user), &asked) != 0)
        return false;
    for (size_t i = 0; i < config->gateway_count; i++)
        if (reload_aor_parse(reload_bytes_of_string(config->gateways[i]), &named) == 0 &&
            reload_aor_equal(&asked, &named))
            return true;
    return false;
}

int
reload_aor_permitted(const struct reload_config *config, const struct reload_aor *aor)
{
    const char *domain = aor->text + aor->host;
    if (!config->domain_restrictions_present)
        return 0;
    if (!config->domain_restrictions_enable) {
        size_t size = strlen(config->instance_name);
        if (size && config->instance_name[size - 1] == '.')
            size--;
        bool same = strlen(domain) == size && strncasecmp(config->instance_name, domain, size) == 0;
        return same ? 0 : RELOAD_E_FORBIDDEN;
    }
    for (size_t i = 0; i < config->domain_pattern_count; i++)
        if (matches(config->domain_patterns[i], domain))
            return 0;
    return RELOAD_E_FORBIDDEN;
}
