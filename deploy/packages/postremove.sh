#!/bin/sh
# After the package has gone. Data in /var/lib/crateflow stay.
set -e
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
fi
