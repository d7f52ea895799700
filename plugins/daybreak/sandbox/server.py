"""Runs the sandbox on one port: bound before anything else, so that a taken one is one clear line."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from daybreak.errors import SettingsError
from daybreak.sandbox.app import SandboxApp
from daybreak.sandbox.world import World

BACKLOG = 512
NO_LINGER = struct.pack("ii", 1, 0)


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 takes a free one.

    :raises SettingsError: the port is taken, or the host is none of this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio switches Nagle's delay off only where it is: 40 ms an answer otherwise.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        bound.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        bound.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise SettingsError(
            f"sandbox: cannot listen on {host}:{port} ({reason}); choose another with --port (0: a free one)"
        ) from error
    return bound


def address(bound: socket.socket) -> str:
    """The URL of a bound socket."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Connections:
    """The open connections by the client's address, so that one can be reset under a request."""

    def __init__(self) -> None:
        self._transports: dict[tuple[str, int], asyncio.Transport] = {}

    def protocol(self) -> type[asyncio.Protocol]:
        """uvicorn's protocol, noting each connection as it is made and lost."""
        transports = self._transports

        class NotedProtocol(H11Protocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                self.noted = tuple(transport.get_extra_info("peername") or ())[:2]
                transports[self.noted] = transport
                super().connection_made(transport)

            def connection_lost(self, exc: Exception | None) -> None:
                transports.pop(self.noted, None)
                super().connection_lost(exc)

        return NotedProtocol

    def reset(self, client: tuple[str, int]) -> None:
        """End a connection the hard way: the client sees a reset, not an end."""
        transport = self._transports.get((client[0], client[1]))
        if transport is not None:
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            transport.abort()


class SandboxServer(uvicorn.Server):
    """Lets go of hanging requests when it ends, which uvicorn would wait for and then complain about."""

    def __init__(self, config: uvicorn.Config, app: SandboxApp) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.closing.set()
        await super().shutdown(sockets)


def make_server(world: World) -> uvicorn.Server:
    """A server for ``world``, to be run with a socket of :func:`bind`."""
    connections = Connections()
    app = SandboxApp(world, connections.reset)
    config = uvicorn.Config(
        app,
        http=connections.protocol(),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=1,
        server_header=False,
    )
    return SandboxServer(config, app)


async def serve(world: World, bound: socket.socket, ready: Callable[[], None]) -> None:
    """Serve until the process is told to end; ``ready`` is called once requests are answered."""
    server = make_server(world)

    async def tell() -> None:
        while not server.started:
            await asyncio.sleep(0.01)
        ready()

    telling = asyncio.create_task(tell())
    try:
        await server.serve(sockets=[bound])
    finally:
        telling.cancel()
