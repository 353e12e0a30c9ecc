"""The unit by which systemd runs the agent: notified, watched, and shut in (`edge init --systemd`)."""

import sys
from collections.abc import Iterable
from pathlib import Path

from scanside import RESEARCH_USE

# What ProtectHome and PrivateTmp hide from the service.
_HIDDEN = tuple(map(Path, ("/home", "/root", "/run/user", "/tmp", "/var/tmp")))


def unit() -> str:
    """The text of scanside.service, for the `edge` of this installation."""
    return f"""\
# {RESEARCH_USE}
# useradd --system --home-dir /var/lib/scanside --shell /usr/sbin/nologin scanside
[Unit]
Description=scanside: images from the ultrasound machine, scored beside it
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
User=scanside
ExecStart={Path(sys.executable).with_name("edge")} serve --config /etc/scanside/edge.toml \
--data /var/lib/scanside
ExecReload=/bin/kill -HUP $MAINPID
StateDirectory=scanside
StateDirectoryMode=0700
UMask=0077
Restart=always
RestartSec=1
TimeoutStartSec=600
# Beyond drain_s and worker_timeout_s together: what is in hand is finished first.
TimeoutStopSec=120
# The supervisor tells the others; what is left when it has ended is killed.
KillMode=mixed
WatchdogSec=30

# A port below 1024 (DICOM's 104) wants: AmbientCapabilities=CAP_NET_BIND_SERVICE, and the same below.
CapabilityBoundingSet=
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service

[Install]
WantedBy=multi-user.target
"""


def out_of_sight(paths: Iterable[Path]) -> Path | None:
    """The first of these that the service can't see under this unit, None when it sees them all."""
    return next((path for path in paths if any(path.is_relative_to(folder) for folder in _HIDDEN)), None)
