# SPDX-License-Identifier: Apache-2.0
"""An HTML report: well-formed, all sections there and filled, nothing that a browser would fetch or run.

    html_report.py REPORT [HOSTILE_NAME]
"""
import re
import sys
import xml.etree.ElementTree as tree

X, S = "{http://www.w3.org/1999/xhtml}", "{http://www.w3.org/2000/svg}"
text = open(sys.argv[1], encoding="utf-8").read()
page = tree.fromstring(text)
problems = []


def need(condition, what):
    if not condition:
        problems.append(what)


need(text.startswith("<!DOCTYPE html>"), "no doctype")
need(page.tag == X + "html" and page.get("lang") == "en", "the root is no html of a language")

# Nothing from elsewhere, nothing that runs.
elements = {e.tag.split("}")[1] for e in page.iter()}
need(not elements & {"script", "link", "img", "iframe", "object", "embed", "form", "base", "use", "image"},
     f"elements that fetch or run: {elements}")
for e in page.iter():
    for name, value in e.attrib.items():
        need(not name.startswith("on"), f"an attribute that runs: {name}")
        need(name not in ("src", "style"), f"an attribute {name}")
        need(name != "href" or re.fullmatch(r"#[a-z]+", value), f"a link to elsewhere: {value}")
style = page.find(f"{X}head/{X}style").text
need("url(" not in style and "@import" not in style, "the style sheet fetches")
need("prefers-color-scheme:dark" in style and "focus-visible" in style, "no dark colours, or no focus")
policy = [m.get("content") for m in page.iter(X + "meta") if m.get("http-equiv")]
need(policy == ["default-src 'none'; style-src 'unsafe-inline'"], f"policy {policy}")

# Headings, links, tables: what screen readers and keyboards go by.
ids = [e.get("id") for e in page.iter() if e.get("id")]
need(len(ids) == len(set(ids)), "an id twice")
for link in page.iter(X + "a"):
    need(link.get("href")[1:] in ids, f"a link to nowhere: {link.get('href')}")
for table in page.iter(X + "table"):
    need(table.find(X + "caption") is not None, "a table without caption")
    columns = len(table.find(f"{X}thead/{X}tr"))
    need(all(len(row) == columns for row in table.find(X + "tbody")), "a row of other length")
for svg in page.iter(S + "svg"):
    need(svg.get("role") == "img" and svg.find(S + "title") is not None, "a drawing without title")
    numbers = [v for e in svg.iter() for n, v in e.attrib.items()
               if n in ("x", "y", "width", "height", "d", "cx", "cy")]
    need(not any("nan" in v or "inf" in v for v in numbers), "a drawing with nan or inf")


def section(name):
    found = [e for e in page.iter(X + "section") if e.get("id") == name]
    need(len(found) == 1, f"no section {name}")
    return found[0] if found else tree.Element("none")


def words(name):
    return " ".join("".join(section(name).itertext()).split())


if len(sys.argv) < 3:
    need(re.search(r"bytes 140 kB \d+ kB -\d+\.\d %", words("summary").replace("bytes", "bytes ").replace("  ", " "))
         or "140 kB" in words("summary"), f"summary: {words('summary')[:400]}")
    need("latency" in words("summary"), "no latency")
    need("cleanup" in words("passes") and "linear-batch-norm" in words("passes"), f"passes: {words('passes')[:300]}")
    need("sqnr" in words("accuracy") and "top1" in words("accuracy"), "no metrics")
    for name, least in (("layers", 1), ("size", 1), ("time", 1), ("histograms", 6), ("graph", 2)):
        count = sum(1 for _ in section(name).iter(S + "svg"))
        need(count >= least, f"{count} drawings in {name}, expected {least}")
    need("BatchNormalization" in words("graph"), "the graph does not show what went")
    need(len(words("layers")) > 500, "no table of layers")
else:
    need(sys.argv[2] in "".join(page.itertext()), "the hostile name is not in the text")

if problems:
    sys.exit("\n".join(problems))
print(f"{len(text)} bytes, {sum(1 for _ in page.iter())} elements")
