# SPDX-License-Identifier: Apache-2.0
"""What onnx-c2s compare says of two models, against the same formulas in numpy.

    compare.py RESULT.json A_FOLDER B_FOLDER DATA.npz

The folders hold the outputs of both as `onnx-c2s run --out` wrote them: samples along the first axis.
"""
import json
import sys

import numpy as np


def load(folder, name):
    return np.load(f"{folder}/{name}.npy").astype(np.float64)


def softmax(rows):
    e = np.exp(rows - rows.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def metrics(a, b):
    n = len(a)
    d = b - a
    per_sample = [(np.abs(d[i]).max() / max(np.abs(a[i]).max(), 1e-4)) for i in range(n)]
    sample_sqnr = [10 * np.log10((a[i] ** 2).sum() / (d[i] ** 2).sum()) for i in range(n)]
    rows_a, rows_b = a.reshape(-1, a.shape[-1]), b.reshape(-1, b.shape[-1])
    p, q = softmax(rows_a), softmax(rows_b)
    if (rows_a >= -1e-6).all() and np.abs(rows_a.sum(axis=-1) - 1).max() < 1e-3:
        p, q = rows_a, np.maximum(rows_b, 0)
        p, q = p / p.sum(axis=-1, keepdims=True), q / q.sum(axis=-1, keepdims=True)
    top = [np.argsort(-r, axis=-1, kind="stable")[:, :5] for r in (rows_a, rows_b)]
    shared = sum(len(set(x) & set(y)) for x, y in zip(*top))
    return {
        "max_abs": np.abs(d).max(),
        "mean_abs": np.abs(d).mean(),
        "max_rel": max(per_sample),
        "mean_rel": np.abs(d).sum() / np.abs(a).sum(),
        "sqnr": 10 * np.log10((a ** 2).sum() / (d ** 2).sum()),
        "sqnr_sample": min(sample_sqnr),
        "psnr": 10 * np.log10((a.max() - a.min()) ** 2 / (d ** 2).mean()),
        "cosine": (a * b).sum() / np.sqrt((a ** 2).sum() * (b ** 2).sum()),
        "kl": (p * np.log(np.maximum(p, 1e-12) / np.maximum(q, 1e-12))).sum(axis=-1).mean(),
        "top1_agreement": 100 * (rows_a.argmax(-1) == rows_b.argmax(-1)).mean(),
        "top5_agreement": 100 * shared / (5 * len(rows_a)),
    }


def labelled(a, b, labels):
    found = {}
    hits = []
    for name, rows in (("reference", a), ("value", b)):
        rows = rows.reshape(-1, rows.shape[-1])
        order = np.argsort(-rows, axis=-1, kind="stable")
        hit = order[:, 0] == labels
        hits.append(hit)
        by_class = [100 * hit[labels == c].mean() for c in np.unique(labels)]
        found[name] = {
            "top1": 100 * hit.mean(),
            "top5": 100 * (order[:, :5] == labels[:, None]).any(-1).mean(),
            "class_mean": np.mean(by_class),
            "class_worst": np.min(by_class),
        }
        found[name + "_classes"] = by_class
    drop = np.array(found["reference_classes"]) - np.array(found["value_classes"])
    n, gained, lost = len(labels), (hits[1] & ~hits[0]).sum(), (hits[0] & ~hits[1]).sum()
    return found, {
        "top1_drop": found["reference"]["top1"] - found["value"]["top1"],
        "top5_drop": found["reference"]["top5"] - found["value"]["top5"],
        "class_mean_drop": drop.mean(),
        "class_worst_drop": drop.max(),
        "top1_drop_error": 100 * np.sqrt(gained + lost - (gained - lost) ** 2 / n) / n,
    }


def check(what, found, wanted):
    if abs(found - wanted) > 1e-5 * max(1, abs(wanted)):
        sys.exit(f"{what}: found {found}, numpy says {wanted}")


result = json.load(open(sys.argv[1]))
data = np.load(sys.argv[4])
count = 0
for output in result["outputs"]:
    a, b = (load(folder, output["name"]) for folder in sys.argv[2:4])
    for name, wanted in metrics(a, b).items():
        check(f"{output['name']}: {name}", output["metrics"][name], wanted)
        check(name, result["metrics"][name]["value"], wanted)  # there is one output
        count += 1
labels = data["labels"][: result["samples"]]
both, alone = labelled(a, b, labels)
for name, wanted in both["reference"].items():
    check(f"{name} of A", result["metrics"][name]["reference"], wanted)
    check(f"{name} of B", result["metrics"][name]["value"], both["value"][name])
    count += 2
for name, wanted in alone.items():
    check(name, result["metrics"][name]["value"], wanted)
    count += 1
print(f"{count} values agree with numpy")
