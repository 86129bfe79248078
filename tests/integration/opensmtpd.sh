#!/bin/bash
# Unpacks OpenSMTPD 7.6 of Debian 13 and a Python into a folder, for tests/integration/test_opensmtpd.py; may be run again.
#
#   bash tests/integration/opensmtpd.sh [FOLDER]
#
# Debian 12's own package cannot serve TLS with OpenSSL 3 (AUTH needs it), and conflicts with Postfix. Nothing is
# installed on this machine, and nothing started: apt resolves and verifies, dpkg-deb unpacks. As root, which chroot takes.
set -euo pipefail

root=${1:-/var/cache/sendertrust/opensmtpd}
# base-files has the links of a merged /usr, dash what smtpd starts a filter with.
packages=(base-files dash opensmtpd openssl python3-minimal libpython3-stdlib)

if [ -e "$root/unpacked" ]; then
  echo "OpenSMTPD is unpacked: $root"
  exit 0
fi

mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep '/debian/\?$' | head -n 1 || true)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial"
: >"$work/status" # nothing is installed, so that all that is needed is fetched
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror:-http://deb.debian.org/debian} trixie main" \
  >"$work/sources.list"
apt() {
  apt-get -qq -o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o Dir::State="$work/state" -o Dir::State::status="$work/status" -o Dir::Cache="$work/cache" \
    -o APT::Sandbox::User=root -o APT::Get::AllowUnauthenticated=false -o Acquire::Languages=none "$@"
}
apt update
apt install --yes --no-install-recommends --download-only "${packages[@]}" >/dev/null

rm -rf "$root"
mkdir -p "$root"
dpkg-deb --fsys-tarfile "$work"/cache/archives/base-files_*.deb | tar -xC "$root" # before what would make the links folders
for package in "$work"/cache/archives/*.deb; do dpkg-deb --fsys-tarfile "$package" | tar -xC "$root" --keep-directory-symlink; done

# What the maintainer's scripts would have done, and the user of docs/how-to/opensmtpd.md.
cat >"$root/etc/passwd" <<'PASSWD'
root:x:0:0:root:/root:/bin/sh
opensmtpd:x:61001:61001::/nonexistent:/bin/false
opensmtpq:x:61002:61002::/nonexistent:/bin/false
sendertrust:x:61003:61003::/nonexistent:/bin/false
nobody:x:65534:65534:nobody:/nonexistent:/bin/false
PASSWD
printf '%s\n' root:x:0: opensmtpd:x:61001: opensmtpq:x:61002: sendertrust:x:61003: nogroup:x:65534: >"$root/etc/group"
mkdir -p "$root/dev" "$root/etc/smtpd" "$root/run" "$root/tmp" "$root/var/lib/opensmtpd/empty" "$root/srv"
chmod 1777 "$root/tmp"
chgrp 61002 "$root/usr/sbin/smtpctl" && chmod 2755 "$root/usr/sbin/smtpctl" # which is sendmail too
for device in 'null 3' 'zero 5' 'random 8' 'urandom 9'; do
  # shellcheck disable=SC2086
  set -- $device
  [ -e "$root/dev/$1" ] || mknod -m 666 "$root/dev/$1" c 1 "$2"
done
touch "$root/unpacked"
echo "unpacked: $root"
