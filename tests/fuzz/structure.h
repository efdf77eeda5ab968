/* structure.h: what the generated fuzz targets do with their input.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_FUZZ_STRUCTURE_H
#define TESTS_FUZZ_STRUCTURE_H

#include <stddef.h>
#include <stdint.h>

/* The entry of a libFuzzer target. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* fuzz_structure decodes |data| as the structure |name|. What decodes must print, and encode to the
 * octets that it was read from; else the process aborts. Returns 0. */
int fuzz_structure(const char *name, const uint8_t *data, size_t size);

#endif
