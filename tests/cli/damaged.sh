# SPDX-License-Identifier: Apache-2.0
# Cut and overwritten models: a documented status, one line, nothing left behind. tests/sweep/run is the long form.
. "$(dirname "$0")/../shared.sh"
. "$(dirname "$0")/../damage.sh"
need_program
model="$C2S_SOURCE/samples/digits/model.onnx"

each_cut "$model" 1997 survives
each_flip "$model" 40 survives

# With the weights elsewhere nearly every byte is structure.
mkdir -p "$scratch/in"
"$C2S_BIN" -q --passes none --external-data=1 "$model" "$scratch/in/small.onnx"
each_cut "$scratch/in/small.onnx" 101 survives
each_flip "$scratch/in/small.onnx" 80 survives
echo "$damage_count damaged models"
