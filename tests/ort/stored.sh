# SPDX-License-Identifier: Apache-2.0
# Stored inputs, read from their files, must give in ONNX Runtime what is stored as outputs.
. "$(dirname "$0")/../shared.sh"
need_onnxruntime
need_shared models
node "$C2S_SOURCE/tests/ort/stored.js" "$C2S_SHARED"/models/*/
