# SPDX-License-Identifier: Apache-2.0
# How many cases each rewrite has, in the golden graphs and in the unit tests of the passes: in which it was
# applied, refused with a reason, or left alone a node that it could have begun with. Every case compares
# operators and results afterwards. Each rewrite must have cases of both kinds.
. "$(dirname "$0")/../shared.sh"
need_program
export C2S_RULE_CASES="$scratch/cases"
: >"$C2S_RULE_CASES"
for program in test_golden test_fuse test_cleanup test_quantize test_quantize_weights test_half_pass test_lowrank test_codebook test_prune; do
    [ -x "$C2S_BUILD/tests/$program" ] || skip "$program is not built"
    "$C2S_BUILD/tests/$program" >/dev/null 2>"$scratch/err" || fail "$program: $(tail -n 5 "$scratch/err")"
done
"$C2S_BIN" --list-rules | sed -n 's/^  \([^ ]*\) .*/\1/p' >"$scratch/rules"
awk '
    NR == FNR { order[++count] = $1; next }
    { applied[$1] += $2; refused[$1] += $3; left[$1] += $4 }
    END {
        printf "%-28s %8s %8s %11s\n", "rewrite", "applied", "refused", "left alone"
        for (i = 1; i <= count; i++) {
            name = order[i]
            printf "%-28s %8d %8d %11d", name, applied[name], refused[name], left[name]
            lacks = applied[name] == 0 || refused[name] + left[name] == 0
            print lacks ? "   lacks cases" : ""
            wrong += lacks
            positive += applied[name]; negative += refused[name] + left[name]
        }
        printf "%d rewrites, %d cases in which one is applied, %d in which it is not; %d lack cases\n", count, positive, negative, wrong
        exit wrong > 0
    }' "$scratch/rules" "$C2S_RULE_CASES"
