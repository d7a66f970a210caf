#!/usr/bin/env bash
# Proves the two commands of the README on a machine that has nothing: clones HEAD into a temporary directory and runs
# `make setup` and `make demo` with an empty home and empty caches. Prints the times; fails when anything does.
#
#   tools/smoke_clean_clone.sh [--keep] [--plain-user]
#
# --plain-user (as root only) runs everything as an unprivileged user. SMOKE_PORT and SMOKE_TIMEOUT_S may be set.
set -uo pipefail

port=${SMOKE_PORT:-8000}
url=http://127.0.0.1:$port
timeout_s=${SMOKE_TIMEOUT_S:-300}
keep=no user=
for argument in "$@"; do
    case $argument in
        --keep) keep=yes ;;
        --plain-user) user=nobody ;;
        *) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 2 ;;
    esac
done

root=$(git -C "$(dirname "${BASH_SOURCE[0]}")" rev-parse --show-toplevel)
place=$(mktemp -d)
chmod 755 "$place"
mkdir "$place/home" "$place/tmp"
demo_pid=

stop_demo() {
    [ -n "$demo_pid" ] && kill -0 "$demo_pid" 2>/dev/null && kill -INT "$demo_pid" && wait "$demo_pid"
    demo_pid=
}
finish() {
    stop_demo
    [ -x "$place/clone/.venv/bin/zhike" ] && (cd "$place/clone" && bare .venv/bin/zhike db stop) >/dev/null 2>&1
    [ "$keep" = yes ] && echo "kept: $place" || rm -rf "$place"
}
trap finish EXIT

# Nothing of the caller's surroundings but the way to programs and, where there is one, to the network.
bare() {
    local kept=()
    for name in HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy SSL_CERT_FILE SSL_CERT_DIR PIP_CERT \
        NODE_EXTRA_CA_CERTS PIP_INDEX_URL PIP_CONFIG_FILE UV_DEFAULT_INDEX npm_config_registry; do
        [ -n "${!name:-}" ] && kept+=("$name=${!name}")
    done
    local as=()
    [ -n "$user" ] && as=(setpriv --reuid "$user" --regid nogroup --clear-groups)
    "${as[@]}" env -i HOME="$place/home" PATH="$PATH" LANG=C.UTF-8 TMPDIR="$place/tmp" TERM=dumb \
        UV_CACHE_DIR="$place/home/uv" npm_config_cache="$place/home/npm" PIP_CACHE_DIR="$place/home/pip" "${kept[@]}" "$@"
}

seconds() { awk -v from="$1" -v to="$2" 'BEGIN { printf "%.1f s", to - from }'; }
now() { date +%s.%N; }
is_ready() { [ "$(curl --silent --output /dev/null --max-time 5 --write-out '%{http_code}' "$url/health/ready")" = 200 ]; }
fail() { echo "smoke: FAILED: $*" >&2; exit 1; }

start_demo() {
    # Interrupts reach a background job only when it leads a group of its own.
    set -m
    bare make -C "$place/clone" demo ARGS="--port $port" >"$place/$1.log" 2>&1 </dev/null &
    demo_pid=$!
    set +m
    local began until_s
    began=$(now)
    until_s=$((SECONDS + timeout_s))
    until is_ready; do
        kill -0 "$demo_pid" 2>/dev/null || { tail -n 40 "$place/$1.log" >&2; fail "make demo ended before it was ready"; }
        [ "$SECONDS" -lt "$until_s" ] || { tail -n 40 "$place/$1.log" >&2; fail "make demo not ready in $timeout_s s"; }
        sleep 0.2
    done
    echo "smoke: $1: ready after $(seconds "$began" "$(now)")"
}

end_demo() {
    local began status
    began=$(now)
    kill -INT -- "-$demo_pid"
    wait "$demo_pid"
    status=$?
    demo_pid=
    # make reports an interrupted recipe with 2, the shell with 130
    case $status in 0 | 2 | 130) ;; *) tail -n 20 "$place/$1.log" >&2; fail "make demo ended with $status" ;; esac
    grep -q 'Traceback (most recent call last)' "$place/$1.log" && { tail -n 40 "$place/$1.log" >&2; fail "a traceback in the log"; }
    is_ready && fail "still answering after Ctrl-C"
    echo "smoke: $1: stopped after $(seconds "$began" "$(now)")"
}

is_ready && fail "something answers on $url already"
git clone --quiet --no-hardlinks "file://$root" "$place/clone" || fail "cannot clone"
[ -n "$user" ] && chown -R "$user" "$place"
echo "smoke: cloned $(git -C "$place/clone" log -1 --format='%h %s' 2>/dev/null)"

began=$(now)
bare make -C "$place/clone" setup >"$place/setup.log" 2>&1 </dev/null || { tail -n 40 "$place/setup.log" >&2; fail "make setup"; }
echo "smoke: make setup: $(seconds "$began" "$(now)")"
again=$(now)
bare make -C "$place/clone" setup >"$place/setup-again.log" 2>&1 </dev/null || fail "make setup, again"
echo "smoke: make setup, again: $(seconds "$again" "$(now)")"

start_demo "first start"
echo "smoke: from nothing to a usable console: $(seconds "$began" "$(now)")"
for page in / /console/ /m/ /counter/ /api/docs /api/v1/openapi.json; do
    echo "smoke: $page answers $(curl --silent --output /dev/null --max-time 20 --write-out '%{http_code}' "$url$page")"
done
end_demo "first start"
start_demo "second start"
end_demo "second start"
echo "smoke: all well"
