/* error_code.h: errors inside the library and error codes on the wire. RFC 6940 6.3.3.1.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_CORE_ERROR_CODE_H
#define RELOAD_CORE_ERROR_CODE_H

#include <stdint.h>

/* reload_error_code_of returns the wire's error code for |error|, a RELOAD_E_*; 0 when the request
 * has to be dropped without an answer (signature, certificate). D7. */
uint16_t reload_error_code_of(int error);

/* reload_error_of_code returns the RELOAD_E_* that stands for error code |code| in an answer. */
int reload_error_of_code(uint16_t code);

#endif
