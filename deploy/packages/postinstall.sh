#!/bin/sh
# After an installation or an upgrade of the deb or rpm package: a service that runs goes on with the new program.
set -e
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  systemctl try-restart crateflow.service
fi
