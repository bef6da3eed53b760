#!/usr/bin/env python3
"""Counts the instructions of a decision by callgrind and compares them with benches/instructions.txt.

`.ci/instructions.py` compares; `.ci/instructions.py --write` rewrites the figures.
"""

import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BASELINE = ROOT / "benches" / "instructions.txt"
TOLERANCE = 0.10
REPETITIONS = 8
HEAD = """\
# Instructions of one `prescribe`, on average over a case's requests: benches/instructions.rs, by callgrind.
# The figures are of one toolchain on x86-64. Rewritten by `.ci/instructions.py --write`; read the difference first.
"""


def binary():
    """The bench, as it is released."""
    command = "cargo build --locked --release --bench instructions --message-format json-render-diagnostics"
    built = subprocess.run(command.split(), cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    messages = [json.loads(line) for line in built.splitlines() if line.startswith("{")]
    return next(m["executable"] for m in messages if m.get("executable") and m["target"]["name"] == "instructions")


def collected(program, case, repetitions):
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, case, str(repetitions)]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(re.search(r"Collected\s*:\s*(\d+)", run.stderr).group(1))


def count(program):
    """What twice the repetitions take more, so that freezing and all else fall out."""
    listed = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    counts = {}
    for case, requests in re.findall(r"(\w+): (\d+) requests", listed):
        once, twice = (collected(program, case, times * REPETITIONS) for times in (1, 2))
        counts[case] = round((twice - once) / (REPETITIONS * int(requests)))
    return counts


def compare(counts, baseline):
    failed = counts.keys() != baseline.keys()
    if failed:
        print("the cases are not those of the baseline: write it anew")
    for case, now in counts.items():
        then = baseline.get(case, now)
        share = now / then - 1
        verdict = "ok"
        if share > TOLERANCE:
            verdict, failed = f"FAILED: more than {TOLERANCE:.0%} above the baseline", True
        elif share < -TOLERANCE:
            verdict = "the baseline can be lowered"
        print(f"{case:16} {now:8} instructions, baseline {then:8} ({share:+.1%}): {verdict}")
    return 1 if failed else 0


def main():
    counts = count(binary())
    if "--write" in sys.argv[1:]:
        BASELINE.write_text(HEAD + "".join(f"{case} {now}\n" for case, now in counts.items()))
        print(BASELINE.read_text(), end="")
        return 0
    rows = [line.split() for line in BASELINE.read_text().splitlines() if line and not line.startswith("#")]
    return compare(counts, {case: int(then) for case, then in rows})


if __name__ == "__main__":
    sys.exit(main())
