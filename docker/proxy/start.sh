#!/bin/sh
# Runs nginx. It resolves the servers' addresses only when it loads its configuration, so this script reloads it: soon
# if there is an unknown server (scaling up or replacement), and later if a known one has gone for good. A server that
# restarts keeps its address and needs no reload.
set -eu

every_seconds=2
gone_for_good=15 # checks

addresses() {
  getent ahostsv4 server | cut -d ' ' -f 1 | sort -u
}

follow() {
  checks=0
  while sleep "$every_seconds"; do
    now=$(addresses)
    # If no server is found, keep the known addresses.
    if [ -z "$now" ] || [ "$now" = "$known" ]; then
      checks=0
      continue
    fi
    if ! echo "$now" | grep -qvxF "$known"; then
      checks=$((checks + 1))
      [ "$checks" -ge "$gone_for_good" ] || continue
    fi
    sh /etc/sotto/reload.sh
    known=$now
    checks=0
  done
}

known=$(addresses)
while [ -z "$known" ]; do
  sleep 1
  known=$(addresses)
done
follow &
exec nginx -e stderr -c /etc/sotto/nginx.conf -g 'daemon off;'
