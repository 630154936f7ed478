# SPDX-License-Identifier: Apache-2.0
# Sourced by test scripts: where things are, and how to skip or fail.
# C2S_SOURCE (the repo), C2S_BUILD, C2S_BIN (the built onnx-c2s) come from ctest.
set -euo pipefail
export LC_ALL=C
C2S_SOURCE=${C2S_SOURCE:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
C2S_BUILD=${C2S_BUILD:-$C2S_SOURCE/build}
C2S_BIN=${C2S_BIN:-$C2S_BUILD/onnx-c2s}
C2S_SHARED=${C2S_SHARED:-$C2S_SOURCE/../shared}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

skip() {
    echo "SKIPPED: $*"
    exit 77
}
fail() {
    echo "FAILED: $*" >&2
    exit 1
}
need_program() {
    [ -x "$C2S_BIN" ] || skip "$C2S_BIN is not built"
}
need_shared() { # PATH below shared
    [ -e "$C2S_SHARED/$1" ] || skip "$C2S_SHARED/$1 is not there"
}
need_onnxruntime() {
    command -v node >/dev/null || skip "node is not installed"
    [ -d "$C2S_SOURCE/tests/ort/node_modules/onnxruntime-node" ] ||
        skip "onnxruntime-node is not installed: npm ci --ignore-scripts --prefix tests/ort"
}
