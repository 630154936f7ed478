# SPDX-License-Identifier: Apache-2.0
# Places that cannot be written to: full disks and devices, limits, folders for reading only, closed streams. Status 5
# and one line; what was there before stays.
. "$(dirname "$0")/../shared.sh"
. "$(dirname "$0")/victim.sh"
need_program
victim_job -q --no-prove --external-data=64

# The job with its output in $scratch/out, begun by COMMAND...
attempt() { # NAME COMMAND...
    happened=$1
    shift
    victim_reset
    status=0
    "$@" "$C2S_BIN" "${job[@]}" "$scratch/in/in.onnx" "$scratch/out/out.onnx" >"$scratch/stdout" 2>"$scratch/err" || status=$?
    victim_judge $status "$wanted"
}
wanted=5

# Limits on the size of files, up to where the job fits; the message, in a file here, must fit, too.
limited() { (ulimit -f "$1" && shift && exec "$@"); }
for ((kb = 16; kb < 4096; kb += 16)); do
    attempt "files of at most $kb KiB" limited $kb
    [ $status -ne 0 ] || break
done
[ $status -eq 0 ] || fail "the job does not fit into 4 MiB"
[ $tried -gt 3 ] || fail "the job was hardly limited"
victim_row "limit on the size of files"

# A full disk, where mounting is allowed.
if [ "$(id -u)" -eq 0 ] && mkdir "$scratch/disk" && mount -t tmpfs -o size=64k none "$scratch/disk" 2>/dev/null; then
    trap 'umount "$scratch/disk"; rm -rf "$scratch"' EXIT
    for kb in 0 4 8 16 32 40 48 56; do
        happened="a disk with $((64 - kb)) KiB left"
        rm -f "$scratch/disk"/*
        cp "$scratch/old"/* "$scratch/disk"
        head -c $((kb * 1024)) /dev/zero >"$scratch/disk/full" 2>/dev/null || true
        cp -r "$scratch/disk" "$scratch/before"
        status=0
        "$C2S_BIN" "${job[@]}" "$scratch/in/in.onnx" "$scratch/disk/out.onnx" >"$scratch/stdout" 2>"$scratch/err" || status=$?
        tried=$((tried + 1))
        [ $status -eq 5 ] || victim_fails wrong "status $status"
        same_folder "$scratch/disk" "$scratch/before" || victim_fails leftovers "$(cat "$scratch/diff")"
        rm -rf "$scratch/before"
    done
    victim_row "full disk"

    mount -o remount,ro "$scratch/disk"
    happened="a file system for reading only"
    status=0
    "$C2S_BIN" "${job[@]}" "$scratch/in/in.onnx" "$scratch/disk/out.onnx" >"$scratch/stdout" 2>"$scratch/err" || status=$?
    tried=1
    [ $status -eq 5 ] || victim_fails wrong "status $status"
    victim_row "file system for reading only"
fi

# A folder for reading only; root may write everywhere, so another user tries.
as_other=()
[ "$(id -u)" -ne 0 ] || as_other=(setpriv --reuid 65534 --clear-groups)
if [ "$(id -u)" -ne 0 ] || { command -v setpriv >/dev/null && chmod 755 "$scratch" && "${as_other[@]}" test -x "$C2S_BIN"; }; then
    happened="a folder for reading only"
    victim_reset
    chmod 555 "$scratch/out"
    status=0
    "${as_other[@]}" "$C2S_BIN" "${job[@]}" "$scratch/in/in.onnx" "$scratch/out/out.onnx" >"$scratch/stdout" 2>"$scratch/err" || status=$?
    chmod 755 "$scratch/out"
    victim_judge $status 5
    victim_row "folder for reading only"
fi

# Streams: the report has nowhere to go, which the status says; the model is there.
streams() { # NAME STATUS REDIRECTION, for eval
    happened=$1
    victim_reset
    status=0
    eval '"$C2S_BIN" --no-prove --external-data=64 "$scratch/in/in.onnx" "$scratch/out/out.onnx"' "$3" || status=$?
    tried=$((tried + 1))
    [ $status -eq "$2" ] || victim_fails wrong "status $status, expected $2"
    same_folder "$scratch/out" "$scratch/new" || victim_fails leftovers "$(cat "$scratch/diff")"
}
streams "standard output closed" 5 '>&- 2>"$scratch/err"'
streams "standard output full" 5 '>/dev/full 2>"$scratch/err"'
streams "standard input closed" 0 '<&- >"$scratch/stdout" 2>"$scratch/err"'
streams "standard error closed" 0 '>"$scratch/stdout" 2>&-'
streams "all streams closed" 5 '<&- >&- 2>&-'
happened="model to a full device"
status=0
"$C2S_BIN" "${job[@]}" "$scratch/in/in.onnx" - >/dev/full 2>"$scratch/err" || status=$?
tried=$((tried + 1))
[ $status -eq 5 ] && [ "$(wc -l <"$scratch/err")" -eq 1 ] || victim_fails wrong "status $status"
victim_row "closed and full streams"
exit $verdict
