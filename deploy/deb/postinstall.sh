#!/bin/sh
# Makes the user that the service runs as, and starts nothing: the operator looks at /etc/quota-db/quota-db.toml first.
set -e
if ! getent passwd quota-db >/dev/null; then
	groupadd --system quota-db
	useradd --system --gid quota-db --home-dir /var/lib/quota-db --no-create-home --shell /usr/sbin/nologin quota-db
fi
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	# An upgrade restarts a node that runs; a new one is started by: systemctl enable --now quota-db
	systemctl try-restart quota-db.service || true
fi
