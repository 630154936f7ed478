# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts here: all models of the shared folder, a line NAME<tab>PATH each.
list_models() { # of real models, then of operator cases
    need_shared models
    need_shared models-untrained/light
    need_shared onnx-cases
    local path
    for path in "$C2S_SHARED"/models/*/model.onnx "$C2S_SHARED"/onnx-cases/*/*/model.onnx; do
        printf '%s\t%s\n' "$(basename "$(dirname "$path")")" "$path"
    done
    for path in "$C2S_SHARED"/models-untrained/light/*.onnx; do
        printf '%s\t%s\n' "$(basename "$path" .onnx)" "$path"
    done
}
