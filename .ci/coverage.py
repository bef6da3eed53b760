#!/usr/bin/env python3
"""Sums up a report of llvm-cov by module: how many lines were reached.

    .ci/coverage.py REPORT [--files] [--lines]     also file by file; also each line that was not
"""

import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODULES = ["kernel", "budget", "wal", "audit", "crypto", "codec", "ledger", "record", "policy", "controller"]


def lines_of(file):
    """Each line that has code, and whether it was reached: the last region that begins before it decides."""
    reached, current = {}, None
    segments = sorted(file["segments"], key=lambda segment: segment[:2])
    at = 0
    last = segments[-1][0] if segments else 0
    for line in range(1, last + 1):
        here = [current] if current is not None else []
        while at < len(segments) and segments[at][0] == line:
            _, _, count, has_count, is_entry, is_gap = segments[at]
            current = count if has_count and not is_gap else None
            if current is not None and is_entry:
                here.append(current)
            at += 1
        if here:
            reached[line] = max(here) > 0
    return reached


def main():
    report = json.loads(pathlib.Path(sys.argv[1]).read_text())
    sums = {}
    for file in sorted(report["data"][0]["files"], key=lambda file: file["filename"]):
        path = pathlib.Path(file["filename"])
        if not path.is_relative_to(ROOT / "src"):
            continue
        place = path.relative_to(ROOT / "src")
        module = place.parts[0].removesuffix(".rs")
        if module not in MODULES:
            continue
        lines = lines_of(file)
        missed = [line for line, is_reached in lines.items() if not is_reached]
        total, covered = sums.get(module, (0, 0))
        sums[module] = total + len(lines), covered + len(lines) - len(missed)
        if "--files" in sys.argv:
            print(f"  {place!s:42} {said(len(lines), len(lines) - len(missed))}")
        if "--lines" in sys.argv and missed:
            text = path.read_text().splitlines()
            print(f"src/{place}")
            print("\n".join(f"  {line:4} {text[line - 1].strip()}" for line in missed))
    for module in MODULES:
        total, covered = sums.get(module, (0, 0))
        if total:
            print(f"{module:44} {said(total, covered)}")


def said(total, covered):
    return f"{covered:6} of {total:6} lines, {covered / max(total, 1):.1%}"


main()
