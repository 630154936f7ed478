# SPDX-License-Identifier: Apache-2.0
# The folder dependency order of docs/architecture.md, read off the #include lines.
. "$(dirname "$0")/../shared.sh"
cd "$C2S_SOURCE"

{ find src passes runtime -name "*.[ch]" -o -name "*.inc" 2>/dev/null || true; } | sort | awk '
    # What each folder may include, itself aside. src/ itself holds the public header and its
    # implementation, which like the command line sees everything.
    BEGIN {
        below["src/base"] = " "
        below["src/ir"] = below["src/base"] "src/base "
        below["src/ops"] = below["src/ir"] "src/ir "
        below["src/rewrite"] = below["src/eval"] = below["src/io"] = below["src/ops"] "src/ops "
        below["passes"] = below["src/io"] "src/rewrite src/eval src/io "
        below["runtime"] = below["passes"]
    }
    function layer(path) {
        if (path ~ /^passes\//) return "passes"
        if (path ~ /^runtime\//) return "runtime"
        if (path ~ /^src\/[^\/]+$/) return "src"
        match(path, /^src\/[^\/]+/)
        return substr(path, 1, RLENGTH)
    }
    function wrong(text) { print text; failures++ }
    {
        name = $0; sub(/.*\//, "", name)
        if (name in where) wrong($0 ": a file of this name is also at " where[name])
        where[name] = $0; files[++count] = $0
    }
    END {
        if (count == 0) { print "no source files found"; exit 1 }
        for (i = 1; i <= count; i++) {
            file = files[i]; from = layer(file); line_number = 0
            if (!(from in below) && from != "src" && from != "src/cli")
                wrong(file ": the folder " from " has no place in the dependency order")
            while ((getline line < file) > 0) {
                line_number++
                if (line !~ /^[ \t]*#[ \t]*include[ \t]*["<]/) continue
                included = line; sub(/^[^"<]*["<]/, "", included); sub(/[">].*/, "", included)
                at = file ":" line_number ": "
                if (included ~ /dnnl/ && included !~ /^(runtime\/)?dnnl_[a-z0-9_]*\.h$/ && from != "runtime")
                    wrong(at "oneDNN is for runtime/ alone")
                if (included ~ /(protobuf-c|pb-c\.h)/ && file !~ /^src\/io\/(load|save|wire)(_[a-z]+)?\.[ch]$/)
                    wrong(at "protobuf-c is for src/io/load*, save* and wire alone")
                if (included ~ /lapack|blas/ && file != "src/base/linear_algebra.c")
                    wrong(at "BLAS and LAPACK are for src/base/linear_algebra.c alone")
                base = included; sub(/.*\//, "", base)
                if (line !~ /"/) continue
                if (!(base in where)) {
                    if (base != "c2s_version.h") wrong(at "there is no " included)
                    continue
                }
                to = layer(where[base])
                # A node points to its operator: the description of operators is known to both.
                if (from == "src/ir" && where[base] == "src/ops/op.h") continue
                if (to == from || where[base] == "src/c2s.h" || !(from in below)) continue
                if (index(below[from], " " to " ") == 0) wrong(at from " must not include " to)
            }
            close(file)
        }
        printf "%d files, %d findings\n", count, failures
        exit failures > 0
    }'
