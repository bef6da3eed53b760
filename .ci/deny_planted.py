#!/usr/bin/env python3
"""Plants one violation after another into a copy of the project, and demands that deny.toml finds it, and nothing else.

A check that passes may have looked at nothing: here each rule fails once, for its own reason, at the planted crate. No
network: the other registry is served from this process.
"""

import hashlib
import http.server
import io
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parent.parent
# As `.ci/deny.sh` has them for the library.
LINTS = "-A license-exception-not-encountered -A unmatched-skip-root -D unmatched-skip -D unnecessary-skip".split()

# The planted crate's name, version and licence; how the library's manifest names it; the diagnostics that it must cause.
# In the manifest's line {here} is the crate's folder and {registry} the other registry.
BY_PATH = 'planted = {{ package = "{name}", path = "{here}", version = "{version}" }}'
CASES = [
    ("a crate by its path", "fine", "1.0.0", "MIT", BY_PATH, []),
    ("openssl", "openssl", "0.10.0", "Apache-2.0", BY_PATH, ["banned"]),
    ("openssl's bindings", "openssl-sys", "0.9.0", "MIT", BY_PATH, ["banned"]),
    ("ring", "ring", "0.17.0", "Apache-2.0", BY_PATH, ["banned"]),
    ("AWS's library", "aws-lc-rs", "1.0.0", "Apache-2.0", BY_PATH, ["banned"]),
    ("AWS's library in C", "aws-lc-sys", "0.1.0", "MIT", BY_PATH, ["banned"]),
    ("BoringSSL", "boring", "4.0.0", "Apache-2.0", BY_PATH, ["banned"]),
    ("the system's TLS", "native-tls", "0.2.0", "MIT", BY_PATH, ["banned"]),
    ("TLS", "rustls", "0.23.0", "MIT", BY_PATH, ["banned"]),
    ("another crypto stack", "rust-crypto", "0.2.0", "MIT", BY_PATH, ["banned"]),
    ("the hash twice", "sha2", "0.10.0", "MIT", BY_PATH, ["duplicate"]),
    ("another crate twice", "itoa", "0.4.0", "MIT", BY_PATH, ["duplicate"]),
    ("a copyleft licence", "planted", "1.0.0", "GPL-3.0-only", BY_PATH, ["rejected"]),
    ("a weak copyleft licence", "planted", "1.0.0", "MPL-2.0", BY_PATH, ["rejected"]),
    ("a copyleft licence too", "planted", "1.0.0", "MIT AND LGPL-3.0-only", BY_PATH, ["rejected"]),
    ("another's exception", "planted", "1.0.0", "Zlib", BY_PATH, ["rejected"]),
    ("no licence", "planted", "1.0.0", None, BY_PATH, ["unlicensed"]),
    ("a copyleft licence in tests", "planted", "1.0.0", "GPL-3.0-only", "[dev-dependencies]" + BY_PATH, ["rejected"]),
    ("any version, by its path", "planted", "1.0.0", "MIT", 'planted = {{ path = "{here}" }}', ["wildcard"]),
    ("a git repository", "planted", "1.0.0", "MIT", 'planted = {{ git = "file://{here}", version = "1" }}', ["source-not-allowed"]),
    (
        "another registry",
        "planted",
        "1.0.0",
        "MIT",
        'planted = {{ version = "1", registry-index = "sparse+{registry}/" }}',
        ["source-not-allowed"],
    ),
]


class Registry(http.server.BaseHTTPRequestHandler):
    """A sparse registry with one crate."""

    files = {}

    def do_GET(self):
        body = self.files.get(self.path)
        self.send_response(404 if body is None else 200)
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_):
        pass


def serve(crate):
    """The address of a registry that has the folder's crate."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add(crate, "planted-1.0.0")
    entry = {"name": "planted", "vers": "1.0.0", "deps": [], "features": {}, "yanked": False}
    entry["cksum"] = hashlib.sha256(packed.getvalue()).hexdigest()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    address = f"http://127.0.0.1:{server.server_port}"
    Registry.files = {
        "/config.json": json.dumps({"dl": f"{address}/packages"}).encode(),
        "/pl/an/planted": json.dumps(entry).encode(),
        "/packages/planted/1.0.0/download": packed.getvalue(),
    }
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return address


def run(command, cwd, environment):
    done = subprocess.run(command, cwd=cwd, env=environment, text=True, capture_output=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stderr}")


def cargo_home(folder):
    """A cargo home that has what the user's has, its locks included, and keeps to itself what is added."""
    users = pathlib.Path(os.environ.get("CARGO_HOME", pathlib.Path.home() / ".cargo"))
    for path in users.glob("*"):
        if path.name not in ("registry", "git"):
            (folder / path.name).symlink_to(path)
    for kind in ("index", "cache", "src"):
        (folder / "registry" / kind).mkdir(parents=True)
        for path in (users / "registry" / kind).glob("*"):
            (folder / "registry" / kind / path.name).symlink_to(path)
    return folder


def crate(folder, name, version, licence):
    """A crate that does nothing, committed to a repository of its own."""
    (folder / "src").mkdir(parents=True)
    (folder / "src/lib.rs").write_text("")
    stated = f'license = "{licence}"\n' if licence else ""
    (folder / "Cargo.toml").write_text(f'[package]\nname = "{name}"\nversion = "{version}"\nedition = "2024"\n{stated}')


def planted(case, project, temporary, environment):
    """The copy's errors, each as its code and the crate that it is about."""
    what, name, version, licence, line, _ = case
    here = temporary / "planted" / what.replace(" ", "-").replace("'", "")
    crate(here, name, version, licence)
    registry = ""
    if "registry" in line:
        registry = serve(here)
    if "git =" in line:
        identity = ["-c", "user.name=nobody", "-c", "user.email=nobody@localhost", "-c", "commit.gpgsign=false"]
        for arguments in (["init", "-q"], ["add", "."], [*identity, "commit", "-q", "-m", "Plant"]):
            run(["git", *arguments], here, environment)
    section, line = ("dev-dependencies", line.partition("]")[2]) if line.startswith("[") else ("dependencies", line)
    line = line.format(name=name, version=version, here=here, registry=registry)
    manifest = (ROOT / "Cargo.toml").read_text()
    (project / "Cargo.toml").write_text(manifest.replace(f"\n[{section}]\n", f"\n[{section}]\n{line}\n", 1))
    shutil.copy(ROOT / "Cargo.lock", project)
    if "{here}" not in case[4] or "git =" in line:
        # Fetched first: the check itself is held to what is there.
        run(["cargo", "fetch", "--target", "x86_64-unknown-linux-gnu"], project, {**environment, "CARGO_NET_OFFLINE": "false"})
    return errors(project, environment)


def errors(project, environment):
    command = ["cargo-deny", "--offline", "--format", "json", "check", *LINTS, "bans", "licenses", "sources"]
    done = subprocess.run(command, cwd=project, env=environment, text=True, capture_output=True)
    found = []
    for line in done.stderr.splitlines():
        said = json.loads(line)
        if said["type"] == "diagnostic" and said["fields"]["severity"] == "error":
            graphs = said["fields"].get("graphs") or [{"Krate": {"name": "", "version": ""}}]
            about = [f"{graph['Krate']['name']} {graph['Krate']['version']}" for graph in graphs]
            found.append((said["fields"]["code"], about))
    if bool(done.returncode) != bool(found):
        sys.exit(f"cargo deny exits with {done.returncode}, and says {done.stderr}")
    return found


def main():
    faults = 0
    with tempfile.TemporaryDirectory() as folder:
        temporary = pathlib.Path(folder)
        project = temporary / "project"
        project.mkdir()
        tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
        for name in tracked.splitlines():
            if name.startswith(("src/", "benches/", "examples/", "tests/")) and (ROOT / name).is_file():
                (project / name).parent.mkdir(parents=True, exist_ok=True)
                (project / name).symlink_to(ROOT / name)
        shutil.copy(ROOT / "deny.toml", project)
        for name in ("LICENSE-MIT", "LICENSE-APACHE"):
            shutil.copy(ROOT / name, project)
        (temporary / "home").mkdir()
        environment = {**os.environ, "CARGO_HOME": str(cargo_home(temporary / "home")), "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
        for case in CASES:
            what, name, version, *_, expected = case
            found = planted(case, project, temporary, environment)
            # A wildcard is the fault of the crate that has it in its manifest.
            at = "assize" if expected == ["wildcard"] else f"{name} {version}"
            as_expected = [code for code, _ in found] == expected and all(at in " ".join(about) for _, about in found)
            faults += not as_expected
            print(f"{'ok ' if as_expected else 'BAD'} {what}: {found or 'nothing'}{'' if as_expected else f', not {expected}'}", flush=True)
    sys.exit(f"{faults} of {len(CASES)} not found as they should be" if faults else None)


main()
