/* table.h: a JSON object as tables for people.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_RELOAD_TABLE_H
#define TOOLS_RELOAD_TABLE_H

#include <jansson.h>

/* table_print prints |object| to the standard output: its scalar members as a list (those of inner
 * objects as "outer.inner", zeros left out), and each array of objects as a table of its own.
 * Control characters are escaped. Returns 0 or RELOAD_E_NOMEM. */
int table_print(const json_t *object);

#endif
