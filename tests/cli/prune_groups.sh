# SPDX-License-Identifier: Apache-2.0
# prune-groups says what can be made narrower, and why the rest cannot, as a table and as JSON; the pass prune does
# it, says how much work is left, and, if nothing is asked for, writes the same text as without it.
. "$(dirname "$0")/../shared.sh"
need_program
cd "$scratch"

values() { # COUNT
    awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++) printf "%s%.2f", i ? ", " : "", ((i * 37) % 101 - 50) / 25 }'
}
cat >model.onnxtxt <<EOF
<ir_version: 8, opset_import: ["" : 17]>
g (float[2,6] x, bool c) => (float[2,3] y)
<float[6,4] wa = {$(values 24)}, float[4,5] wb = {$(values 20)}, float[6,8] wc = {$(values 48)}, float[8,5] wd = {$(values 40)}, float[5,3] we = {$(values 15)}>
{
    a = MatMul (x, wa)
    r = Relu (a)
    b = MatMul (r, wb)
    z = If <then_branch = yes () => (float[2,5] t) { d = MatMul (x, wc) f = Relu (d) t = MatMul (f, wd) }, else_branch = no () => (float[2,5] e) { e = Neg (b) }> (c)
    s = Softmax (z)
    y = MatMul (s, we)
}
EOF

"$C2S_BIN" prune-groups model.onnxtxt >table
for line in '^a  *4  *1 ' '^d  *8  *1 ' '^b  *5  *1 .*pinned: node "z" (If): its body takes the axis as it is' \
    '^y  *3  *1 .*pinned: an output of the graph has the axis' '^[0-9]* groups, [0-9]* of them pinned$'; do
    grep -q "$line" table || fail "no line \"$line\" in: $(cat table)"
done

"$C2S_BIN" prune-groups --json model.onnxtxt >json
python3 - json <<'EOF' || fail "wrong JSON: $(cat json)"
import json, sys
groups = {group['name']: group for group in json.load(open(sys.argv[1]))['groups']}
for name, units, macs in (('a', 4, 2 * 4 * (6 + 5)), ('d', 8, 2 * 8 * (6 + 5))):
    group = groups[name]
    assert group['maker'] == name and group['type'] == 'MatMul' and group['pinned'] is None and group['mixed_by'] is None
    assert (group['units'], group['granularity'], group['macs'], group['parameters']) == (units, 1, macs, macs // 2)
assert 'output of the graph' in groups['y']['pinned']
EOF

"$C2S_BIN" -v --no-guard --passes 'prune(ratio=0.25,round=1)' model.onnxtxt out.onnxtxt 2>log
# 2 * (6 * 3 + 3 * 5) + 2 * (6 * 6 + 6 * 5) + 2 * 5 * 3
grep -q 'of 294 multiply-accumulates 228 stay, 0.7755 of them' log || fail "no prediction in: $(cat log)"
grep -q 'NO DATA' log || fail "no warning in: $(cat log)"
"$C2S_BIN" info --json out.onnxtxt >info
python3 -c 'import json; assert json.load(open("info"))["macs"] == 228' || fail "other work than predicted: $(cat info)"

"$C2S_BIN" -q --no-prove --passes none model.onnxtxt first.onnxtxt
for nothing in 'ratio=0' 'macs=1'; do
    "$C2S_BIN" -q --no-prove --passes "prune($nothing)" model.onnxtxt out.onnxtxt
    cmp first.onnxtxt out.onnxtxt || fail "prune($nothing) changes the text"
done
