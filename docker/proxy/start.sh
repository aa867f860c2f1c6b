#!/bin/sh
# Runs nginx. It asks for the servers' addresses when it reads its configuration and never again, so this has it
# read it again: soon when there is a server that it does not know (more of them, or new ones), and later when one
# that it knows is gone for good. A server that restarts keeps its address, and needs none of this.
set -eu

every_seconds=2
gone_for_good=15 # looks

addresses() {
  getent ahostsv4 server | cut -d ' ' -f 1 | sort -u
}

follow() {
  looks=0
  while sleep "$every_seconds"; do
    now=$(addresses)
    # No server at all is no reason to forget where they were.
    if [ -z "$now" ] || [ "$now" = "$known" ]; then
      looks=0
      continue
    fi
    if ! echo "$now" | grep -qvxF "$known"; then
      looks=$((looks + 1))
      [ "$looks" -ge "$gone_for_good" ] || continue
    fi
    sh /etc/sotto/reload.sh
    known=$now
    looks=0
  done
}

known=$(addresses)
while [ -z "$known" ]; do
  sleep 1
  known=$(addresses)
done
follow &
exec nginx -e stderr -c /etc/sotto/nginx.conf -g 'daemon off;'
