/* error.c: texts and classes of the errors in error.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reload/base/error.h"

#include <stddef.h>

struct row {
    int number;
    enum reload_error_class class;
    const char *name;
    const char *text;
};

static const struct row rows[] = {
#define X(name, number, class, text) {number, RELOAD_CLASS_##class, #name, text},
    RELOAD_ERRORS(X)
#undef X
};

static const struct row *
find(int error)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].number == error)
            return &rows[i];
    return NULL;
}

const char *
reload_error_text(int error)
{
    const struct row *row = find(error);
    if (error == 0)
        return "success";
    return row ? row->text : "unknown error";
}

const char *
reload_error_name(int error)
{
    const struct row *row = find(error);
    if (error == 0)
        return "OK";
    return row ? row->name : "UNKNOWN";
}

enum reload_error_class
reload_error_class(int error)
{
    const struct row *row = find(error);
    return row ? row->class : RELOAD_CLASS_USAGE;
}
