"""A server that answers what it is told, in order, and notes what it was asked."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Optional


class Scripted:
    """Serves http on a loopback port. `answer` gets each request and gives status, header fields and body; `None` closes the connection unanswered."""

    def __init__(self, answer: Callable[[BaseHTTPRequestHandler, bytes], Optional[tuple[int, list[list[str]], bytes]]]) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def reply(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                told = answer(self, body)
                if told is None:
                    self.close_connection = True
                    return
                status, fields, text = told
                self.send_response_only(status)
                for name, value in fields:
                    self.send_header(name, value.encode().decode("latin-1"))
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(text)

            do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = reply

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def __enter__(self) -> Scripted:
        return self

    def __exit__(self, *_: Any) -> None:
        self.server.shutdown()
        self.server.server_close()
