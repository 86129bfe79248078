#!/bin/bash
# Installs the servers that the integration tests ask, on Debian, as root; may be run again.
#
#   bash tests/integration/install.sh
#
# Starts none of them: the tests start what they need, on loopback and with folders of their own.
set -euo pipefail

packages=(
  gcc # pymilter, which pip compiles
  jq # docs/how-to/trace.md
  libmilter-dev # likewise
  libsasl2-modules # test_postfix.py: AUTH PLAIN
  openssl # test_ldap.py: certificates
  postfix # test_postmap.py: postmap and postconf; test_postfix.py
  postgresql # test_sql.py
  python3-dev # likewise, for Debian's own Python
  python3-venv # .ci/run: all tests on Debian's own Python
  sasl2-bin # test_postfix.py: saslpasswd2
  slapd # test_ldap.py
)

policy=/usr/sbin/policy-rc.d

installed() { dpkg-query --show --showformat='${Status}' "$1" 2>/dev/null | grep -q ' installed$'; }

install_missing() {
  local missing=() package
  for package in "${packages[@]}"; do installed "$package" || missing+=("$package"); done
  if [ ${#missing[@]} -eq 0 ]; then
    echo "all packages are installed: ${packages[*]}"
    return
  fi
  # Debian asks this program before it starts a service; 101 is no. One that is here is left as it is.
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
  fi
  apt-get update >/dev/null
  DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${missing[@]}" >/dev/null
  echo "installed: ${missing[*]}"
}

install_missing
# Debian lets a machine have one mail server: the other two are unpacked.
bash "$(dirname "$0")/exim.sh"
bash "$(dirname "$0")/opensmtpd.sh"
