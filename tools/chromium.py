"""Finds a Chromium for the browser tests, or gets one: `python -m tools.chromium` prints its path.

Order: the CHROMIUM variable, a browser of the system, Playwright's own; then it installs: Playwright's download, or the
Debian packages when that is not reachable. Says in one sentence what is missing when nothing works.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC_PATHS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
DEBIAN_PACKAGES = ("chromium", "fonts-noto-cjk")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class NoChromium(RuntimeError):
    """There is no browser and none could be installed; the message says what is missing."""


def find() -> str | None:
    """The path of an installed browser."""
    if chosen := os.environ.get("CHROMIUM"):
        if Path(chosen).is_file():
            return chosen
        raise NoChromium(f"The variable CHROMIUM names {chosen}, which does not exist.")
    candidates = [shutil.which(name) for name in NAMES] + [path for path in MAC_PATHS if Path(path).is_file()]
    return next((path for path in candidates if path), None) or _of_playwright()


def _of_playwright() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).is_file() else None


def find_or_install() -> str:
    """The path of a browser, installing one when there is none. Raises NoChromium."""
    if found := find():
        return found
    attempts = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    if shutil.which("apt-get") and os.geteuid() == 0:
        attempts += [
            ["apt-get", "update"],
            ["apt-get", "install", "-y", "--no-install-recommends", *DEBIAN_PACKAGES],
        ]
    reasons = []
    for command in attempts:
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=_quiet())
        if done.returncode:
            reasons.append(
                f"{' '.join(command[-3:])}: {(done.stderr or done.stdout).strip().splitlines()[-1:]}"
            )
        elif found := find():
            return found
    raise NoChromium(
        "No Chromium was found and none could be installed. Install Chromium or Google Chrome, or name one in the "
        f"variable CHROMIUM. Tried: {'; '.join(reasons) or 'nothing'}"
    )


def _quiet() -> dict[str, str]:
    return os.environ | {"DEBIAN_FRONTEND": "noninteractive"}


if __name__ == "__main__":
    try:
        print(find_or_install())
    except NoChromium as missing:
        sys.exit(str(missing))
