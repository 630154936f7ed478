# SPDX-License-Identifier: Apache-2.0
# Weights in other files, through the program: what leads out of the model's folder, is no file, or goes past its end is
# refused with status 3 and one line; nothing is opened that can block, or that something happens on.
# unit.external has the numbers, cli.cut_short files that shrink while they are in use.
. "$(dirname "$0")/../shared.sh"
need_program
python=/usr/bin/python3
"$python" -c 'import onnx' 2>/dev/null || skip "python3-onnx is not installed"
mkdir -p "$scratch/in/sub" "$scratch/out"
head -c 4096 /dev/zero >"$scratch/outside.bin"
head -c 4096 /dev/zero >"$scratch/in/data.bin"
mkfifo "$scratch/in/fifo"
ln -s ../outside.bin "$scratch/in/link"
ln -s .. "$scratch/in/up"
ln -s /dev/zero "$scratch/in/device_link"
ln -s loop "$scratch/in/loop"
ln -s /proc/self/mem "$scratch/in/memory"
mknod "$scratch/in/zero" c 1 5 2>/dev/null || true
truncate -s 1T "$scratch/in/huge.bin" 2>/dev/null || true
"$python" - "$scratch/in/socket" <<'END'
import socket, sys
socket.socket(socket.AF_UNIX).bind(sys.argv[1])
END

cat >"$scratch/make.py" <<'END'
import sys
import onnx
from onnx import TensorProto, helper

def tensor(name, dims, **entries):
    t = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=dims, data_location=TensorProto.EXTERNAL)
    for key, value in entries.items():
        t.external_data.add(key=key, value=value)
    return t

path, many = sys.argv[1], []
for k, spec in enumerate(sys.argv[2:]):
    location, offset, length, extent = spec.split("|")
    entries = {"location": location, "offset": offset, "length": length}
    many.append(tensor("w%d" % k, [int(e) for e in extent.split(",")], **{a: b for a, b in entries.items() if b}))
nodes, last = [], "x"
for k, w in enumerate(many):
    nodes.append(helper.make_node("Add", [last, w.name], ["a%d" % k]))
    last = "a%d" % k
info = lambda n: helper.make_tensor_value_info(n, TensorProto.FLOAT, None)
graph = helper.make_graph(nodes, "g", [info("x")], [info(last)], many)
open(path, "wb").write(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString())
END

tried=0 crashes=0 hangs=0 wrong=0 leftovers=0
# case NAME STATUS LOCATION|OFFSET|LENGTH|EXTENTS...
case_of() {
    local name=$1 expected=$2 status=0
    shift 2
    "$python" "$scratch/make.py" "$scratch/in/in.onnx" "$@"
    timeout 20 "$C2S_BIN" -q --no-prove "$scratch/in/in.onnx" "$scratch/out/out.onnx" >"$scratch/stdout" 2>"$scratch/err" || status=$?
    tried=$((tried + 1))
    if [ $status -eq 124 ]; then
        hangs=$((hangs + 1))
    elif [ $status -ge 128 ]; then
        crashes=$((crashes + 1))
    elif [ $status -ne "$expected" ] || { [ $status -ne 0 ] && [ "$(wc -l <"$scratch/err")" -ne 1 ]; }; then
        wrong=$((wrong + 1))
    elif [ $status -ne 0 ] && [ -n "$(ls -A "$scratch/out")" ]; then
        leftovers=$((leftovers + 1))
    else
        rm -f "$scratch/out"/*
        return
    fi
    echo "FOUND $name: status $status, expected $expected: $(cat "$scratch/err")"
    rm -f "$scratch/out"/*
}

case_of plain 0 'data.bin|0|16|4'
case_of apart 0 'data.bin|0|16|4' 'data.bin|16|16|4'
case_of shared 0 'data.bin|0|16|4' 'data.bin|0|16|4'
case_of parent 3 '../outside.bin|0|16|4'
case_of parent_inside 3 'sub/../../outside.bin|0|16|4'
case_of absolute 3 "$scratch/outside.bin|0|16|4"
case_of absolute_device 3 '/dev/zero|0|16|4'
case_of link_out 3 'link|0|16|4'
case_of link_to_folder_out 3 'up/outside.bin|0|16|4'
case_of link_to_device 3 'device_link|0|16|4'
case_of link_to_memory 3 'memory|0|16|4'
case_of link_to_itself 5 'loop|0|16|4'
case_of fifo 3 'fifo|0|16|4'
case_of socket 3 'socket|0|16|4'
case_of folder 3 'sub|0|16|4'
case_of model_folder 3 '.|0|16|4'
case_of missing 5 'missing.bin|0|16|4'
[ ! -c "$scratch/in/zero" ] || case_of device 3 'zero|0|16|4'
case_of past_end 3 'data.bin|4090|16|4'
case_of far_past_end 3 'data.bin|9223372036854775807|16|4'
case_of offset_overflow 3 'data.bin|18446744073709551615|16|4'
case_of negative_offset 3 'data.bin|-16|16|4'
case_of negative_length 3 'data.bin|0|-16|4'
case_of not_a_number 3 'data.bin|0x10|16|4'
case_of long_number 3 'data.bin|99999999999999999999999999|16|4'
case_of too_short 3 'data.bin|0|12|4'
case_of overlap 3 'data.bin|0|16|4' 'data.bin|8|16|4'
case_of inside 3 'data.bin|0|64|16' 'data.bin|16|16|4'
# The thread sanitizer leaves no room to map a terabyte: status 6.
[ ! -s "$scratch/in/huge.bin" ] || [ "${C2S_SANITIZE:-}" = thread ] || case_of huge_overlap 3 'huge.bin|0|1099511627776|274877906944' 'huge.bin|4096|16|4'
case_of extents_overflow 3 'data.bin|0|16|4611686018427387904,4611686018427387904'
printf '%-34s %6s tried %4s crashes %4s hangs %4s wrong exits %4s leftovers\n' \
    "external data" $tried $crashes $hangs $wrong $leftovers
[ $((crashes + hangs + wrong + leftovers)) -eq 0 ]
