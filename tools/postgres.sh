# A PostgreSQL cluster of our own in a temporary folder, gone with the script that sourced this.
# shellcheck shell=bash

start_postgres() {
    local binaries
    binaries="$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)"
    [ -x "$binaries/initdb" ] || fail "PostgreSQL's initdb is not under /usr/lib/postgresql"
    postgres_home="$(mktemp -d)"
    trap stop_postgres EXIT
    # The server refuses to run as root, so root runs it as the packaged user.
    as_postgres=()
    if [ "$(id -u)" = 0 ]; then
        chown postgres "$postgres_home"
        as_postgres=(runuser -u postgres --)
    fi
    local port=$((20000 + RANDOM % 20000))
    (cd / && "${as_postgres[@]}" "$binaries/initdb" -D "$postgres_home/data" -U callscribe --auth=trust --no-sync >/dev/null)
    (cd / && "${as_postgres[@]}" "$binaries/pg_ctl" -D "$postgres_home/data" -w -l "$postgres_home/log" \
        -o "-c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories='' -c fsync=off -c max_connections=300" start >/dev/null) \
        || { cat "$postgres_home/log" >&2; fail "PostgreSQL did not start"; }
    postgres_control=("${as_postgres[@]}" "$binaries/pg_ctl" -D "$postgres_home/data")
    postgres_url="postgres://callscribe@127.0.0.1:$port/postgres"
}

stop_postgres() {
    (cd / && "${postgres_control[@]}" -m immediate stop >/dev/null 2>&1) || true
    rm -rf "$postgres_home"
}
