/* error_code.c: errors inside the library and error codes on the wire.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/core/error_code.h"

#include "reload/base/error.h"
#include "reload/wire/wire.h"

/* The first row with an error or code counts; D1 and D7 say why some look odd. */
static const struct row {
    int error;
    uint16_t code;
} rows[] = {
    {RELOAD_E_FORBIDDEN, RELOAD_ERROR_FORBIDDEN},
    {RELOAD_E_NOT_FOUND, RELOAD_ERROR_NOT_FOUND},
    {RELOAD_E_UNREACHABLE, RELOAD_ERROR_NOT_FOUND},
    {RELOAD_E_TIMEOUT, RELOAD_ERROR_REQUEST_TIMEOUT},
    {RELOAD_E_GENERATION, RELOAD_ERROR_GENERATION_COUNTER_TOO_LOW},
    {RELOAD_E_OVERLAY, RELOAD_ERROR_INCOMPATIBLE_WITH_OVERLAY},
    {RELOAD_E_VERSION, RELOAD_ERROR_INCOMPATIBLE_WITH_OVERLAY},
    {RELOAD_E_UNSUPPORTED_OPTION, RELOAD_ERROR_UNSUPPORTED_FORWARDING_OPTION},
    {RELOAD_E_TOO_LARGE, RELOAD_ERROR_DATA_TOO_LARGE},
    {RELOAD_E_TOO_OLD, RELOAD_ERROR_DATA_TOO_OLD},
    {RELOAD_E_TTL, RELOAD_ERROR_TTL_EXCEEDED},
    {RELOAD_E_SPACE, RELOAD_ERROR_RESPONSE_TOO_LARGE},
    {RELOAD_E_UNKNOWN_KIND, RELOAD_ERROR_UNKNOWN_KIND},
    {RELOAD_E_UNKNOWN_EXTENSION, RELOAD_ERROR_UNKNOWN_EXTENSION},
    {RELOAD_E_CONFIG_OLD, RELOAD_ERROR_CONFIG_TOO_OLD},
    {RELOAD_E_CONFIG_NEW, RELOAD_ERROR_CONFIG_TOO_NEW},
    {RELOAD_E_IN_PROGRESS, RELOAD_ERROR_IN_PROGRESS},
    {RELOAD_E_MALFORMED, RELOAD_ERROR_INVALID_MESSAGE},
    {RELOAD_E_TRUNCATED, RELOAD_ERROR_INVALID_MESSAGE},
    {RELOAD_E_TRAILING, RELOAD_ERROR_INVALID_MESSAGE},
    {RELOAD_E_USAGE, RELOAD_ERROR_INVALID_MESSAGE},
    {RELOAD_E_TOO_LARGE, RELOAD_ERROR_MESSAGE_TOO_LARGE},
    {RELOAD_E_BUSY, RELOAD_ERROR_REQUEST_TIMEOUT}, /* D46: "MAY resend at a later time" */
    {RELOAD_E_NOMEM, RELOAD_ERROR_REQUEST_TIMEOUT},
};

uint16_t
reload_error_code_of(int error)
{
    if (error == RELOAD_E_SIGNATURE || error == RELOAD_E_CERTIFICATE || error == RELOAD_E_EXPIRED)
        return 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].error == error)
            return rows[i].code;
    return RELOAD_ERROR_INVALID_MESSAGE;
}

int
reload_error_of_code(uint16_t code)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].code == code)
            return rows[i].error;
    return RELOAD_E_REFUSED;
}
