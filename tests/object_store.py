"""An S3 endpoint on this machine for the tests: moto's server, which speaks the protocol and keeps all in memory."""

from __future__ import annotations

import http.client
import sys
from contextlib import closing
from pathlib import Path

from zhengling.local.processes import ChildProcess, free_port

BUCKET = "papers"


class ObjectStore(ChildProcess):
    """The server as a child; `make_bucket` after each start, as a restart forgets all."""

    stop_within = 5.0

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        server = Path(sys.executable).with_name("moto_server")
        super().__init__("s3", [str(server), "-H", "127.0.0.1", "-p", str(self.port)], folder / "s3.log")

    @property
    def settings(self) -> dict[str, str]:
        """The environment variables of a service that stores its files here."""
        return {
            "file_store_url": f"s3://{BUCKET}/zhengling/files",
            "file_s3_endpoint": f"http://127.0.0.1:{self.port}",
            "file_s3_region": "us-east-1",
            "file_s3_access_key_id": "test",
            "file_s3_secret_access_key": "test",
        }

    def is_ready(self) -> bool:
        return self.alive and self._request("GET", "/") == 200

    def make_bucket(self) -> None:
        assert self._request("PUT", f"/{BUCKET}") == 200

    def _request(self, method: str, path: str) -> int | None:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)) as connection:
            try:
                connection.request(method, path)
                return connection.getresponse().status
            except (OSError, http.client.HTTPException):
                return None
