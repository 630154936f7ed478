# SPDX-License-Identifier: Apache-2.0
# Sourced after shared.sh by scripts that feed damaged models to the program.

damage_seed=1
# Sets $random to a number of 0..LIMIT-1; the same ones in every run.
next_random() { # LIMIT
    damage_seed=$(((damage_seed * 1103515245 + 12345) & 0x7fffffff))
    random=$(((damage_seed >> 8) % $1))
}

# Calls COMMAND with every prefix of MODEL whose length is a multiple of STEP, as $scratch/in/damaged.onnx.
each_cut() { # MODEL STEP COMMAND...
    local model=$1 step=$2 size length
    shift 2
    size=$(stat -c %s "$model")
    mkdir -p "$scratch/in"
    for ((length = 0; length < size; length += step)); do
        head -c "$length" "$model" >"$scratch/in/damaged.onnx"
        damage="$model cut to $length bytes" "$@"
    done
}

# Calls COMMAND with COUNT copies of MODEL in each of which one to four bytes were overwritten.
each_flip() { # MODEL COUNT COMMAND...
    local model=$1 count=$2 size i changes place random what
    shift 2
    size=$(stat -c %s "$model")
    mkdir -p "$scratch/in"
    damage_seed=$count
    for ((i = 0; i < count; i++)); do
        cp "$model" "$scratch/in/damaged.onnx"
        what="$model with"
        for ((changes = i % 4; changes >= 0; changes--)); do
            next_random "$size"
            place=$random
            next_random 256
            printf "\\x$(printf %02x "$random")" |
                dd of="$scratch/in/damaged.onnx" bs=1 seek="$place" conv=notrunc status=none
            what+=" byte $place = $random,"
        done
        damage=${what%,} "$@"
    done
}

# One damaged model through the program: it ends in time with a documented status; a failure is one line and
# leaves nothing behind; what was written can be read.
survives() { # ARGUMENT..., IN and OUT are added
    local status=0 folder="$scratch/out"
    mkdir -p "$folder"
    timeout 60 ${C2S_WRAP:-} "$C2S_BIN" -q "$@" "$scratch/in/damaged.onnx" "$folder/out.onnx" \
        >"$scratch/stdout" 2>"$scratch/stderr" || status=$?
    case $status in
    0)
        "$C2S_BIN" info "$folder/out.onnx" >"$scratch/stdout" 2>"$scratch/stderr" ||
            damage_found "info of what was written ends with $?, expected 0" ;;
    [34567])
        [ "$(wc -l <"$scratch/stderr")" -eq 1 ] || damage_found "status $status, expected one line on stderr"
        [ -z "$(ls -A "$folder")" ] || damage_found "status $status, left behind: $(ls -A "$folder")" ;;
    *) damage_found "status $status, expected 0 or 3..7" ;;
    esac
    rm -rf "$folder"
    damage_count=$((${damage_count:-0} + 1))
}

# Fails; or, when $C2S_KEEP names a folder, keeps the model there and goes on.
damage_found() { # WHAT
    [ -n "${C2S_KEEP:-}" ] || fail "$damage: $1: $(head -c 2000 "$scratch/stderr")"
    damage_failures=$((${damage_failures:-0} + 1))
    cp "$scratch/in/damaged.onnx" "$C2S_KEEP/$damage_failures.onnx"
    echo "FOUND $C2S_KEEP/$damage_failures.onnx: $damage: $1: $(head -c 2000 "$scratch/stderr")"
}
