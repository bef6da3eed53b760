"""A copy of the sources as they are, to be changed and built beside the reviewer's own."""

import shutil
import subprocess


def lay_out(root, tree):
    """Files that have not changed keep their time, so that they are not built again; those that are gone go."""
    tree.mkdir(parents=True, exist_ok=True)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=root, check=True, stdout=subprocess.PIPE
    ).stdout
    names = set(listed.decode().rstrip("\0").split("\0"))
    for copy in list(tree.rglob("*")):
        if copy.is_file() and str(copy.relative_to(tree)) not in names:
            copy.unlink()
    for name in sorted(names):
        source, copy = root / name, tree / name
        if not source.exists():
            continue
        if not copy.exists() or copy.read_bytes() != source.read_bytes():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)
            shutil.copymode(source, copy)
