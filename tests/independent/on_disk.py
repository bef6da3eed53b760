"""A test case that writes logs into a directory of its own and verifies them."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
import unittest

import scenario as s
import verify_log
import wire
from chain import EvidenceError, Log


class OnDisk(unittest.TestCase):
    """Writes logs into a directory of its own and verifies them."""

    more_keys: tuple = ()
    unkeyed = False

    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.directory = os.path.join(holder.name, "log")
        self.key = os.path.join(holder.name, "key")
        self.anchor = os.path.join(holder.name, "anchor")
        os.mkdir(self.directory)
        self.put(self.key, s.KEY_FILE)

    def put(self, path: str, content: bytes) -> None:
        with open(path, "wb") as file:
            file.write(content)
        os.chmod(path, 0o600)

    def write(self, files: dict) -> None:
        for name in os.listdir(self.directory):
            os.remove(os.path.join(self.directory, name))
        for name, content in files.items():
            self.put(os.path.join(self.directory, name), bytes(content))

    def verified(self, files: dict, live: bool = False) -> Log:
        self.write(files)
        roots = None if self.unkeyed else [wire.read_key_file(self.key), *self.more_keys]
        log = Log(self.directory, roots, live=live)
        log.verify()
        return log

    def refused(self, files: dict, message: str = "", live: bool = False) -> EvidenceError:
        with self.assertRaisesRegex(EvidenceError, message) as caught:
            self.verified(files, live)
        return caught.exception

    def run_main(self, *arguments: str) -> tuple[int, str]:
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            try:
                code = verify_log.main(list(arguments))
            except SystemExit as exit:
                code = int(exit.code or 0)
        return code, out.getvalue()
