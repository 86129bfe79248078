#!/bin/bash
# Unpacks Exim 4.96 of Debian 12 into a folder, for tests/integration/test_exim.py; may be run again.
#
#   bash tests/integration/exim.sh [FOLDER]
#
# Its package conflicts with Postfix, so it is not installed, and nothing is started. What is left on this machine is the
# folder, and the user that the binary insists on. As root.
set -euo pipefail

root=${1:-/var/cache/sendertrust/exim}
user=Debian-exim

getent passwd "$user" >/dev/null || useradd --system --no-create-home --shell /usr/sbin/nologin --user-group "$user"
if [ -e "$root/unpacked" ]; then
  echo "Exim is unpacked: $root"
  exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
download() { apt-get -qq -o APT::Sandbox::User=root download "$@" >/dev/null; }
download exim4-daemon-light 2>/dev/null || { apt-get -qq update && download exim4-daemon-light; }
# Its libraries that are not here; what Exim itself depends on else is for mail that this machine would have.
for library in $(dpkg-deb --field exim4-daemon-light_*.deb Depends | tr ',' '\n' | sed 's/[|(].*//; s/ //g' | grep '^lib'); do
  dpkg-query --show --showformat='${Status}' "$library" 2>/dev/null | grep -q ' installed$' || download "$library"
done

rm -rf "$root"
mkdir -p "$root"
for package in *.deb; do dpkg-deb --extract "$package" "$root"; done
libraries=$(dirname "$(find "$root/usr/lib" -name '*.so*' -print -quit)" 2>/dev/null || true)
if missing=$(LD_LIBRARY_PATH=$libraries ldd "$root/usr/sbin/exim4" | grep 'not found'); then
  echo "Exim lacks libraries: $missing" >&2
  exit 1
fi
touch "$root/unpacked"
echo "unpacked: $root"
