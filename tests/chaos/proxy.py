"""A small TCP proxy in a process of its own: it can cut what flows through it, or hold it back.

Started with `name:port:target_port …`. It listens on 127.0.0.1 and obeys lines on its standard input: `cut NAME` resets
every connection of that road, `stall NAME` holds all bytes back, both ways, until `flow NAME`. It ends with its input.
"""

import asyncio
import socket
import struct
import sys
from contextlib import suppress

HOST = "127.0.0.1"
_PIECE = 65536
_NO_LINGERING = struct.pack("ii", 1, 0)


class Road:
    """One port here that leads to one port there."""

    def __init__(self, name: str, target: int) -> None:
        self.name = name
        self._target = target
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._open: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until either side ends it."""
        try:
            onward_reader, onward = await asyncio.open_connection(HOST, self._target)
        except OSError:
            writer.transport.abort()
            return
        pair = {writer, onward}
        self._open |= pair
        try:
            await asyncio.gather(self._pump(reader, onward), self._pump(onward_reader, writer))
        finally:
            self._open -= pair
            for one in pair:
                with suppress(OSError, RuntimeError):
                    one.close()

    def cut(self) -> None:
        """Reset every connection; new ones may come at once."""
        for writer in list(self._open):
            # Without lingering, closing is a reset: the other side loses what was on its way.
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGERING)
            writer.transport.abort()

    def stall(self) -> None:
        """Nothing flows any more; connections stay open."""
        self._flowing.clear()

    def flow(self) -> None:
        """Everything flows again."""
        self._flowing.set()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await reader.read(_PIECE):
                await self._flowing.wait()
                writer.write(piece)
                await writer.drain()
        with suppress(OSError, RuntimeError):
            writer.close()


async def main(roads: list[str]) -> None:
    """Open every road, say `ready`, then obey until the input ends."""
    known: dict[str, Road] = {}
    servers = []
    for text in roads:
        name, port, target = text.split(":")
        known[name] = Road(name, int(target))
        servers.append(await asyncio.start_server(known[name].serve, HOST, int(port), backlog=512))
    print("ready", flush=True)
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while line := (await orders.readline()).decode().split():
        deed, name = line
        getattr(known[name], {"cut": "cut", "stall": "stall", "flow": "flow"}[deed])()
    for server in servers:
        server.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
