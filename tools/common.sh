# Shared by ./run and ./test: what both need before anything can be built.
# shellcheck shell=bash
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
unset SOURCE_DATE_EPOCH # it silently builds whisper.cpp without AVX: five times slower

step() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

# install PACKAGE…: Debian packages that are not there yet; says what it does, silent when there is nothing to do.
install() {
    local missing=()
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    step "Installing ${missing[*]}"
    local root=()
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || fail "please install as root: apt-get install ${missing[*]}"
        root=(sudo)
    fi
    "${root[@]}" apt-get update -qq
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# needs COMMAND PACKAGE: the package only where the command is missing, so that another way to have it counts.
needs() { command -v "$1" >/dev/null || install "$2"; }

build_tools() {
    command -v cargo >/dev/null || [ ! -f "$HOME/.cargo/env" ] || . "$HOME/.cargo/env"
    command -v cargo >/dev/null || fail "a Rust toolchain is needed: see rustup.rs"
    needs c++ g++
    needs make make
    needs cmake cmake
    needs python3 python3
    python3 -m pip --version >/dev/null 2>&1 || install python3-pip
    install ca-certificates
}

# own_build: cargo goes by the times of files, so in a build folder that checkouts share it may take what
# another one built for ours. Whatever was built last from another place or other sources is built again.
own_build() {
    local stamp sources
    sources="$(find Cargo.toml build.rs src tests benches models -type f -not -path '*/target/*' -not -name '*.bin*' -not -name '*.part*' -print0 | sort -z | xargs -0 sha256sum | sha256sum)"
    stamp="$PWD $sources"
    [ "$stamp" != "$(cat "$CARGO_TARGET_DIR/built_from" 2>/dev/null)" ] || return 0
    touch src/lib.rs build.rs
    mkdir -p "$CARGO_TARGET_DIR"
    printf '%s\n' "$stamp" >"$CARGO_TARGET_DIR/built_from"
}
