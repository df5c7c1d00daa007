#!/usr/bin/env bash
# A PgBouncer in transaction mode on loopback, in front of a server on loopback:
#
#     .ci/pgbouncer.sh start DIR URL    prints the pooler's URL, with the user of the server's URL; DIR keeps its pid and log
#     .ci/pgbouncer.sh stop DIR         ends it by its pid and removes DIR
#
# The user of URL has to be a superuser: passwords of all others are looked up as it. Each user has four connections to each
# database, so that a few clients are more than those. It runs in the Debian trixie of trixie.sh. Needs root.
set -euo pipefail

# shellcheck source=.ci/trixie.sh
source "$(dirname "${BASH_SOURCE[0]}")/trixie.sh"

main() {
	local command=${1:-} dir=${2:-} url=${3:-}
	if [[ -z $dir || ($command == start && -z $url) ]]; then
		say "usage: pgbouncer.sh start DIR URL | stop DIR"
		exit 2
	fi
	case $command in
	start)
		prepare_trixie
		start "$dir" "$url"
		;;
	stop) stop "$dir" ;;
	*)
		say "unknown command: $command"
		exit 2
		;;
	esac
}

start() {
	local dir inside user password server port
	if [[ ! $2 =~ ^postgres(ql)?://([A-Za-z0-9_]+):([A-Za-z0-9_-]+)@([0-9.]+):([0-9]+)/ ]]; then
		say "expected postgres://user:password@127.0.0.1:port/database"
		exit 2
	fi
	user=${BASH_REMATCH[2]} password=${BASH_REMATCH[3]} server="host=${BASH_REMATCH[4]} port=${BASH_REMATCH[5]}"
	mkdir -p "$1"
	dir=$(realpath "$1")
	if [[ -e $dir/inside ]]; then
		say "$dir is in use: stop it first"
		exit 1
	fi
	inside=/srv/botbox-pgbouncer-$(od -An -N6 -tx1 /dev/urandom | tr -d ' \n')
	mkdir -p "$cache$inside"
	echo "$inside" >"$dir/inside"
	(umask 077 && echo "\"$user\" \"$password\"" >"$cache$inside/users")
	chroot "$cache" chown -R postgres:postgres "$inside"
	for _ in 1 2 3 4 5; do
		port=$(free_port)
		configure "$inside" "$server" "$user" "$port" >"$cache$inside/pgbouncer.ini"
		# It returns once it listens, or fails when it cannot.
		if as_postgres /usr/sbin/pgbouncer --daemon "$inside/pgbouncer.ini" >"$dir/start.log" 2>&1 </dev/null; then
			(umask 077 && echo "postgres://$user:$password@127.0.0.1:$port/postgres" >"$dir/url")
			cat "$dir/url"
			return
		fi
	done
	say "the pooler did not start:"
	cat "$dir/start.log" "$cache$inside/log" 2>/dev/null | tail -20 >&2
	stop "$dir"
	exit 1
}

# What docs/operations.md recommends, with a pool that is small on purpose.
configure() {
	cat <<-INI
		[databases]
		* = $2
		[pgbouncer]
		listen_addr = 127.0.0.1
		listen_port = $4
		unix_socket_dir =
		auth_type = scram-sha-256
		auth_file = $1/users
		auth_user = $3
		auth_dbname = postgres
		admin_users = $3
		pool_mode = transaction
		default_pool_size = 4
		max_client_conn = 500
		max_prepared_statements = 200
		pidfile = $1/pid
		logfile = $1/log
	INI
}

stop() {
	local dir=$1 inside pid
	[[ -e $dir/inside ]] || return 0
	inside=$(cat "$dir/inside")
	pid=$(cat "$cache$inside/pid" 2>/dev/null || true)
	# Only the pooler of this configuration.
	if [[ -n $pid ]] && tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF "$inside/pgbouncer.ini"; then
		kill -TERM "$pid"
		for _ in $(seq 50); do
			[[ -e /proc/$pid/cwd ]] || break
			sleep 0.1
		done
		[[ ! -e /proc/$pid/cwd ]] || kill -KILL "$pid"
	fi
	remove_tree "$cache$inside"
	rm -rf "$dir"
}

main "$@"
