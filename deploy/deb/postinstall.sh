#!/bin/sh
# Makes the user that the service runs as, and starts nothing: the operator looks at /etc/quota-db/quota-db.toml first.
set -e
if ! getent group quota-db >/dev/null; then
	groupadd --system quota-db
fi
if ! getent passwd quota-db >/dev/null; then
	useradd --system --gid quota-db --home-dir /var/lib/quota-db --no-create-home --shell /usr/sbin/nologin quota-db
fi
# Secrets are in this directory: root writes them, the service reads them, nobody else does. Rights that the operator has
# registered with dpkg-statoverride stay.
own() {
	if [ -e "$2" ] && ! dpkg-statoverride --list "$2" >/dev/null 2>&1; then
		chown root:quota-db "$2"
		chmod "$1" "$2"
	fi
}
own 0750 /etc/quota-db
own 0640 /etc/quota-db/quota-db.toml
own 0640 /etc/quota-db/cluster-secret
own 0640 /etc/quota-db/password
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	# An upgrade restarts a node that runs; a new one is started by: systemctl enable --now quota-db
	systemctl try-restart quota-db.service || true
fi
