#!/bin/sh
# Before the package goes; not before an upgrade, which dpkg calls `upgrade` and rpm 1.
set -e
if [ "$1" = remove ] || [ "$1" = 0 ]; then
  if [ -d /run/systemd/system ]; then
    systemctl disable --now crateflow.service
  fi
fi
