#!/bin/sh
# Makes .venv from uv.lock. Needs only Python 3.11+; brings its own uv into .tools/ and touches nothing outside the repository.
set -eu
cd "$(dirname "$0")/.."

UV_VERSION=0.13.9
HOME_OF_UV=.tools/uv-$UV_VERSION
STAMP=.tools/synced

python=$(tools/find_python.sh)

find_uv() {
    for candidate in "$HOME_OF_UV/bin/uv" "$HOME_OF_UV/Scripts/uv.exe"; do
        if "$candidate" --version 2>/dev/null | grep -q "^uv $UV_VERSION"; then
            echo "$candidate"
            return 0
        fi
    done
    return 1
}

if ! uv=$(find_uv); then
    echo "setup: fetching uv $UV_VERSION with $python"
    rm -rf "$HOME_OF_UV"
    mkdir -p .tools
    if "$python" -c 'import ensurepip, venv' 2>/dev/null && "$python" -m venv "$HOME_OF_UV" >/dev/null 2>&1; then
        "$HOME_OF_UV/bin/python" -m pip install --quiet --disable-pip-version-check "uv==$UV_VERSION" || true
    elif "$python" -m pip --version >/dev/null 2>&1; then
        "$python" -m pip install --quiet --disable-pip-version-check --target "$HOME_OF_UV" "uv==$UV_VERSION" || true
    fi
    # A Python with neither venv nor pip, as Debian packages it, can still unpack a wheel.
    find_uv >/dev/null || "$python" tools/fetch_uv.py "$UV_VERSION" "$HOME_OF_UV" || true
    if ! uv=$(find_uv); then
        echo "setup: could not get uv $UV_VERSION from PyPI." >&2
        echo "setup: check the network (a proxy: HTTPS_PROXY; a mirror: PIP_INDEX_URL), then run make setup again." >&2
        exit 1
    fi
fi

export UV_PYTHON="$python" UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT=.venv
"$uv" sync --frozen
touch "$STAMP"
