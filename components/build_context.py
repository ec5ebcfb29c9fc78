"""The content of a folder that an image is built from, as a digest that previews can compare."""

import hashlib
import stat
from pathlib import Path

from docker.utils.build import exclude_paths


def source(project: Path, context: str, dockerfile: str = "Dockerfile") -> dict[str, str]:
    """What `providers.image.Image` builds from: context, dockerfile and the digest of all of it.

    What `.dockerignore` leaves out does not count. Raises FileNotFoundError where there is no such folder or
    Dockerfile, with the remedy.
    """
    folder = project / context
    if not (folder / dockerfile).is_file():
        raise FileNotFoundError(
            f"{context}/{dockerfile} is not there; write it, or correct the build's context and dockerfile"
        )
    ignore = folder / ".dockerignore"
    patterns = ignore.read_text().splitlines() if ignore.exists() else []
    patterns = [p.strip() for p in patterns if p.strip() and not p.startswith("#")]
    digest = hashlib.sha256()
    for path in sorted({*exclude_paths(str(folder), patterns, dockerfile), dockerfile}):
        _add(digest, folder, path)
    return {"context": context, "dockerfile": dockerfile, "digest": digest.hexdigest()}


def declared_arguments(project: Path, context: str, dockerfile: str) -> set[str]:
    """The names of the build arguments that a Dockerfile declares."""
    lines = (project / context / dockerfile).read_text().splitlines()
    words = [line.split(None, 1) for line in lines if line.strip()]
    return {w[1].partition("=")[0].strip() for w in words if w[0].upper() == "ARG" and len(w) > 1}


def _add(digest: "hashlib._Hash", folder: Path, path: str) -> None:
    file = folder / path
    mode = file.lstat().st_mode
    digest.update(f"{path}\0{mode & stat.S_IXUSR}\0".encode())
    if stat.S_ISLNK(mode):
        digest.update(str(file.readlink()).encode())
    elif stat.S_ISREG(mode):
        digest.update(hashlib.sha256(file.read_bytes()).digest())
