"""The clients that people have for registries: skopeo, buildah and podman, and docker with its engine.

Each has a folder of its own for what it keeps (but for root's list of where layers were seen, in
/var/lib/containers/cache), and passwords come on standard input. Nothing runs in a container, so that no
engine but docker's is needed.
"""

import asyncio
import io
import json
import os
import tarfile
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.file_trees import Files, member, packed, to_folder, unpacked
from tests.support.image import image_of
from tests.support.oci_layout import write

COMMAND_SECONDS = 120  # each takes one or two; more is a hang
# For root without systemd and without file systems that lie over others, as in a container.
STORAGE = '[storage]\ndriver = "vfs"\ngraphroot = "{0}/images-{1}"\nrunroot = "{0}/run"\n'
CONTAINERS = '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\ntmp_dir = "{0}/tmp"\n'


class ClientError(Exception):
    """A client failed; what it wrote."""


@dataclass
class Client(ABC):
    """One of them, and the registry that it talks to. `ca`: the folder of the CA's certificate, a *.crt."""

    folder: Path
    server: str
    ca: Path

    async def login(self, account: str, password: str) -> None:
        """Show an account to the registry, and remember it. Raises ClientError."""
        words = ("login", *self._trust, "--username", account, "--password-stdin", self.server)
        await self.run(*words, given=password.encode())

    @property
    def _trust(self) -> tuple[str, ...]:
        return ("--cert-dir", str(self.ca))

    @abstractmethod
    async def push(self, files: Files, name: str) -> None:
        """Make an image of files, and push it. Raises ClientError."""

    @abstractmethod
    async def pull(self, name: str) -> Files:
        """The files of an image, of which nothing was here before. Raises ClientError."""

    async def unpacks_zstd(self) -> bool:
        """Whether this version of it can."""
        return True

    async def close(self) -> None:  # noqa: B027 - for most of them nothing does
        """Forget what lies outside the folder."""

    @property
    def variables(self) -> dict[str, str]:
        """What of the environment keeps it within its folder."""
        return {"HOME": str(self.folder), "XDG_RUNTIME_DIR": str(self.folder)}

    async def run(self, *words: str | Path, given: bytes = b"") -> bytes:
        """What its command writes to standard output. Raises ClientError with the rest."""
        process = await asyncio.create_subprocess_exec(
            type(self).__name__.lower(), *words, env={**os.environ, **self.variables},
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            async with asyncio.timeout(COMMAND_SECONDS):
                out, err = await process.communicate(given)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            raise ClientError(f"{' '.join(map(str, words))}: {err.decode()}")
        return out


class Skopeo(Client):
    """It keeps no images: it copies, here from and to folders."""

    async def push(self, files: Files, name: str) -> None:
        """From an OCI layout."""
        layout = write(self.folder / "layout", image_of([files]))
        trust = ("--dest-cert-dir", str(self.ca))
        await self.run("copy", *trust, f"oci:{layout}:made", f"docker://{name}")

    async def pull(self, name: str) -> Files:
        """To a folder of layers, unpacked."""
        target = self.folder / "pulled"
        words = ("copy", "--src-cert-dir", self.ca, "--dest-decompress", f"docker://{name}")
        await self.run(*words, f"dir:{target}")
        return _of_layers(target)


@dataclass
class _Storing(Client):
    """One that keeps images by containers/storage."""

    _storages: int = 0

    @property
    def variables(self) -> dict[str, str]:
        """And where its images are."""
        storage, containers = self.folder / "storage.conf", self.folder / "containers.conf"
        storage.write_text(STORAGE.format(self.folder, self._storages))
        containers.write_text(CONTAINERS.format(self.folder))
        files = {"CONTAINERS_STORAGE_CONF": str(storage), "CONTAINERS_CONF": str(containers)}
        return {**super().variables, **files}

    async def pull(self, name: str) -> Files:
        """To a storage that is empty."""
        self._storages += 1
        await self.run("pull", *self._trust, name)
        target = self.folder / f"pulled-{self._storages}"
        await self.run("push", name, f"dir:{target}")
        return _of_layers(target)


class Buildah(_Storing):
    """What builds, without a file that says how."""

    async def push(self, files: Files, name: str) -> None:
        """`from scratch`."""
        made = (await self.run("from", "scratch")).decode().strip()
        await self.run("add", "--quiet", made, to_folder(self.folder / "context", files), "/")
        await self.run("commit", "--quiet", made, name)
        await self.run("push", *self._trust, name)


class Podman(_Storing):
    """What is docker's likeness, without its engine."""

    async def push(self, files: Files, name: str) -> None:
        """From a Containerfile."""
        context = to_folder(self.folder / "context", files)
        recipe = self.folder / "Containerfile"
        recipe.write_text("FROM scratch\nCOPY . /\n")
        await self.run("build", "--quiet", "--file", recipe, "--tag", name, context)
        await self.run("push", *self._trust, name)


@dataclass
class Docker(Client):
    """Its engine takes what is on this machine without the CA."""

    _names: set[str] = field(default_factory=set)

    @property
    def variables(self) -> dict[str, str]:
        """The builder that is in the engine needs no plugin."""
        return {"DOCKER_CONFIG": str(self.folder / "docker"), "DOCKER_BUILDKIT": "0"}

    @property
    def _trust(self) -> tuple[str, ...]:
        return ()

    async def push(self, files: Files, name: str) -> None:
        """From a Dockerfile."""
        recipe = {"Dockerfile": b"FROM scratch\nCOPY files /\n"}
        context = recipe | {f"files/{path}": content for path, content in files.items()}
        self._names.add(name)
        await self.run("build", "--quiet", "--tag", name, "-", given=packed(context))
        await self.run("push", name)

    async def pull(self, name: str) -> Files:
        """To an engine that has forgotten what it had."""
        await self.close()
        self._names.add(name)
        await self.run("pull", name)
        with tarfile.open(fileobj=io.BytesIO(await self.run("save", name))) as saved:
            (told,) = json.loads(member(saved, "manifest.json"))
            return unpacked([member(saved, layer) for layer in told["Layers"]])

    async def unpacks_zstd(self) -> bool:
        """Engines do from 23.0 on; Debian 12 has 20.10."""
        told = await self.run("version", "--format", "{{.Server.Version}}")
        return int(told.split(b".")[0]) >= 23

    async def close(self) -> None:
        """The engine is this machine's, too."""
        for name in self._names:
            try:
                await self.run("image", "rm", "--force", name)
            except ClientError as error:
                if "No such image" not in str(error):
                    raise
        self._names.clear()


def _of_layers(folder: Path) -> Files:
    """The files of an image as `dir:` has it."""
    told = json.loads((folder / "manifest.json").read_text())
    digests = [layer["digest"] for layer in told["layers"]]
    return unpacked((folder / digest.partition(":")[2]).read_bytes() for digest in digests)
