# SPDX-License-Identifier: Apache-2.0
"""Sums what gcov says of the objects of a build: count.py BUILD [-v]."""
import collections
import json
import os
import subprocess
import sys

build, detail = sys.argv[1], "-v" in sys.argv[2:]
root = os.getcwd()
lines = collections.defaultdict(dict)      # file: line: how often
branches = collections.defaultdict(dict)   # file: (line, index): how often

notes = []
for folder, _, files in os.walk(build):
    notes += [os.path.join(folder, f) for f in files if f.endswith(".gcno")]
for start in range(0, len(notes), 50):
    answer = subprocess.run(["gcov", "--json-format", "--stdout", "-b", *notes[start:start + 50]],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout
    for document in answer.decode().splitlines():
        for file in json.loads(document)["files"]:
            # Relative to where the compiler ran, which is the build.
            path = os.path.relpath(os.path.join(root, build, file["file"]), root)
            if path.split("/")[0] not in ("src", "passes", "runtime"):
                continue
            for line in file["lines"]:
                number = line["line_number"]
                lines[path][number] = lines[path].get(number, 0) + line["count"]
                for k, branch in enumerate(line["branches"]):
                    if not branch["throw"]:
                        key = (number, k)
                        branches[path][key] = branches[path].get(key, 0) + branch["count"]


def folder_of(path):
    parts = os.path.dirname(path).split("/")
    return "/".join(parts[:2])


groups = collections.defaultdict(list)
for path in sorted(lines):
    groups[folder_of(path)].append(path)


def row(name, paths):
    total = sum(len(lines[p]) for p in paths)
    hit = sum(1 for p in paths for n in lines[p].values() if n)
    forks = sum(len(branches[p]) for p in paths)
    taken = sum(1 for p in paths for n in branches[p].values() if n)
    print("%-32s %7d lines %6.1f %%  %7d branches %6.1f %%" % (
        name, total, 100 * hit / max(1, total), forks, 100 * taken / max(1, forks)))


for folder in sorted(groups):
    row(folder, groups[folder])
    if detail:
        for path in groups[folder]:
            row("    " + os.path.basename(path), [path])
row("src and passes", [p for p in lines if not p.startswith("runtime/")])
row("all", list(lines))
