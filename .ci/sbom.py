#!/usr/bin/env python3
"""Writes the bill of materials of a release, as CycloneDX 1.5 in JSON: the command, with all that is built into it on
x86-64 Linux; the library has a part of that. `.ci/sbom.py OUT`

What `cargo-cyclonedx` writes, less what a build has not, is held to what cargo itself says: every normal dependency with version, licence, package
URL and the checksum of Cargo.lock, and no crate that only tests need. The same sources give the same bytes.
"""

import copy
import json
import os
import pathlib
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = "x86_64-unknown-linux-gnu"
FEATURES = ["--features", "cli"]


def generated():
    """What the tool says of the working tree, without the place of the clone in it."""
    name = "sbom.unchecked"
    command = ["cargo-cyclonedx", "cyclonedx", "--quiet", "--format", "json", "--spec-version", "1.5", "--target", TARGET]
    # With an epoch it leaves out the serial number, and takes the epoch for the time.
    environment = {**os.environ, "SOURCE_DATE_EPOCH": os.environ.get("SOURCE_DATE_EPOCH", committed_at())}
    made = ROOT / f"{name}.json"
    try:
        subprocess.run([*command, *FEATURES, "--override-filename", name], cwd=ROOT, env=environment, check=True)
        text = made.read_text()
    finally:
        made.unlink(missing_ok=True)
    text = text.replace(f"path+file://{ROOT}#", "pkg:cargo/").replace("?download_url=file://.", "")
    return json.loads(text)


def pruned(bill, built):
    """The bill without crates that are in it since a test's dependency turns on a feature: the tool reads cargo's metadata,
    which resolves features for library and tests together. A build of the command does not."""
    kept = {part["bom-ref"] for part in bill["components"] if (part["name"], part["version"]) in built}
    kept.add(bill["metadata"]["component"]["bom-ref"])
    bill["components"] = [part for part in bill["components"] if part["bom-ref"] in kept]
    bill["dependencies"] = [link for link in bill["dependencies"] if link["ref"] in kept]
    for link in bill["dependencies"]:
        if "dependsOn" in link:
            link["dependsOn"] = [ref for ref in link["dependsOn"] if ref in kept]
    return bill


def committed_at():
    command = ["git", "log", "-1", "--format=%ct"]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def tree(edges, features=FEATURES):
    """By name and version, the licences of the crates that cargo resolves."""
    command = ["cargo", "tree", "--locked", "--target", TARGET, "--prefix", "none", "--format", "{p}|{l}", "--edges", edges]
    listing = subprocess.run([*command, *features], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    found = {}
    for line in listing.splitlines():
        if "|" not in line:
            continue  # a heading
        package, licence = line.removesuffix(" (*)").split("|")
        name, version = package.split(" ")[:2]
        found[name, version.removeprefix("v")] = licence.replace("/", " OR ")
    return {key: licence for key, licence in found.items() if key[0] != "assize"}


def faults_of(bill, resolved):
    """What the bill has too little, too much or otherwise than cargo."""
    faults = []
    if (bill["bomFormat"], bill["specVersion"]) != ("CycloneDX", "1.5"):
        faults.append("it is not CycloneDX 1.5")
    if bill["metadata"]["component"]["purl"] != f"pkg:cargo/assize@{resolved['version']}":
        faults.append("it is not of this version")
    components = {(part["name"], part["version"]): part for part in bill["components"]}
    if len(components) != len(bill["components"]):
        faults.append("a component is listed twice")
    for key, licence in resolved["normal"].items():
        part = components.get(key)
        if part is None:
            faults.append(f"{key} is missing")
            continue
        expected = {
            "purl": f"pkg:cargo/{key[0]}@{key[1]}",
            "licenses": [{"expression": licence}],
            "hashes": [{"alg": "SHA-256", "content": resolved["checksums"][key]}],
        }
        faults += [f"{key}: {field} is {part.get(field)}, not {value}" for field, value in expected.items() if part.get(field) != value]
    faults += [f"{key} is not built" for key in components.keys() - resolved["built"].keys()]
    linked = {ref for link in bill["dependencies"] for ref in link.get("dependsOn", [])}
    faults += [f"{part['name']} has no place in the graph" for part in components.values() if part["bom-ref"] not in linked]
    if str(ROOT) in json.dumps(bill):
        faults.append("it names the folder of the clone")
    return faults


def resolved_by_cargo():
    locked = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    return {
        "version": tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]["version"],
        "checksums": {(part["name"], part["version"]): part["checksum"] for part in locked if "checksum" in part},
        "normal": tree("normal"),
        "built": tree("normal,build"),
    }


def check_the_check(bill, resolved):
    """Each planted fault must be found, or the check says nothing."""
    tests_alone = sorted(tree("all", ["--all-features"]).keys() - resolved["built"].keys())
    assert len(resolved["normal"]) > 40 and len(tests_alone) > 20, "cargo's trees were read"

    def without_the_hash(planted):
        planted["components"] = [part for part in planted["components"] if part["name"] != "sha2"]

    def with_one_of_tests(planted):
        name, version = tests_alone[0]
        planted["components"].append({**planted["components"][0], "name": name, "version": version})

    def with_another(field, value):
        return lambda planted: planted["components"][0].__setitem__(field, value)

    plants = [
        ("sha2", without_the_hash),
        ("is not built", with_one_of_tests),
        ("hashes", with_another("hashes", [{"alg": "SHA-256", "content": "0" * 64}])),
        ("licenses", with_another("licenses", [])),
        ("purl", with_another("purl", "pkg:cargo/other@1.0.0")),
        ("is missing", with_another("version", "0.0.0")),
        ("twice", lambda planted: planted["components"].append(planted["components"][0])),
        ("folder", with_another("description", str(ROOT))),
        ("graph", with_another("bom-ref", "nowhere")),
        ("of this version", lambda planted: planted["metadata"]["component"].__setitem__("purl", "pkg:cargo/assize@9.9.9")),
    ]
    for word, plant in plants:
        planted = copy.deepcopy(bill)
        plant(planted)
        if not any(word in fault for fault in faults_of(planted, resolved)):
            sys.exit(f"a planted fault is not found: {word}")


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: .ci/sbom.py OUT")
    resolved = resolved_by_cargo()
    bill, again = pruned(generated(), resolved["built"]), pruned(generated(), resolved["built"])
    if faults := faults_of(bill, resolved):
        sys.exit("\n".join(faults))
    if bill != again:
        sys.exit("two runs differ")
    check_the_check(bill, resolved)
    pathlib.Path(sys.argv[1]).write_text(json.dumps(bill, indent=2, sort_keys=True) + "\n")
    print(f"{len(bill['components'])} components, {len(resolved['normal'])} of them in the program")


main()
