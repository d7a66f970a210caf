"""Unpacks the uv wheel of this machine from PyPI with the standard library alone: `fetch_uv.py VERSION DIRECTORY`.

Only for a Python that has neither `venv` nor `pip`; `tools/setup.sh` calls it last.
"""

import hashlib
import io
import json
import platform
import sys
import urllib.request
import zipfile
from pathlib import Path


def wheel_suffixes() -> list[str]:
    """Endings of the wheel names that run here, best first."""
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(
        platform.machine().lower(), platform.machine().lower()
    )
    if sys.platform == "darwin":
        return ["macosx_11_0_arm64.whl" if machine == "aarch64" else "macosx_10_12_x86_64.whl"]
    if sys.platform == "win32":
        return ["win_arm64.whl" if machine == "aarch64" else "win_amd64.whl"]
    is_glibc = bool(platform.libc_ver()[0])
    return [f"{machine}.whl"] if is_glibc else [f"musllinux_1_1_{machine}.whl"]


def pick(files: list[dict[str, object]]) -> tuple[str, str]:
    """The address and the SHA-256 of the wheel to take."""
    for suffix in wheel_suffixes():
        for file in files:
            name = str(file["filename"])
            if name.endswith(suffix) and (
                "manylinux" in name or "linux" not in sys.platform or "musllinux" in suffix
            ):
                digests = file["digests"]
                assert isinstance(digests, dict)
                return str(file["url"]), str(digests["sha256"])
    raise SystemExit(f"PyPI has no uv wheel for {platform.machine()} on {sys.platform}")


def main() -> None:
    version, target = sys.argv[1], Path(sys.argv[2])
    with urllib.request.urlopen(f"https://pypi.org/pypi/uv/{version}/json", timeout=60) as answer:
        url, digest = pick(json.load(answer)["urls"])
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
