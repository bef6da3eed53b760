#!/usr/bin/env python3
"""Every script, tool, test and feature that a workflow names is there, so that workflows do not rot unseen: nobody runs
them before they are needed. It reads the files as text, and knows as much of YAML as they use.
"""

import os
import pathlib
import re
import shlex
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
CARGO = "bench build clippy doc fetch fmt install metadata package publish run test tree".split()
SYSTEM = "cat cd sudo cp env gh git mkdir rustup sha256sum".split()
# What scripts skip, or fail for, where it is not there: a job that runs them installs it.
NEEDED = {
    ".ci/coverage.sh": ["llvm-19"],
    ".ci/deny.sh": ["cargo-deny"],
    ".ci/deny_planted.py": ["cargo-deny"],
    ".ci/fuzz.sh": ["nightly"],
    ".ci/minimal_versions.sh": ["nightly"],
    ".ci/miri.sh": ["nightly"],
    ".ci/mutants.py": ["cargo-mutants", "strace"],
    ".ci/public_api.sh": ["cargo-public-api", "nightly"],
    ".ci/run": ["nightly"],
    ".ci/sanitize.sh": ["nightly"],
    ".ci/sbom.py": ["cargo-cyclonedx"],
    ".ci/semver.sh": ["cargo-semver-checks"],
}


def jobs(text):
    """The jobs of a workflow by name, each as its lines."""
    found, name = {}, None
    for line in text.partition("\njobs:\n")[2].splitlines():
        if job := re.match(r"^  ([\w-]+):$", line):
            name = job[1]
            found[name] = []
        elif name and line.strip() and not line.lstrip().startswith("#"):
            found[name].append(line)
    return found


def commands(lines):
    """The commands that a job runs, one by one, and the tests that a matrix names as if they were commands."""
    found = []
    for line in lines:
        if run := re.match(r"^\s+(?:- )?run: (.*)$", line):
            if run[1] in ("|", ">"):
                found.append("one-line-commands-only")
            found += [part.strip() for part in run[1].split("&&")]
        elif battery := re.match(r"^\s+(?:- )?tests: (--test .*)$", line):
            found.append(f"cargo test --locked {battery[1]}")
    return found


class Job:
    def __init__(self, files, features):
        self.files, self.features, self.installed = files, features, set()

    def faults(self, command):
        words = shlex.split(command)
        while words and (words[0] == "env" or re.match(r"^(\w+=|\$)", words[0])):
            words.pop(0)
        program, *arguments = words
        if program == "bash" or program.startswith(".ci/"):
            return self.of_script(arguments[0] if program == "bash" else program)
        if program == "sudo":
            self.installed.update(arguments)
        if program == "rustup":
            self.installed.add(arguments[2])
            self.installed.update(arguments[arguments.index("--component") + 1].split(",") if "--component" in arguments else [])
            return []
        if program == "cargo":
            return self.of_cargo(arguments)
        return [] if program in SYSTEM else [f"{program} is no command that is known here"]

    def of_script(self, path):
        faults = [f"{path} needs {tool}, which the job does not install" for tool in NEEDED.get(path, []) if tool not in self.installed]
        if path not in self.files:
            return [*faults, f"{path} is not there"]
        return faults if os.access(ROOT / path, os.X_OK) or path == ".ci/run" else [*faults, f"{path} cannot be executed"]

    def of_cargo(self, arguments):
        faults = []
        if arguments[0].startswith("+"):
            toolchain = arguments.pop(0)[1:]
            if toolchain not in self.installed:
                faults.append(f"toolchain {toolchain} is not installed by the job")
        if arguments[0] == "install":
            self.installed.update(word for word in arguments[1:] if not word.startswith("-"))
        elif arguments[0] not in CARGO and not {arguments[0], f"cargo-{arguments[0]}"} & self.installed:
            faults.append(f"cargo {arguments[0]} is not installed by the job")
        if arguments[0] in ("bench", "build", "clippy", "miri", "package", "run", "test") and "--locked" not in arguments:
            faults.append(f"cargo {arguments[0]} without --locked")
        for option, value in zip(arguments, arguments[1:]):
            places = {"--test": "tests/{}.rs", "--bench": "benches/{}.rs", "--example": "examples/{}.rs", "--manifest-path": "{}"}
            if option in places and not {places[option].format(value), f"tests/{value}/main.rs"} & self.files:
                faults.append(f"{option} {value} is not there")
            if option == "--features":
                faults += [f"there is no feature {name}" for name in value.split(",") if name not in self.features]
        return faults


def faults_of(text, files, features):
    faults = []
    if "\npermissions:\n  contents: read\n" not in text.partition("\njobs:\n")[0] + "\n":
        faults.append("it does not begin with the least permissions")
    for line in text.splitlines():
        if (used := re.search(r"uses: (.+)", line)) and not re.search(r"@[0-9a-f]{40} # v\d", used[1]):
            faults.append(f"{used[1]} is not pinned")
        if re.search(r"\bsecrets\.", line):
            faults.append("it uses a secret beside the platform's token")
        # What others may choose (a branch's name, a title) is never pasted into a command.
        if re.match(r"^\s+(- )?run: .*\$\{\{", line):
            faults.append(f"an expression within a command: {line.strip()}")
    for name, lines in jobs(text).items():
        if not any(line.startswith("    timeout-minutes: ") for line in lines):
            faults.append(f"{name} may run for ever")
        job = Job(files, features)
        for command in commands(lines):
            faults += [f"{name}: {fault}" for fault in job.faults(command)]
    return faults


def check_the_check():
    """Each planted fault is found, and its correction is not one."""
    head = "on: push\npermissions:\n  contents: read\njobs:\n  a:\n    timeout-minutes: 5\n    steps:\n"
    files, features = {".ci/run", ".ci/deny.sh", ".ci/coverage.sh", "tests/torn.rs", "benches/life.rs"}, {"wal"}
    plants = [
        ("- run: .ci/gone.sh", "is not there", "- run: bash .ci/run", ["- run: rustup toolchain install nightly"]),
        ("- run: .ci/deny.sh", "needs cargo-deny", "- run: .ci/deny.sh", ["- run: cargo install --locked cargo-deny"]),
        ("- run: .ci/coverage.sh", "needs llvm-19", "- run: .ci/coverage.sh", ["- run: sudo apt-get install --yes llvm-19"]),
        ("- run: cargo test --locked --test gone", "--test gone is not there", "- run: cargo test --locked --test torn", []),
        ("- run: cargo test --locked --features gone", "no feature gone", "- run: cargo test --locked --features wal", []),
        ("- run: cargo test", "without --locked", "- run: cargo test --locked", []),
        ("- run: cargo +1.89.0 test --locked", "toolchain 1.89.0", "- run: cargo test --locked", []),
        ("- run: cargo gone --locked", "cargo gone is not", "- run: cargo gone", ["- run: cargo install cargo-gone"]),
        ("- run: cd a && curl b", "curl is no command", "- run: cd a && cat b", []),
        ("- tests: --test gone", "--test gone is not there", "- tests: --test torn", []),
        ("- uses: a/b@v4", "not pinned", f"- uses: a/b@{40 * 'a'} # v4", []),
        ("- run: git log ${{ github.ref }}", "an expression within", "- run: git log $REF", []),
        ("- env: ${{ secrets.KEY }}", "a secret", "- env: ${{ github.token }}", []),
    ]
    for fault, word, correct, before in plants:
        lines = lambda *steps: head + "".join(f"      {step}\n" for step in steps)
        found = faults_of(lines(fault), files, features)
        assert any(word in said for said in found), f"a planted fault is not found: {fault}: {found}"
        found = faults_of(lines(*before, correct), files, features)
        assert not found, f"no fault: {correct}: {found}"
    for word, text in [("for ever", head.replace("    timeout-minutes: 5\n", "")), ("least", head.replace("contents: read", "contents: write"))]:
        assert any(word in said for said in faults_of(text, files, features)), f"a planted fault is not found: {word}"


def main():
    check_the_check()
    files = {str(path.relative_to(ROOT)) for folder in (".ci", "tests", "benches", "examples") for path in (ROOT / folder).rglob("*")}
    files |= {"Cargo.toml", "benches/peers/Cargo.toml", "fuzz/Cargo.toml"}
    features = set(tomllib.loads((ROOT / "Cargo.toml").read_text())["features"])
    faults, run, named = [], 0, (ROOT / ".ci/run").read_text()
    for path in sorted((ROOT / ".github/workflows").glob("*.yml")):
        text = path.read_text()
        named += text
        run += sum(len(commands(lines)) for lines in jobs(text).values())
        faults += [f"{path.name}: {fault}" for fault in faults_of(text, files, features)]
    for script in sorted((ROOT / ".ci").glob("*.*")):
        if os.access(script, os.X_OK) and script.is_file() and f".ci/{script.name}" not in named:
            faults.append(f".ci/{script.name}: neither a workflow nor .ci/run names it")
    assert run > 20, "commands were read"
    sys.exit("\n".join(faults) if faults else print(f"{run} commands of workflows, all there"))


main()
