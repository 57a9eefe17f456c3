#!/bin/sh
PATH=/usr/bin:/bin
# A made-up server that does not come up.
echo 'Der Port ist belegt.' >&2
exit 1
