# SPDX-License-Identifier: Apache-2.0
# Models that break the format's rules, through the program: exit status 3, one line, no output, at most 100 MB and one
# second each. hostile.malformed makes them, and tries many more inside of one process.
#   C2S_MALFORMED=all tests/hostile/refused.sh    those, too: every field of a few models wrong in turn
. "$(dirname "$0")/../shared.sh"
need_program
maker="$C2S_BUILD/tests/test_malformed"
[ -x "$maker" ] || skip "$maker is not built"
[ -x /usr/bin/time ] || skip "/usr/bin/time is not installed"
mkdir "$scratch/in" "$scratch/out"
"$maker" --write "$scratch/in" >"$scratch/list"
most_kb=100000 most_seconds=1.0
[ -z "${C2S_SANITIZE:-}" ] || most_kb=10000000 most_seconds=20

tried=0 crashes=0 hangs=0 wrong=0 leftovers=0 large=0 slow=0 largest=0 slowest=0
found() { # COUNTER WHAT
    printf -v "$1" %d $((${!1} + 1))
    echo "FOUND $name $place: $2: $(head -c 400 "$scratch/err")"
    [ -z "${C2S_KEEP:-}" ] || cp "$scratch/in/$name.onnx" "$C2S_KEEP/"
}
while IFS=$'\t' read -r name expected place; do
    [ "$expected" != '?' ] || [ "${C2S_MALFORMED:-}" = all ] || continue
    status=0
    timeout 60 /usr/bin/time -f '%M %U %S' -o "$scratch/cost" "$C2S_BIN" -q --threads 1 --max-memory 32M \
        "$scratch/in/$name.onnx" "$scratch/out/out.onnx" >"$scratch/stdout" 2>"$scratch/err" </dev/null || status=$?
    tried=$((tried + 1))
    if [ $status -eq 124 ]; then
        found hangs "no end"
        continue
    elif [ $status -ge 128 ] || [ $status -eq 1 ]; then
        found crashes "status $status"
        continue
    elif [ "$expected" != '?' ] && [ $status -ne "$expected" ]; then
        found wrong "status $status, expected $expected"
    elif ! [[ $status =~ ^[034567]$ ]]; then
        found wrong "status $status"
    fi
    [ $status -eq 0 ] || [ "$(wc -l <"$scratch/err")" -eq 1 ] || found wrong "status $status, expected one line"
    if [ $status -ne 0 ] && [ -n "$(ls -A "$scratch/out")" ]; then found leftovers "left: $(ls -A "$scratch/out")"; fi
    rm -f "$scratch/out"/*
    read -r kb user system < <(tail -n 1 "$scratch/cost")
    hundredths=$((10#${user/./} + 10#${system/./}))
    [ "$kb" -le $largest ] || largest=$kb
    [ $hundredths -le $slowest ] || slowest=$hundredths
    [ "$kb" -le $most_kb ] || found large "$kb KB"
    awk -v a=$hundredths -v b=$most_seconds 'BEGIN { exit !(a > b * 100) }' && found slow "$hundredths / 100 s"
done <"$scratch/list"
[ $tried -ge 50 ] || fail "only $tried models were tried"
printf '%-34s %6s tried %4s crashes %4s hangs %4s wrong exits %4s leftovers %4s too large %4s too slow; most %s KB, 0.%02d s\n' \
    "malformed models" $tried $crashes $hangs $wrong $leftovers $large $slow "$largest" "$slowest"
[ $((crashes + hangs + wrong + leftovers + large + slow)) -eq 0 ]
