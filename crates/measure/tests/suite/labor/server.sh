#!/bin/sh
PATH=/usr/bin:/bin
# A made-up server. Its load is made up too and never connects; the port tells that one what to do.
case "$1" in
--stack) port=2 ;;   # threads-small: fails in the middle
--threads) port=3 ;; # tokio-cores: never has its answers
*) port=1 ;;
esac
echo "Server lauscht auf 127.0.0.1:$port"
exec sleep 60
