/* table.c: a JSON object as tables for people.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tools/reload/table.h"

#include "reload/base/error.h"

#include <libsmartcols.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CELL_MAX 400

/* Writes a scalar, or an array of scalars, as text. */
static void
write_cell(const json_t *value, char *cell, size_t size)
{
    switch (json_typeof(value)) {
    case JSON_STRING:
        (void)snprintf(cell, size, "%s", json_string_value(value));
        break;
    case JSON_INTEGER:
        (void)snprintf(cell, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        break;
    case JSON_REAL:
        (void)snprintf(cell, size, "%.3f", json_real_value(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        (void)snprintf(cell, size, "%s", json_is_true(value) ? "yes" : "no");
        break;
    case JSON_ARRAY: {
        size_t used = 0, index;
        const json_t *item;
        *cell = '\0';
        json_array_foreach(value, index, item)
        {
            if (used + 2 >= size)
                break;
            if (index)
                cell[used++] = ' ';
            write_cell(item, cell + used, size - used);
            used += strlen(cell + used);
        }
        break;
    }
    default:
        (void)snprintf(cell, size, "%s", "-");
        break;
    }
}

/* As write_cell, for the member |key|: a number of milliseconds that is a time is shown as one. */
static void
write_member(const char *key, const json_t *value, char *cell, size_t size)
{
    static const json_int_t times_begin = 1000000000000; /* in 2001; no duration is that long */
    size_t length = strlen(key);
    bool is_time = length > 3 && strcmp(key + length - 3, "_ms") == 0 && json_is_integer(value) &&
                   json_integer_value(value) >= times_begin;
    time_t seconds = is_time ? (time_t)(json_integer_value(value) / 1000) : 0;
    struct tm parts;
    if (!is_time || !gmtime_r(&seconds, &parts) ||
        strftime(cell, size, "%Y-%m-%d %H:%M:%S UTC", &parts) == 0)
        write_cell(value, cell, size);
}

static bool
is_table(const json_t *value)
{
    return json_is_array(value) && json_is_object(json_array_get(value, 0));
}

static bool
is_empty(const json_t *value)
{
    return json_is_array(value) && json_array_size(value) == 0;
}

/* ---- lists ---------------------------------------------------------------------------------- */

static int
add_members(struct libscols_table *table, const char *prefix, const json_t *object)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        char name[CELL_MAX], cell[CELL_MAX];
        (void)snprintf(name, sizeof name, "%s%s%s", prefix, *prefix ? "." : "", key);
        if (json_is_object(value)) {
            if (add_members(table, name, value) != 0)
                return RELOAD_E_NOMEM;
            continue;
        }
        /* Of many counters, people want to see those that counted. */
        bool is_idle_counter = *prefix && json_is_integer(value) && json_integer_value(value) == 0;
        if (is_idle_counter || is_table(value))
            continue;
        if (is_empty(value))
            (void)snprintf(cell, sizeof cell, "none");
        else
            write_member(key, value, cell, sizeof cell);
        struct libscols_line *line = scols_table_new_line(table, NULL);
        if (!line || scols_line_set_data(line, 0, name) != 0 ||
            scols_line_set_data(line, 1, cell) != 0)
            return RELOAD_E_NOMEM;
    }
    return 0;
}

static struct libscols_table *
new_table(void)
{
    struct libscols_table *table = scols_new_table();
    if (table)
        (void)scols_table_enable_maxout(table, 0);
    return table;
}

static int
print_list(const json_t *object)
{
    struct libscols_table *table = new_table();
    if (!table)
        return RELOAD_E_NOMEM;
    int error = RELOAD_E_NOMEM;
    if (scols_table_new_column(table, "name", 0, 0) && scols_table_new_column(table, "value", 0, 0))
        error = add_members(table, "", object);
    (void)scols_table_enable_noheadings(table, 1);
    if (!error && !scols_table_is_empty(table) && scols_print_table(table) != 0)
        error = RELOAD_E_NOMEM;
    scols_unref_table(table);
    return error;
}

/* ---- tables --------------------------------------------------------------------------------- */

static int
add_row(struct libscols_table *table, const json_t *columns, const json_t *row)
{
    const char *key;
    json_t *unused;
    size_t column = 0;
    struct libscols_line *line = scols_table_new_line(table, NULL);
    if (!line)
        return RELOAD_E_NOMEM;
    json_object_foreach((json_t *)columns, key, unused)
    {
        char cell[CELL_MAX] = "-";
        const json_t *value = json_object_get(row, key);
        if (value)
            write_member(key, value, cell, sizeof cell);
        if (scols_line_set_data(line, column++, cell) != 0)
            return RELOAD_E_NOMEM;
    }
    return 0;
}

/* The columns: all members that any row has, each with its first value. */
static json_t *
columns_of(const json_t *rows)
{
    json_t *columns = json_object();
    const json_t *row;
    size_t index;
    json_array_foreach(rows, index, row) if (columns)(void)
        json_object_update_missing(columns, (json_t *)row);
    return columns;
}

static int
fill_table(struct libscols_table *table, const json_t *columns, const json_t *rows)
{
    const json_t *row;
    const char *key;
    json_t *value;
    size_t index;
    json_object_foreach((json_t *)columns, key, value)
    {
        int flags = json_is_number(value) ? SCOLS_FL_RIGHT : SCOLS_FL_TRUNC;
        if (!scols_table_new_column(table, key, 0, flags))
            return RELOAD_E_NOMEM;
    }
    json_array_foreach(rows, index,
                       row) if (add_row(table, columns, row) != 0) return RELOAD_E_NOMEM;
    return 0;
}

static int
print_table(const char *name, const json_t *rows)
{
    struct libscols_table *table = new_table();
    json_t *columns = columns_of(rows);
    int error = table && columns ? fill_table(table, columns, rows) : RELOAD_E_NOMEM;
    if (!error) {
        printf("\n%s:\n", name);
        error = scols_print_table(table) == 0 ? 0 : RELOAD_E_NOMEM;
    }
    json_decref(columns);
    scols_unref_table(table);
    return error;
}

int
table_print(const json_t *object)
{
    const char *key;
    json_t *value;
    int error = print_list(object);
    json_object_foreach((json_t *)object, key, value) if (!error && is_table(value)) error =
        print_table(key, value);
    return error;
}
