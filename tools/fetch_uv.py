"""Unpacks the uv wheel of this machine from PyPI with the standard library alone: `fetch_uv.py VERSION DIRECTORY`.

Only for a Python that has neither `venv` nor `pip`; `tools/setup.sh` calls it last.
"""

import hashlib
import html
import io
import os
import platform
import re
import sys
import urllib.request
import zipfile
from pathlib import Path
from urllib.parse import urljoin

INDEX = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple").rstrip("/")
_LINK = re.compile(r"""<a[^>]+href=["']([^"'#]+)#sha256=([0-9a-f]{64})["']""")


def wheel_pattern(version: str) -> str:
    """What the name of the wheel for this machine looks like."""
    machine = platform.machine().lower()
    arm = machine in ("arm64", "aarch64")
    if sys.platform == "win32":
        system = "win_arm64" if arm else "win_amd64"
    elif sys.platform == "darwin":
        system = r"macosx_\w+_" + ("arm64" if arm else "x86_64")
    else:
        libc = "manylinux" if platform.libc_ver()[0] else "musllinux"
        system = rf"[\w.]*{libc}\w+_{'aarch64' if arm else machine.replace('amd64', 'x86_64')}[\w.]*"
    return rf"uv-{re.escape(version)}-py3-none-{system}\.whl"


def find_wheel(version: str) -> tuple[str, str]:
    """The address and the SHA-256 of the wheel, from the package index."""
    page_url = f"{INDEX}/uv/"
    request = urllib.request.Request(page_url, headers={"Accept": "text/html"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        page = answer.read().decode()
    pattern = re.compile(wheel_pattern(version))
    for address, digest in _LINK.findall(page):
        if pattern.fullmatch(address.rsplit("/", 1)[-1]):
            return urljoin(page_url, html.unescape(address)), digest
    raise SystemExit(f"{page_url} has no uv {version} for {platform.machine()} on {sys.platform}")


def main() -> None:
    version, target = sys.argv[1], Path(sys.argv[2])
    url, digest = find_wheel(version)
    with urllib.request.urlopen(url, timeout=300) as answer:
        wheel = answer.read()
    if hashlib.sha256(wheel).hexdigest() != digest:
        raise SystemExit("the uv wheel arrived damaged")
    name = "uv.exe" if sys.platform == "win32" else "uv"
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        member = next(entry for entry in archive.namelist() if entry.endswith(f".data/scripts/{name}"))
        (target / "bin").mkdir(parents=True, exist_ok=True)
        program = target / "bin" / name
        program.write_bytes(archive.read(member))
    program.chmod(0o755)


if __name__ == "__main__":
    main()
