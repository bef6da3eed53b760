#!/usr/bin/env python3
"""Plants a defect in each invariant's guard, and runs the evidence that is there to catch it: each kind must.

    .ci/planted.py              all of tests/planted
    .ci/planted.py I06 I10      those

A patch begins with what is wrong, and names its evidence as `kind | command`. Each command must pass on the code
as it is, build with the defect, and fail; two kinds at least. The kinds are those of docs/INVARIANTS.md.
"""

import os
import pathlib
import re
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from tree import lay_out  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
PATCHES = ROOT / "tests" / "planted"
TREE = ROOT / "target" / "planted-tree"
EVIDENCE = re.compile(r"^([a-z ]+) \| (.+)$", re.MULTILINE)
# What says that a check found something, and not that it could not run.
FOUND = re.compile(r"test result: FAILED|^FAILED: |panicked at", re.MULTILINE)


def main():
    chosen = sorted(PATCHES.glob("*.patch"))
    if len(sys.argv) > 1:
        chosen = [patch for patch in chosen if patch.name.startswith(tuple(sys.argv[1:]))]
    if not chosen:
        sys.exit("no patch has such a name")
    lay_out(ROOT, TREE)
    passes = set()
    faults = []
    for patch in chosen:
        text = patch.read_text()
        head = text[: text.index("diff --git")]
        evidence = EVIDENCE.findall(head)
        if len({kind for kind, _ in evidence}) < 2:
            faults.append(f"{patch.name} names fewer than two kinds of evidence")
        for _, command in evidence:
            if command not in passes and run(command)[0] != 0:
                sys.exit(f"does not pass on the code as it is: {command}")
            passes.add(command)
        apply(text, "--check")
        apply(text)
        for kind, command in evidence:
            started = time.monotonic()
            said = caught(command)
            faults += [f"{patch.name}: {said}: {command}"] * (said != "caught")
            print(f"{patch.stem}: {kind}: {said} ({time.monotonic() - started:.0f} s): {command}", flush=True)
        apply(text, "--reverse")
    print(f"{len(chosen)} defects planted, {len(faults)} faults")
    sys.exit("\n".join(faults) or 0)


def caught(command):
    if command.startswith("cargo test"):
        filters = command.split(" -- ")[0]
        if run(f"{filters} --no-run")[0] != 0:
            return "does not build"
    status, output = run(command)
    if status == 0:
        return "not caught"
    return "caught" if FOUND.search(output) else "failed otherwise"


def run(command):
    environment = os.environ | {"CARGO_TARGET_DIR": str(ROOT / "target")}
    if command.split()[-1].startswith("loom_"):
        environment |= {"RUSTFLAGS": "--cfg loom", "LOOM_MAX_PREEMPTIONS": "2",
                        "CARGO_TARGET_DIR": str(ROOT / "target" / "loom")}
    done = subprocess.run(
        command.split(), cwd=TREE, env=environment, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return done.returncode, done.stdout


def apply(patch, *how):
    # In no repository: git would take the paths for those of the one that the tree stands in.
    environment = os.environ | {"GIT_CEILING_DIRECTORIES": str(TREE.parent)}
    subprocess.run(["git", "apply", *how, "-"], cwd=TREE, env=environment, input=patch, check=True, text=True)


main()
