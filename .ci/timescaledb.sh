#!/usr/bin/env bash
# A real TimescaleDB server for the tests, where no Docker engine runs:
#
#     .ci/timescaledb.sh start DIR    prints the server's URL; DIR keeps its data, pid and log
#     .ci/timescaledb.sh stop DIR     ends it by its pid and removes DIR
#
# Debian trixie with postgresql-17-timescaledb is unpacked by debootstrap into a folder that later runs reuse
# (BOTBOX_CI_CACHE, by default /var/cache/botbox-ci/trixie); the server runs chrooted into it as its user postgres.
# The mirror is the one that this machine's own apt uses. Needs root.
set -euo pipefail

cache=${BOTBOX_CI_CACHE:-/var/cache/botbox-ci/trixie}
bin=/usr/lib/postgresql/17/bin

say() { echo "timescaledb.sh: $*" >&2; }

main() {
	local command=${1:-} dir=${2:-}
	if [[ -z $dir ]]; then
		say "usage: timescaledb.sh start|stop DIR"
		exit 2
	fi
	if [[ $EUID -ne 0 ]]; then
		say "only root can do this: it unpacks a Debian system and changes root into it"
		exit 1
	fi
	case $command in
	start)
		mkdir -p "$(dirname "$cache")"
		# Two runs at once on one machine: the second waits for the first one's system.
		exec 9>"$cache.lock"
		flock 9
		[[ -d $cache ]] || unpack
		flock -u 9
		exec 9>&-
		start "$dir"
		;;
	stop) stop "$dir" ;;
	*)
		say "unknown command: $command"
		exit 2
		;;
	esac
}

# Unpacked beside and renamed when complete, so that a half-made system is never used.
unpack() {
	local partial=$cache.partial mirror keyring
	remove_tree "$partial"
	if ! command -v debootstrap >/dev/null; then
		apt-get update >&2
		DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends debootstrap debian-archive-keyring >&2
	fi
	mirror=$(debian_mirror)
	for keyring in /usr/share/keyrings/debian-archive-keyring.{gpg,pgp}; do
		[[ ! -e $keyring ]] || break
	done
	if [[ -z $mirror || ! -e $keyring ]]; then
		say "no Debian mirror among the apt sources, or no keyring of Debian's archive: cannot unpack trixie"
		exit 1
	fi
	say "unpacking Debian trixie with TimescaleDB into $cache"
	if ! debootstrap --variant=minbase --keyring="$keyring" \
		--include=postgresql-17,postgresql-17-timescaledb trixie "$partial" "$mirror" >"$cache.log" 2>&1; then
		say "debootstrap failed:"
		tail -20 "$cache.log" "$partial/debootstrap/debootstrap.log" >&2 2>/dev/null || true
		remove_tree "$partial"
		exit 1
	fi
	test -x "$partial$bin/postgres"
	rm -rf "$partial"/var/cache/apt/archives/*.deb
	mv "$partial" "$cache"
}

# As apt itself resolves its sources, in either format; the archive of Debian proper, not its security updates.
debian_mirror() {
	local uri proxy
	proxy=$(apt-config dump 2>/dev/null | sed -n 's/^Acquire::http::Proxy "\(.*\)";/\1/p')
	[[ -z $proxy ]] || export http_proxy=$proxy
	[[ -n $(ls -A /var/lib/apt/lists 2>/dev/null) ]] || apt-get update >&2
	# Read whole: a pipe closed early would end apt-get with an error.
	uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' 'Component: main')
	head -1 <<<"$uri"
}

# Never across a mount: a killed debootstrap leaves /proc and /sys mounted inside.
remove_tree() {
	[[ -e $1 ]] || return 0
	awk -v root="$1/" 'index($2, root) == 1 { print $2 }' /proc/self/mounts | sort -r | while read -r mounted; do
		umount -l "$mounted"
	done
	rm -rf --one-file-system "$1"
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
	as_postgres initdb --pgdata="$inside/data" --username=postgres --pwfile="$inside/password" \
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
		if as_postgres pg_ctl start --pgdata="$inside/data" --log="$inside/log" --options="-p $port" \
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

as_postgres() {
	local program=$1
	shift
	# From the root folder: the caller's may be out of reach for user postgres.
	(cd / && env -i LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot --userspec=postgres:postgres "$cache" "$bin/$program" "$@")
}

free_port() {
	local port
	while :; do
		port=$((20000 + RANDOM % 12000))
		(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
	done
	echo "$port"
}

main "$@"
