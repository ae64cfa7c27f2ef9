#!/bin/sh
# Grafana outside the demo. Without a password of yours it would begin with `admin`, which everybody knows.
set -eu

if [ -z "${GF_SECURITY_ADMIN_PASSWORD:-}" ]; then
    echo "Grafana has no password: set GRAFANA_ADMIN_PASSWORD in live.env, see deploy/live.env.example" >&2
    exit 1
fi
# the start script of the image
exec /run.sh
