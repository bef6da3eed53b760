#!/usr/bin/env python3
"""Mutants of the sources by cargo-mutants, run against the tests that reach them.

    .ci/mutants.py                    every mutant of EVERY, and a sample of the rest, drawn by a seed
    .ci/mutants.py --fast             a few of each group, for every change
    .ci/mutants.py --only src/wal/    what lies below, all of it

A mutant meets the tests of its group stage by stage. One that outlives them all must stand in docs/mutants.txt with the
reason why nothing can tell it from the code; anything else fails.
"""

import argparse
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
from tree import lay_out  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Sources are mutated in place here, and never the reviewer's own.
TREE = ROOT / "target" / "mutants-tree"
JUSTIFIED = ROOT / "docs" / "mutants.txt"
# Models are not compiled into what tests run: loom and shuttle have them.
NOT_SOURCES = ["src/**/models.rs", "src/**/models/**"]
# What is mutated, and the tests that reach it: those that end in seconds; then unit tests, and those that take longer or
# reach it from afar; then loom's models, of the groups that have any. A mutant meets the next ones where it has outlived
# those before. (Never tests that read code of the sources: any mutant fails those.)
GROUPS = [
    ("crypto", r"src/(crypto|codec)", ["keys", "record", "audit", "messages"],
     ["golden", "published", "versions", "policy_digest", "wal", "retention", "fuzz_corpora", "torn"]),
    ("budget", r"src/budget", ["budget", "budget_model", "windows", "controller", "messages"],
     ["ledger_model", "refusals", "incidents", "controller_operations", "controller_denials", "controller_threads",
      "budget_threads", "windows_threads", "allocations_budget", "determinism", "crash"]),
    ("wal", r"src/wal", ["wal", "keys", "retention", "audit", "messages"],
     ["versions", "fuzz_corpora", "incidents", "controller_durability", "controller_faults", "strace", "kill", "faults",
      "crash", "torn", "tamper"]),
    ("kernel", r"src/kernel", ["kernel", "kernel_requests", "kernel_selection", "kernel_ranked", "kernel_golden",
                               "kernel_properties"],
     ["allocations_kernel", "determinism", "fuzz_corpora", "policy_digest", "what_if", "counterfactual", "kernel_large"]),
    ("record", r"src/(record|policy)", ["record", "policy", "policy_digest", "golden", "messages"],
     ["policy_document", "kernel", "kernel_properties", "ledger", "ledger_refusals", "audit", "versions", "fuzz_corpora",
      "kernel_large"]),
    ("ledger", r"src/(ledger|window\.rs|throttle\.rs)", ["ledger", "ledger_refusals", "ledger_checkpoint",
                                                         "ledger_model", "windows", "messages"],
     ["ledger_recount", "refusals", "incidents", "audit_outcomes", "audit_refusals", "golden", "versions", "fuzz_corpora",
      "controller", "controller_operations", "crash"]),
    ("controller", r"src/controller", ["controller", "controller_denials", "controller_operations",
                                       "controller_faults"],
     ["refusals", "incidents", "async_controller", "controller_threads", "controller_durability", "retention", "windows",
      "windows_threads", "audit_outcomes", "faults", "crash"]),
    ("audit", r"src/audit", ["audit", "audit_refusals", "audit_outcomes", "what_if", "keys"],
     ["versions", "golden", "retention", "refusals", "incidents", "windows", "ledger_recount", "fuzz_corpora", "torn",
      "tamper"]),
]
# No mutant of these is left to chance.
EVERY = re.compile(r"^src/(crypto/|crypto\.rs|codec\.rs|budget/cell\.rs|wal/recovery\.rs|wal/damage\.rs)")
FEATURES = "wal,serde,tokio"
MISSED = "MissedMutant"
MODELLED = ["budget", "wal"]
# Seconds that the tests of one may take: a mutant may well loop.
TIMEOUTS = {"quick": 120, "slow": 600, "models": 1200}


def mutants():
    """All of them, in a fixed order, each with a key that stays when lines are added above it."""
    arguments = [argument for glob in NOT_SOURCES for argument in ("-e", glob)]
    listed = subprocess.run(
        ["cargo", "mutants", "--list", "--json", *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    # Tests under a `cfg` of several parts are not seen as such.
    is_test = lambda mutant: mutant["function"] and mutant["function"]["function_name"].startswith("tests::")
    in_code = [mutant for mutant in json.loads(listed) if not is_test(mutant)]
    every = sorted(in_code, key=lambda mutant: (mutant["file"], line(mutant), mutant["name"]))
    seen = {}
    for mutant in every:
        plain = re.sub(r"^(src/[^:]*):\d+:\d+: ", r"\1: ", mutant["name"])
        seen[plain] = seen.get(plain, 0) + 1
        # Of several alike in one function, which.
        mutant["key"] = plain if seen[plain] == 1 else f"{plain} #{seen[plain]}"
    return every


def line(mutant):
    start = mutant["span"]["start"]
    return start["line"], start["column"]


def group_of(mutant):
    return next((group for group in GROUPS if re.match(group[1], mutant["file"])), None)


def drawn(options):
    inside = [mutant for mutant in mutants() if group_of(mutant)]
    # By lot, and a change of one function leaves the lots of all others as they were.
    inside.sort(key=lambda mutant: digest_of(f"{options.seed} {mutant['key']}".encode()))
    if options.only:
        return [mutant for mutant in inside if mutant["file"].startswith(tuple(options.only))]
    if options.fast is not None:
        return [one for group in GROUPS for one in [m for m in inside if group_of(m) == group][: options.fast]]
    every = [mutant for mutant in inside if EVERY.match(mutant["file"])]
    rest = [mutant for mutant in inside if not EVERY.match(mutant["file"])]
    return every + rest[: options.sample]


def digest_of(data):
    return hashlib.sha256(data).hexdigest()


def code_of(name):
    """A mutant is another one when its file is, but for the tests that end it."""
    path = TREE / name.split(":")[0]
    text = path.read_bytes() if path.exists() else b""
    return re.split(rb"\n#\[cfg\([^\n]*test[^\n]*\)\]\nmod tests \{", text)[0]


class Found:
    """What became of mutants, stage by stage, in a file that a run which was stopped goes on from."""

    def __init__(self, path, resume):
        self.path, self.stages = path, {}
        lines = path.read_text().splitlines() if resume and path.exists() else []
        for line in lines:
            digest, name, stage, summary = json.loads(line)
            if digest == digest_of(code_of(name)):
                self.stages.setdefault(name, {})[stage] = summary
        # What has outlived everything is shown to the tests anew.
        last = lambda name: stages_of(group_of({"file": name.split(":")[0]}))[-1][0]
        self.stages = {name: of for name, of in self.stages.items() if of.get(last(name)) != MISSED}
        if path.exists():
            path.replace(path.with_suffix(".before"))
        for name, of in self.stages.items():
            for stage, summary in of.items():
                self.keep({name: summary}, stage)

    def keep(self, found, stage):
        with self.path.open("a") as file:
            for name, summary in found.items():
                self.stages.setdefault(name, {})[stage] = summary
                file.write(json.dumps([digest_of(code_of(name)), name, stage, summary]) + "\n")

    def of(self, name, stage):
        return self.stages.get(name, {}).get(stage)

    def last(self, name):
        return next(reversed(self.stages[name].values()))


def stages_of(group):
    """The tests that a mutant of the group meets, each as cargo's arguments, and the `cfg` that they need."""
    name, _, quick, slow = group
    named = lambda tests: [f"--test={test}" for test in tests]
    stages = [("quick", named(quick), None), ("slow", ["--lib", *named(slow)], None)]
    return stages + ([("models", ["--release", "--lib", "loom_"], "loom")] if name in MODELLED else [])


def run(stage, chosen, tests, cfg, found, options):
    """Shows the chosen ones to these tests, a few at a time."""
    environment = os.environ | {"CARGO_TARGET_DIR": str(ROOT / "target" / "mutants" / (cfg or "tests"))}
    if cfg:
        environment |= {"RUSTFLAGS": f"--cfg {cfg}", "LOOM_MAX_PREEMPTIONS": "2"}
    chosen = sorted(chosen, key=lambda mutant: (mutant["file"], line(mutant), mutant["name"]))
    for at in range(0, len(chosen), 40):
        part = chosen[at : at + 40]
        exactly = "^(" + "|".join(re.escape(mutant["name"]) for mutant in part) + ")$"
        baseline = "skip" if options.trust or at else "run"
        command = ["cargo", "mutants", "--in-place", "--no-shuffle", f"--features={FEATURES}", "--cargo-arg=--locked",
                   f"--output={options.out}", f"--re={exactly}", "--build-timeout=600", f"--baseline={baseline}",
                   f"--timeout={TIMEOUTS[stage]}"]
        # A deleted field passes any name: files keep out most of those that were not drawn.
        command += [f"--file={file}" for file in sorted({mutant["file"] for mutant in part})]
        command += [f"--cargo-arg={test}" for test in tests]
        # 2 and 3 say that some were missed or took too long, which the outcomes say one by one.
        status = subprocess.run(command, cwd=TREE, env=environment, check=False).returncode
        if status not in (0, 2, 3):
            sys.exit(f"cargo mutants ended with {status}: the tests do not pass as they are, or it was used wrongly")
        outcomes = json.loads((options.out / "mutants.out" / "outcomes.json").read_text())["outcomes"]
        became = {outcome["scenario"]["Mutant"]["name"]: became_of(outcome, stage) for outcome in outcomes
                  if isinstance(outcome["scenario"], dict)}
        missing = [mutant["name"] for mutant in part if mutant["name"] not in became]
        if missing:
            sys.exit(f"{len(missing)} mutants were not run, {missing[0]} among them")
        found.keep({mutant["name"]: became[mutant["name"]] for mutant in part}, stage)


def became_of(outcome, stage):
    """The summary, where it says what it seems to: not that a build failed or took too long that had not before."""
    summary, name = outcome["summary"], outcome["scenario"]["Mutant"]["name"]
    is_built = any(phase["phase"] == "Test" for phase in outcome["phase_results"])
    if summary in ("CaughtMutant", MISSED, "Timeout") and is_built or summary == "Unviable" and stage == "quick":
        return summary
    sys.exit(f"{summary} in stage {stage}: {name}")


def justified():
    lines = JUSTIFIED.read_text().splitlines()
    return {entry.split(" -- ")[0] for entry in lines if entry.startswith("src/")}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fast", type=int, nargs="?", const=3, help="so many of each group")
    parser.add_argument("--only", action="append", help="all mutants of files whose path begins so")
    parser.add_argument("--sample", type=int, default=600, help="so many of what is not run whole")
    parser.add_argument("--seed", type=int, default=6)
    parser.add_argument("--groups", help="of these alone, by comma")
    parser.add_argument("--trust", action="store_true", help="do not run the tests on the code as it is first")
    parser.add_argument("--resume", action="store_true",
                        help="go on where a run was stopped: what was found of files that are the same, whatever else has changed")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "target" / "mutants-out")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    lay_out(ROOT, TREE)
    found = Found(options.out / "found.jsonl", options.resume)

    if not shutil.which("strace"):
        sys.exit("a test needs strace, and passes without")
    known = justified()
    gone = known - {mutant["key"] for mutant in mutants()}
    if gone:
        sys.exit("justified, and no mutant any more:\n" + "\n".join(sorted(gone)))
    chosen = drawn(options)
    names = [group[0] for group in GROUPS]
    wanted = options.groups.split(",") if options.groups else names
    if not chosen or set(wanted) - set(names):
        sys.exit(f"nothing is chosen, or there is no such group; the groups are {', '.join(names)}")
    totals, left = {}, []
    for group in GROUPS:
        name = group[0]
        part = [mutant for mutant in chosen if group_of(mutant) == group]
        if name not in wanted or not part:
            continue
        alive = part
        for stage, tests, cfg in stages_of(group):
            unknown = [mutant for mutant in alive if not found.of(mutant["name"], stage)]
            run(stage, unknown, tests, cfg, found, options)
            alive = [mutant for mutant in alive if found.of(mutant["name"], stage) == MISSED]
        for mutant in part:
            summary = found.last(mutant["name"])
            totals[summary] = totals.get(summary, 0) + 1
        missed = {mutant["key"] for mutant in alive}
        left += sorted(missed - known)
        caught = sorted(known & {mutant["key"] for mutant in part} - missed)
        if caught:
            sys.exit("justified, and caught:\n" + "\n".join(caught))
    report(totals, left)


def report(totals, left):
    caught = totals.get("CaughtMutant", 0) + totals.get("Timeout", 0)
    missed = totals.get(MISSED, 0)
    print(f"\n{caught + missed} viable mutants: {caught} caught ({totals.get('Timeout', 0)} of them by time), {missed} not, "
          f"{missed - len(left)} of which are justified; {totals.get('Unviable', 0)} did not compile")
    for key in left:
        print(f"lives: {key}")
    sys.exit(1 if left else 0)


main()
