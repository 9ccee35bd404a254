/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How failure travels: a status to branch on, and an error object that the deepest layer fills
 * since it knows the cause. Outer layers pass the status on. Messages: lower case, no full stop,
 * problem first, subject quoted.
 */
#ifndef HF_CORE_ERROR_H
#define HF_CORE_ERROR_H

#include "core/compiler.h"

#include <hfhub/hfhub.h>
#include <stdarg.h>

const char *hf__status_name(hf_status status); /* "HF_ERR_IO"; "HF_ERR_UNKNOWN" for a stranger */
const char *hf__status_text(hf_status status); /* a few words, without full stop */

/* Resets err (NULL allowed) to "no error", keeping its struct_size. */
void hf__error_clear(hf_error *err);

/* Fills err (NULL allowed) and returns status, so that `return hf__fail(…)` reads as one step.
 * Control characters in the text are replaced: names in it come from servers and end on terminals.
 */
hf_status hf__fail(hf_error *err, hf_status status, const char *fmt, ...) HF__PRINTF(3, 4);

/* The same for a failed system call: maps errno_value to HF_ERR_DISK_FULL, HF_ERR_PERMISSION,
 * HF_ERR_NO_MEMORY or HF_ERR_IO, and appends its text to the message. */
hf_status hf__fail_os(hf_error *err, int errno_value, const char *fmt, ...) HF__PRINTF(3, 4);

hf_status hf__fail_nomem(hf_error *err);

/* Puts "prefix: " in front of the message of a failed call. For outer layers that know
 * the subject. */
void hf__error_prefix(hf_error *err, const char *fmt, ...) HF__PRINTF(2, 3);

/* Copies src to dst, honouring dst's struct_size; both may be NULL. */
void hf__error_copy(hf_error *dst, const hf_error *src);

/* Blots a secret out of everything err says, in place: servers may repeat what they were sent. Both
 * may be NULL. */
void hf__error_redact(hf_error *err, const char *secret);

/* Replaces by '?', in place, what must not reach a terminal from a server: control characters (C0
 * but '\n', DEL, C1), the marks that reorder text (U+202A to U+202E, U+2066 to U+2069), and bytes
 * that are no UTF-8. */
void hf__text_defuse(char *text);

#endif
