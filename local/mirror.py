"""Folders that hold exactly what is mounted there, file by file."""

import os
from pathlib import Path

Files = dict[str, bytes]


def mirror(folder: Path, files: Files) -> bool:
    """Make `folder` hold exactly `files`, each replaced in one step, and tell whether anything changed."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    for name, content in files.items():
        if before.get(name) != content:
            fresh = folder.with_name(f"{folder.name}.{name}.new")
            fresh.unlink(missing_ok=True)
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
            fresh.replace(folder / name)
    for name in before.keys() - files.keys():
        (folder / name).unlink()
    return before != files
