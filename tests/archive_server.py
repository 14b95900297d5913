"""An HTTP server on the loopback interface that serves archives and simulates faults."""

from __future__ import annotations

import gzip
import hashlib
import re
import sys
import tarfile
import threading
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


def make_archive(
    files: Mapping[str, bytes] | Sequence[tuple[str, bytes]],
    headers: Sequence[tarfile.TarInfo] = (),
    *,
    compressed: bool = True,
) -> bytes:
    """Return a tar archive: `files` by member name, then `headers` without any content.

    The blocks are joined here, because `tarfile.TarFile` refuses to write hostile headers.
    """
    blocks = []
    for name, content in files.items() if isinstance(files, Mapping) else files:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        blocks += [member.tobuf(), content, bytes(-len(content) % tarfile.BLOCKSIZE)]
    blocks += [member.tobuf() for member in headers]
    archive = b"".join(blocks) + bytes(2 * tarfile.BLOCKSIZE)
    return gzip.compress(archive) if compressed else archive


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore that a client closed its connection, which several tests provoke."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class ArchiveServer:
    """Serves `files` (content by path, such as `/archive.tar.gz`), and status 404 otherwise.

    Faults are attributes that a test sets before a request:

    - `statuses`: answers to the next requests, instead of a file;
    - `break_after`: numbers of bytes after which the next bodies end;
    - `later`: contents that replace the content of a path after its first request;
    - `stall_after`: number of bytes after which the next body stalls until the server is closed;
    - `honours_range`, `honours_if_range`, `etag` ("strong", "weak" or "none");
    - `longest_range`: maximum number of bytes in the answer to a range request;
    - `range_shift`: number of bytes by which the answer to a range request starts too late;
    - `compresses`: whether bodies are compressed for clients that accept it;
    - `extra_length`: number of bytes by which Content-Length is too large;
    - `chunked`: whether bodies are sent in chunks, without Content-Length;
    - `drips`: seconds between single bytes of the next body;
    - `headers`: headers that replace those of the answers;
    - `reason`: the reason phrase of the answers;
    - `redirects`: addresses to which the answers to requests redirect.

    `requests` holds the path and headers of each request.
    """

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = dict(files)
        self.statuses: list[int] = []
        self.break_after: list[int] = []
        self.later: dict[str, bytes] = {}
        self.stall_after: int | None = None
        self.honours_range = True
        self.honours_if_range = True
        self.etag = "strong"
        self.longest_range: int | None = None
        self.range_shift = 0
        self.compresses = False
        self.extra_length = 0
        self.chunked = False
        self.drips: float | None = None
        self.headers: dict[str, str] = {}
        self.reason: str | None = None
        self.redirects: list[str] = []
        self.requests: list[tuple[str, dict[str, str]]] = []
        self._closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), self._handler())

    @property
    def url(self) -> str:
        """The URL of the server, without a path."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def ranges(self) -> list[str]:
        """Return the `Range` header of each request, or an empty text without one."""
        return [headers.get("Range", "") for _, headers in self.requests]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                """Print nothing."""

            def do_GET(self) -> None:
                server.requests.append((self.path, dict(self.headers)))
                self.close_connection = True
                if server.redirects:
                    self.answer(302, b"", {"Location": server.redirects.pop(0)})
                    return
                if server.statuses:
                    self.answer(server.statuses.pop(0), b"")
                    return
                content = server.files.get(self.path)
                if content is None:
                    self.answer(404, b"<h1>Not Found</h1>")
                    return
                if self.path in server.later:
                    server.files[self.path] = server.later.pop(self.path)
                self.serve(content)

            def serve(self, content: bytes) -> None:
                tag = f'"{hashlib.md5(content).hexdigest()}"'
                tags = {"strong": {"ETag": tag}, "weak": {"ETag": f"W/{tag}"}, "none": {}}
                headers = tags[server.etag]
                if server.compresses and "gzip" in self.headers.get("Accept-Encoding", ""):
                    self.answer(200, gzip.compress(content), {"Content-Encoding": "gzip"})
                    return
                requested = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
                current = self.headers.get("If-Range", tag) == tag or not server.honours_if_range
                if not (requested and server.honours_range and current):
                    self.answer(200, content, headers)
                    return
                start, end = int(requested[1]), len(content)
                if start >= end:
                    self.answer(416, b"<h1>No</h1>", headers | {"Content-Range": f"bytes */{end}"})
                    return
                start += server.range_shift
                if server.longest_range is not None:
                    end = min(end, start + server.longest_range)
                span = f"bytes {start}-{end - 1}/{len(content)}"
                self.answer(206, content[start:end], headers | {"Content-Range": span})

            def answer(self, status: int, body: bytes, headers: Mapping[str, str] = {}) -> None:
                self.send_response(status, server.reason)
                headers = {"Connection": "close"} | dict(headers)
                if not server.chunked:
                    headers |= {"Content-Length": str(len(body) + server.extra_length)}
                for name, value in (headers | server.headers).items():
                    self.send_header(name, value)
                if server.chunked:
                    self.send_header("Transfer-Encoding", "chunked")
                    body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
                self.end_headers()
                if body and status < 300 and server.break_after:
                    body = body[: server.break_after.pop(0)]
                if body and server.stall_after is not None:
                    body, server.stall_after = body[: server.stall_after], None
                    self.wfile.write(body)
                    server._closing.wait(30)
                    return
                if server.drips is not None:
                    delay, server.drips = server.drips, None
                    for index in range(len(body)):
                        self.wfile.write(body[index : index + 1])
                        if server._closing.wait(delay):
                            return
                self.wfile.write(body)

        return Handler
