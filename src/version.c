/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdio.h>
#include <zip.h>

#include "c2s.h"
#include "c2s_version.h"
#include "io/load.h"
#include "runtime/session.h"

const char *c2s_version(void) {
    return C2S_VERSION;
}

const char *c2s_version_details(void) {
    static _Thread_local char text[256];
    snprintf(text, sizeof text, "onnx-c2s %s (%s, protobuf-c %s, libzip %s, jansson %s)",
             C2S_VERSION, c2s_onednn_version(), c2s_load_library_version(), zip_libzip_version(),
             JANSSON_VERSION);
    return text;
}
