/* glib_loop.h: a GMainContext that lives on a reload_loop: its descriptors and timers are watched
 * there, no thread of GLib's runs.
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef RELOAD_ICE_GLIB_LOOP_H
#define RELOAD_ICE_GLIB_LOOP_H

#include "reload/loop.h"

#include <glib.h>

struct glib_loop;

/* glib_loop_new makes a context on |loop|. Returns NULL when there is no memory. */
struct glib_loop *glib_loop_new(struct reload_loop *loop);

/* glib_loop_free ends it. Not from within a function that the context called. */
void glib_loop_free(struct glib_loop *pump);

GMainContext *glib_loop_context(struct glib_loop *pump);

/* glib_loop_wake looks again at what the context waits for, soon: after calls into libraries that
 * use it. */
void glib_loop_wake(struct glib_loop *pump);

#endif
