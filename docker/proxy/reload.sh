#!/bin/sh
# Has nginx read its configuration again, and fails no request by it: callers are told to leave their connections
# first (locations.conf), since nginx ends those that are idle then. What a caller keeps unused for longer than the
# five seconds is ended with the rest.
set -eu

touch /tmp/leaving
sleep 5
nginx -e stderr -c /etc/sotto/nginx.conf -s reload
sleep 1
rm -f /tmp/leaving
