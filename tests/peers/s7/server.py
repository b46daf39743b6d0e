"""The S7 server of snap7, in C, by way of an older python-snap7 that brings it along.

Reads areas from stdin, one a line: name, number, bytes in hexadecimal. Prints its port.
"""

import ctypes
import socket
import sys
import time

from snap7.server import Server
from snap7.type import SrvArea

areas = []
server = Server(log=False)
for line in sys.stdin.read().splitlines():
    name, number, content = line.split()
    raw = bytes.fromhex(content)
    area = (ctypes.c_uint8 * len(raw)).from_buffer_copy(raw)
    areas.append(area)
    server.register_area(SrvArea[name], int(number), area)
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
server.start_to("127.0.0.1", port)
print(port, flush=True)
while True:
    time.sleep(60)
