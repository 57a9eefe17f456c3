#!/bin/sh
PATH=/usr/bin:/bin
# A made-up load: --host HOST --port PORT --connections N --json. It never connects; the port says what it does.
port=$4
connections=$6
echo "{\"phase\":\"connected\",\"connections\":$connections,\"micros\":4000}"
while read -r phase _; do
    case $port in
    2)
        echo 'Verbindung 3: Die Antwort fehlt.' >&2
        exit 1
        ;;
    3) exec sleep 60 ;;
    esac
    echo "{\"phase\":\"$phase\",\"exchanges\":1000,\"micros\":200000,\"p50_nanos\":1500,\"p99_nanos\":9000,\"cpu_micros\":50000}"
done
