#!/usr/bin/env bash
# Runs every test of the repository: ./test.sh [PROJECT …]      e.g. ./test.sh Storage Mail
# Needs the .NET 10 SDK and Node; installs the Debian packages below where they are missing, and says so first.
# Ends with the line "N passed, N failed, N skipped"; results lie in artifacts/test, eng/rows reads them.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# The servers that the tests run against: nothing here is started as a service of the system.
packages=(redis-server rabbitmq-server postgresql python3 python3-celery python3-redis python3-sqlalchemy python3-psycopg2 python3-aiosmtpd chromium)
results=$PWD/artifacts/test
limit=25m
[ -z "${BELFRY_SOAK:-}" ] || limit=6h
# dotnet and npm need a home; a shell without variables (cron, a bare container) has none.
export HOME=${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}

main() {
  install_missing || return 1
  build || return 1
  rm -rf "$results"; mkdir -p "$results"
  trap stop_leftovers EXIT
  trap 'exit 130' INT TERM
  # Whatever a test starts carries this mark, so it can be found when the test itself was killed.
  export BELFRY_TEST_RUN="$$-$(date +%s)"
  local status=0 project
  for project in $(projects "$@"); do
    run "$project" || status=1
  done
  eng/tally "$results" || status=1
  return $status
}

install_missing() {
  local missing=() package
  for package in "${packages[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q ' installed$' || missing+=("$package")
  done
  if [ ${#missing[@]} -eq 0 ]; then
    echo "Debian packages: all that the tests need are here (${packages[*]})."
    return 0
  fi
  echo "Debian packages: will install ${missing[*]} (no service of the system is started)."
  local root=()
  [ "$(id -u)" -eq 0 ] || root=(sudo)
  command -v apt-get >/dev/null || { echo "There is no apt-get here: install these by hand, then run again." >&2; return 1; }
  # Debian starts a server when it is installed, unless this file forbids it.
  local policy=/usr/sbin/policy-rc.d
  local forbade=false
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | "${root[@]}" tee $policy >/dev/null && "${root[@]}" chmod +x $policy && forbade=true
  fi
  "${root[@]}" apt-get -qq update \
    && "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
  local status=$?
  $forbade && "${root[@]}" rm -f $policy
  [ $status -eq 0 ] || echo "The packages could not be installed." >&2
  return $status
}

build() {
  local locked=()
  [ -z "${CI:-}" ] || locked=(-p:RestoreLockedMode=true)
  echo "Building …"
  dotnet build Belfry.slnx -v quiet -nologo "${locked[@]}"
}

# Found, not listed: a project of test/ whose name ends in .Tests.
projects() {
  local folder name
  for folder in test/*.Tests; do
    name=${folder#test/Belfry.}
    if [ $# -eq 0 ] || [[ " $* " == *" ${name%.Tests} "* ]] || [[ "$name" == Tests && " $* " == *" Belfry "* ]]; then
      echo "$folder"
    fi
  done
}

run() {
  local name skips=off
  name=$(basename "$1")
  [ -z "${CI:-}" ] || skips=on
  echo "== $name"
  "$1/bin/Debug/net10.0/$name" --no-progress --no-ansi --timeout "$limit" --fail-skips $skips \
    --results-directory "$results" --report-xunit --report-xunit-filename "$name.xml" </dev/null
  local status=$?
  [ $status -eq 0 ] || echo "$name ended with $status"
  [ -s "$results/$name.xml" ] || echo "$name ended with $status and left no results" >"$results/$name.died"
  return $status
}

stop_leftovers() {
  local found
  env -u BELFRY_TEST_RUN grep -lzxs "BELFRY_TEST_RUN=$BELFRY_TEST_RUN" /proc/[0-9]*/environ | while read -r found; do
    kill -9 "$(basename "$(dirname "$found")")" 2>/dev/null
  done
}

main "$@"
