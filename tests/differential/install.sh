#!/bin/bash
# Installs every reader of the differential tests on Debian, as root; may be run again.
#
#   bash tests/differential/install.sh FOLDER
#
# The npm packages go into FOLDER; set SENDERTRUST_READERS=FOLDER for the tests. What could not be
# installed is printed, and the exit status is 1 then. Other Pythons than the running one are found in
# PATH and among those of pyenv; Debian has one.
set -uo pipefail

if [ $# -ne 1 ]; then
  echo "usage: bash $0 FOLDER" >&2
  exit 2
fi
folder=$1
failed=()

# One by one: a package that this Debian does not have must not keep out the rest.
debian=(
  golang-go
  libemail-address-xs-perl libemail-mime-perl libmailtools-perl
  php-cli php-imap php-mailparse
  ruby ruby-mail
  default-jdk-headless libmail-java
  libgmime-3.0-0
  rspamd
  sylpheed # libsylph-0.so.1; what is in libsylph1 is of version 1.1
)
npm=(nodemailer addressparser email-addresses address-rfc2822 mailparser postal-mime)

installed() { dpkg-query --show --showformat='${Status}' "$1" 2>/dev/null | grep -q ' installed$'; }

apt() { DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "$1" >/dev/null 2>&1; }

policy=/usr/sbin/policy-rc.d

# rspamd is a daemon. Debian asks this program before it starts one; 101 is no. One that is here is left as it is.
forbid_daemons() {
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
  fi
}

missing=()
for package in "${debian[@]}"; do installed "$package" || missing+=("$package"); done
# Node may come from elsewhere, and Debian's would replace it.
for command in node npm; do command -v "$command" >/dev/null || missing+=("${command/#node/nodejs}"); done
if [ ${#missing[@]} -gt 0 ]; then
  forbid_daemons
  apt-get update >/dev/null 2>&1
  for package in "${missing[@]}"; do apt "$package" || failed+=("Debian package $package"); done
fi

mkdir -p "$folder"
for package in "${npm[@]}"; do
  [ -d "$folder/node_modules/$package" ] ||
    npm install --prefix "$folder" --no-audit --no-fund --ignore-scripts "$package" >/dev/null 2>&1 ||
    failed+=("npm package $package")
done

if [ ${#failed[@]} -gt 0 ]; then
  printf 'not installed: %s\n' "${failed[@]}"
  exit 1
fi
echo "all readers are installed; export SENDERTRUST_READERS=$folder"
