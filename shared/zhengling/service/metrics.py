"""Metrics of a process, on a port of their own, which callers of the API don't reach.

They are served by a thread, and so also while the event loop is busy. Invariant: one connection at a time, each for at most
`PATIENCE`, so that nobody on that port takes threads or memory of the service, or keeps others away.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app

PATIENCE = 5.0
"""Seconds that a connection may take."""


class _Handler(WSGIRequestHandler):
    def handle(self) -> None:
        limit = threading.Timer(PATIENCE, self._end)
        limit.daemon = True
        limit.start()
        try:
            super().handle()
        except OSError:  # it was slow, or went away
            self.close_connection = True
        finally:
            limit.cancel()

    def _end(self) -> None:
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: object) -> None:
        """Scrapes aren't logged."""


def serve_metrics(host: str, port: int) -> WSGIServer:
    """Serve the metrics of this process until it ends. OSError if the address can't be listened on."""
    ((family, *_), *_) = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    kind: type[WSGIServer] = type("MetricsServer", (WSGIServer,), {"address_family": family})
    server: WSGIServer = make_server(host, port, make_wsgi_app(), server_class=kind, handler_class=_Handler)
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server
