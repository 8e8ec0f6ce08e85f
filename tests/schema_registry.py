"""A schema registry for the tests: a stand-in that speaks Confluent's HTTP interface, with faults on order.

A real one is a Java server that isn't to be had here. This one keeps schemas as they come; what is compatible, Apache
Avro's own rules say.
"""

from __future__ import annotations

import base64
import json
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import unquote, urlsplit

import avro.schema
from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType


def reads(reader: str, writer: str) -> bool:
    """Whether BACKWARD compatibility holds: what `writer` wrote can be read with `reader`."""
    found = ReaderWriterCompatibilityChecker().get_compatibility(avro.schema.parse(reader), avro.schema.parse(writer))
    return bool(found.compatibility is SchemaCompatibilityType.compatible)


PREFIX = "/registry"  # registries stand behind a path, too


class RegistryStandIn:
    """On loopback; a context manager. `stop` and `start` take it away and back, on the same port, with its schemas.

    `status` answers everything with that HTTP status, `delay_s` makes it slow, `login` asks for USER:PASSWORD, and with
    `certificate`, a PEM file with its key, it speaks TLS only.
    """

    def __init__(self, login: str = "", certificate: Path | None = None) -> None:
        self.schemas: dict[int, dict[str, Any]] = {}
        self.subjects: dict[str, list[int]] = {}
        self.levels: dict[str, str] = {"": "BACKWARD"}  # the subject "" is the global level
        self.requests: list[str] = []
        self.status, self.delay_s, self.login = 0, 0.0, login
        self._port, self._certificate = 0, certificate
        self.start()

    @property
    def url(self) -> str:
        return f"http{'s' if self._certificate else ''}://127.0.0.1:{self._port}{PREFIX}"

    def start(self) -> None:
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                path = urlsplit(self.path).path
                stand_in.requests.append(f"{self.command} {path.removeprefix(PREFIX)}")
                time.sleep(stand_in.delay_s)
                status, answer = stand_in._answer(
                    self.command, path, json.loads(body or b"{}"), self.headers.get("Authorization", "")
                )
                content = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_POST = do_PUT = do_GET  # noqa: N815

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._server.daemon_threads = True
        if self._certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self._certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def add(self, subject: str, schema: Any, kind: str = "AVRO") -> int:
        """Registers a schema, unasked; gives its id."""
        text = schema if isinstance(schema, str) else json.dumps(schema)
        schema_id = next((known for known, item in self.schemas.items() if item["schema"] == text), 0)
        schema_id = schema_id or len(self.schemas) + 101
        self.schemas[schema_id] = {"schema": text} if kind == "AVRO" else {"schema": text, "schemaType": kind}
        self.subjects.setdefault(subject, []).append(schema_id)
        return schema_id

    def _answer(self, method: str, path: str, body: dict[str, Any], authorization: str) -> tuple[int, Any]:
        if self.status:
            return self.status, {"error_code": self.status, "message": "ordered"}
        if self.login and authorization != "Basic " + base64.b64encode(self.login.encode()).decode():
            return 401, {"error_code": 401, "message": "Unauthorized"}
        match (method, *[unquote(part) for part in Path(path.removeprefix(PREFIX)).parts[1:]]):
            case ("GET", "schemas", "ids", number):
                found = self.schemas.get(int(number))
                return (200, found) if found else (404, {"error_code": 40403, "message": "Schema not found"})
            case ("POST", "subjects", subject):
                return self._lookup(subject, body["schema"])
            case ("POST", "subjects", subject, "versions"):
                if not self._compatible(subject, body["schema"]):
                    return 409, {"error_code": 409, "message": "incompatible with an earlier schema"}
                return 200, {"id": self.add(subject, body["schema"])}
            case ("POST", "compatibility", "subjects", subject, "versions", "latest"):
                if subject not in self.subjects:
                    return 404, {"error_code": 40401, "message": "Subject not found"}
                return 200, {"is_compatible": self._compatible(subject, body["schema"])}
            case ("PUT", "config", subject):
                self.levels[subject] = body["compatibility"]
                return 200, body
            case ("GET", "config", *subject):
                level = self.levels.get("".join(subject))
                missing = {"error_code": 40408, "message": "Subject has no level of its own"}
                return (200, {"compatibilityLevel": level}) if level else (404, missing)
        return 404, {"error_code": 404, "message": "HTTP 404 Not Found"}

    def _lookup(self, subject: str, text: str) -> tuple[int, Any]:
        if subject not in self.subjects:
            return 404, {"error_code": 40401, "message": "Subject not found"}
        for version, schema_id in enumerate(self.subjects[subject], 1):
            if self.schemas[schema_id]["schema"] == text:
                return 200, {"subject": subject, "id": schema_id, "version": version, "schema": text}
        return 404, {"error_code": 40403, "message": "Schema not found"}

    def _compatible(self, subject: str, text: str) -> bool:
        level = self.levels.get(subject, self.levels[""])
        if level == "NONE" or not self.subjects.get(subject):
            return True
        return reads(text, self.schemas[self.subjects[subject][-1]]["schema"])

    def __enter__(self) -> RegistryStandIn:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
