#!/usr/bin/env bash
# A real TimescaleDB server for the tests, where no Docker engine runs:
#
#     .ci/timescaledb.sh start DIR    prints the server's URL; DIR keeps its data, pid and log
#     .ci/timescaledb.sh stop DIR     ends it by its pid and removes DIR
#
# It runs in the Debian trixie of trixie.sh. Needs root.
set -euo pipefail

bin=/usr/lib/postgresql/17/bin
# shellcheck source=.ci/trixie.sh
source "$(dirname "${BASH_SOURCE[0]}")/trixie.sh"

main() {
	local command=${1:-} dir=${2:-}
	if [[ -z $dir ]]; then
		say "usage: timescaledb.sh start|stop DIR"
		exit 2
	fi
	case $command in
	start)
		prepare_trixie
		start "$dir"
		;;
	stop) stop "$dir" ;;
	*)
		say "unknown command: $command"
		exit 2
		;;
	esac
}

start() {
	local dir inside password port
	mkdir -p "$1"
	dir=$(realpath "$1")
	if [[ -e $dir/inside ]]; then
		say "$dir is in use: stop it first"
		exit 1
	fi
	inside=/srv/botbox-$(od -An -N6 -tx1 /dev/urandom | tr -d ' \n')
	password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
	mkdir -p "$cache$inside"
	echo "$inside" >"$dir/inside"
	(umask 077 && echo "$password" >"$cache$inside/password")
	chroot "$cache" chown -R postgres:postgres "$inside"
	as_postgres $bin/initdb --pgdata="$inside/data" --username=postgres --pwfile="$inside/password" \
		--auth=scram-sha-256 --encoding=UTF8 --locale=C --no-sync >"$dir/initdb.log" 2>&1 || fail "$dir/initdb.log" "$dir"
	cat >>"$cache$inside/data/postgresql.conf" <<-CONF
		listen_addresses = '127.0.0.1'
		unix_socket_directories = ''
		dynamic_shared_memory_type = 'mmap'
		shared_preload_libraries = 'timescaledb'
		timescaledb.telemetry_level = off
		timescaledb.max_background_workers = 4
		max_worker_processes = 16
		max_connections = 200
		max_locks_per_transaction = 256
		shared_buffers = '256MB'
		max_wal_size = '2GB'
		timezone = 'UTC'
		jit = off
		# Its data is thrown away.
		fsync = off
		full_page_writes = off
	CONF
	for _ in 1 2 3 4 5; do
		port=$(free_port)
		if as_postgres $bin/pg_ctl start --pgdata="$inside/data" --log="$inside/log" --options="-p $port" \
			--wait --timeout=60 --silent >"$dir/start.log" 2>&1 </dev/null; then
			(umask 077 && echo "postgres://postgres:$password@127.0.0.1:$port/postgres" >"$dir/url")
			cat "$dir/url"
			return
		fi
	done
	cat "$cache$inside/log" >>"$dir/start.log" 2>/dev/null || true
	fail "$dir/start.log" "$dir"
}

fail() {
	say "the server did not start:"
	tail -20 "$1" >&2
	stop "$2"
	exit 1
}

stop() {
	local dir=$1 inside pid
	[[ -e $dir/inside ]] || return 0
	inside=$(cat "$dir/inside")
	pid=$(head -1 "$cache$inside/data/postmaster.pid" 2>/dev/null || true)
	# Only the server of this data directory: it works there.
	if [[ -n $pid && $(readlink "/proc/$pid/cwd" 2>/dev/null) == "$cache$inside/data" ]]; then
		kill -INT "$pid"
		for _ in $(seq 300); do
			[[ -e /proc/$pid/cwd ]] || break
			sleep 0.1
		done
	fi
	remove_tree "$cache$inside"
	rm -rf "$dir"
}

main "$@"
