#!/usr/bin/env bash
# Sourced by timescaledb.sh and pgbouncer.sh: Debian trixie, unpacked by debootstrap into a folder that later runs reuse
# (BOTBOX_CI_CACHE, by default /var/cache/botbox-ci/trixie), whose programs run chrooted into it as its user postgres.
# The mirror is the one that this machine's own apt uses. Needs root.

cache=${BOTBOX_CI_CACHE:-/var/cache/botbox-ci/trixie}
packages=(postgresql-17 postgresql-17-timescaledb pgbouncer)
# Programs of the packages above: a folder of before one of them was asked for gets it added.
programs=(/usr/lib/postgresql/17/bin/postgres /usr/sbin/pgbouncer)

say() { echo "${0##*/}: $*" >&2; }

# Two runs at once on one machine: the second waits for the first one's system.
prepare_trixie() {
	if [[ $EUID -ne 0 ]]; then
		say "only root can do this: it unpacks a Debian system and changes root into it"
		exit 1
	fi
	mkdir -p "$(dirname "$cache")"
	exec 9>"$cache.lock"
	flock 9
	[[ -d $cache ]] || unpack
	has_programs "$cache" || complete
	flock -u 9
	exec 9>&-
}

has_programs() {
	local program
	for program in "${programs[@]}"; do
		[[ -x $1$program ]] || return 1
	done
}

# Adds what is missing to a folder that is in use; nothing of it is started.
complete() {
	say "adding packages to $cache"
	debian_mirror >/dev/null || true
	cp /etc/resolv.conf "$cache/etc/resolv.conf" 2>/dev/null || true
	printf '#!/bin/sh\nexit 101\n' >"$cache/usr/sbin/policy-rc.d"
	chmod 755 "$cache/usr/sbin/policy-rc.d"
	if ! { in_trixie dpkg --configure -a && in_trixie apt-get update &&
		in_trixie apt-get install -y --no-upgrade --no-install-recommends "${packages[@]}"; } >"$cache.log" 2>&1 9>&- || ! has_programs "$cache"; then
		say "apt-get failed:"
		tail -20 "$cache.log" >&2
		exit 1
	fi
	rm -f "$cache/usr/sbin/policy-rc.d"
	rm -rf "$cache"/var/cache/apt/archives/*.deb
}

in_trixie() {
	local proxy=()
	[[ -z ${http_proxy:-} ]] || proxy=("http_proxy=$http_proxy")
	(cd / && env -i LC_ALL=C DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin "${proxy[@]}" chroot "$cache" "$@" </dev/null)
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
	say "unpacking Debian trixie with TimescaleDB and PgBouncer into $cache"
	if ! debootstrap --variant=minbase --keyring="$keyring" \
		--include="$(IFS=,; echo "${packages[*]}")" trixie "$partial" "$mirror" >"$cache.log" 2>&1; then
		say "debootstrap failed:"
		tail -20 "$cache.log" "$partial/debootstrap/debootstrap.log" >&2 2>/dev/null || true
		remove_tree "$partial"
		exit 1
	fi
	has_programs "$partial"
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

# A program of the folder, by its path there.
as_postgres() {
	local program=$1
	shift
	# From the root folder: the caller's may be out of reach for user postgres.
	(cd / && env -i LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot --userspec=postgres:postgres "$cache" "$program" "$@" 9>&-)
}

free_port() {
	local port
	while :; do
		port=$((20000 + RANDOM % 12000))
		(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
	done
	echo "$port"
}
