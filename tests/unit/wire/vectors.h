/* vectors.h: messages and structures that another implementation encoded (tests/data/vectors).
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_UNIT_WIRE_VECTORS_H
#define TESTS_UNIT_WIRE_VECTORS_H

#include <stddef.h>
#include <stdint.h>

/* A length field: |width| octets at |offset|. */
struct vector_length {
    size_t offset;
    size_t width;
};

/* |structure| is empty for whole messages. */
struct vector {
    const char *name;
    const char *structure;
    uint8_t model;
    const uint8_t *octets;
    size_t size;
    const struct vector_length *lengths;
    size_t length_count;
};

extern const struct vector vectors[];
extern const size_t vector_count;

#endif
