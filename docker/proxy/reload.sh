#!/bin/sh
# Reloads the configuration of nginx without failing requests. A reload closes idle connections, so for five seconds
# every response closes its connection first (locations.conf). Connections that stay idle longer than that are closed by
# the reload.
set -eu

touch /tmp/leaving
sleep 5
nginx -e stderr -c /etc/sotto/nginx.conf -s reload
sleep 1
rm -f /tmp/leaving
