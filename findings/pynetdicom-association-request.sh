#!/usr/bin/env bash
# pynetdicom aborts for a user information sub-item of an unknown type, and rejects protocol version 0x0003.
#
# Versions: pynetdicom 3.0.4, pydicom 3.0.1 (PyPI).
# Source: PS3.8 9.3.1: items of unrecognized types are ignored and skipped. PS3.8 table 9-11: of the protocol version
#   only bit 0 is tested.
# Valid input: an A-ASSOCIATE-RQ for Verification that is accepted as it is, once with one more sub-item of a type that
#   no edition has (0x77), once with protocol version 0x0003, whose bit 0 is set.
# Expected: an A-ASSOCIATE-AC (PDU type 0x02) each. Seen: an A-ABORT (0x07) for the sub-item, and an A-ASSOCIATE-RJ
#   (0x03, permanent, protocol version not supported) for the version.
# Date: 2026-12-01. The output seen stands at the end.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q pynetdicom==3.0.4 pydicom==3.0.1
cat > "$folder/check.py" <<'PYTHON'
import logging
import socket
import struct

from pynetdicom import AE

logging.disable(logging.CRITICAL)


def item(kind, value):
    return struct.pack(">BxH", kind, len(value)) + value


def request(version=1, more=b""):
    context = item(0x20, b"\1\0\0\0" + item(0x30, b"1.2.840.10008.1.1") + item(0x40, b"1.2.840.10008.1.2"))
    user = item(0x51, struct.pack(">I", 16384)) + item(0x52, b"1.2.3.4") + more
    fixed = struct.pack(">HH16s16s32s", version, 0, b"SERVER".ljust(16), b"CLIENT".ljust(16), bytes(32))
    body = fixed + item(0x10, b"1.2.840.10008.3.1.1.1") + context + item(0x50, user)
    return struct.pack(">BxI", 1, len(body)) + body


def answer(port, asked):
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        connection.sendall(asked)
        got = connection.recv(4096)
    told = f"0x{got[0]:02X}"
    return told + f" result {got[7]} source {got[8]} reason {got[9]}" * (got[0] == 3)


ae = AE("SERVER")
ae.add_supported_context("1.2.840.10008.1.1")
server = ae.start_server(("127.0.0.1", 0), block=False)
port = server.server_address[1]
print("as it is:", answer(port, request()))
print("unknown sub-item:", answer(port, request(more=item(0x77, b"later"))))
print("version 0x0003:", answer(port, request(version=3)))
server.shutdown()
PYTHON
"$folder/venv/bin/python" "$folder/check.py" | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
as it is: 0x02
unknown sub-item: 0x07
version 0x0003: 0x03 result 1 source 2 reason 2
SEEN
