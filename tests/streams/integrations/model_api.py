"""A stand-in for OpenAI's and Anthropic's HTTP APIs: fixed answers in their forms, streamed where that is asked for."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
CALL = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 2, "b": 3}'}}
PIECES = ("The total ", "is ", "12.")


def _chat(request: Mapping[str, Any]) -> dict[str, Any]:
    calls = "tools" in request
    message = {
        "role": "assistant",
        "content": None if calls else "".join(PIECES),
        **({"tool_calls": [CALL]} if calls else {}),
    }
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if calls else "stop"}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-4o-2024-08-06",
        "choices": [choice],
        "usage": USAGE,
        "system_fingerprint": "fp_1",
    }


def _chunks(request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    about = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-2024-08-06"}
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}, *({"content": piece} for piece in PIECES)]
    if "tools" in request:
        start = {"index": 0, "id": "c1", "type": "function", "function": {"name": "add", "arguments": ""}}
        more = ({"index": 0, "function": {"arguments": piece}} for piece in ('{"a": 2,', ' "b": 3}'))
        deltas = [{"role": "assistant", "tool_calls": [start]}, *({"tool_calls": [piece]} for piece in more)]
    for delta in deltas:
        yield {**about, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    reason = "tool_calls" if "tools" in request else "stop"
    yield {**about, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}
    yield {**about, "choices": [], "usage": USAGE}


def _response(_: Mapping[str, Any]) -> dict[str, Any]:
    text = {"type": "output_text", "text": "".join(PIECES), "annotations": []}
    said = {"type": "message", "id": "m1", "role": "assistant", "status": "completed", "content": [text]}
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "model": "gpt-4o-2024-08-06",
        "status": "completed",
        "output": [said],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": 9,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 4,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 13,
        },
    }


def _events(request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for number, piece in enumerate(PIECES):
        where = {"item_id": "m1", "output_index": 0, "content_index": 0, "sequence_number": number, "logprobs": []}
        yield {"type": "response.output_text.delta", "delta": piece, **where}
    yield {"type": "response.completed", "response": _response(request), "sequence_number": len(PIECES)}


def _message(request: Mapping[str, Any]) -> dict[str, Any]:
    is_structured = "format" in request.get("output_config", {})
    content: list[dict[str, Any]] = [{"type": "text", "text": '{"total": 12}' if is_structured else "".join(PIECES)}]
    if "thinking" in request:
        thought = {"type": "thinking", "thinking": "Seven and five.", "signature": "c2lnbmVk"}
        content = [thought, {"type": "redacted_thinking", "data": "ZW5jcnlwdGVk"}, *content]
    if "tools" in request:
        content = [{"type": "tool_use", "id": "toolu_1", "name": "add", "input": {"a": 2, "b": 3}}]
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-5-20260801",
        "content": content,
        "stop_reason": "tool_use" if "tools" in request else "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 9,
            "cache_creation_input_tokens": 5,
            "cache_read_input_tokens": 100,
            "output_tokens": 4,
            "output_tokens_details": {"thinking_tokens": 2},
            "service_tier": "standard",
        },
    }


_STREAMED = {"text": "text_delta", "thinking": "thinking_delta", "signature": "signature_delta"}


def _message_events(request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    whole = _message(request)
    usage = {**whole["usage"], "output_tokens": 1, "output_tokens_details": None}
    yield {"type": "message_start", "message": {**whole, "content": [], "stop_reason": None, "usage": usage}}
    yield {"type": "ping"}
    for index, block in enumerate(whole["content"]):
        empty = {name: type(item)() if name in ("input", *_STREAMED) else item for name, item in block.items()}
        yield {"type": "content_block_start", "index": index, "content_block": empty}
        deltas = [{"type": _STREAMED[name], name: block[name]} for name in ("thinking", "signature") if name in block]
        if block["type"] == "text":
            deltas = [{"type": "text_delta", "text": piece} for piece in PIECES]
        if block["type"] == "tool_use":
            deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ("", '{"a": 2,', ' "b": 3}')]
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
        if request.get("model") == "overloaded half way":
            yield {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
            return
    said = {"output_tokens": 4, "output_tokens_details": whole["usage"]["output_tokens_details"]}
    yield {
        "type": "message_delta",
        "delta": {"stop_reason": whole["stop_reason"], "stop_sequence": None},
        "usage": said,
    }
    yield {"type": "message_stop"}


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        model = request.get("model", "")
        if model == "broken":
            self._send(500, "application/json", b'{"error": {"message": "out of order", "type": "server_error"}}')
            return
        if model == "busy" and self.server.next_is_refused():  # type: ignore[attr-defined]
            self._send(429, "application/json", b'{"error": {"message": "busy", "type": "rate_limit_error"}}')
            return
        if "/messages" in self.path or "/models/" in self.path or "/model/" in self.path:  # Vertex's, Bedrock's
            self._anthropic(request)
            return
        whole, pieces = (_chat, _chunks) if self.path.endswith("/chat/completions") else (_response, _events)
        if request.get("stream"):
            lines = [
                (f"event: {item['type']}\n" if "type" in item else "") + f"data: {json.dumps(item)}\n\n"
                for item in pieces(request)
            ]
            self._send(200, "text/event-stream", "".join([*lines, "data: [DONE]\n\n"]).encode())
        else:
            self._send(200, "application/json", json.dumps(whole(request)).encode())

    def _anthropic(self, request: Mapping[str, Any]) -> None:
        if not request.get("stream"):
            time.sleep(1 if request.get("model") == "late" else 0)
            self._send(200, "application/json", json.dumps(_message(request)).encode())
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        with suppress(OSError):  # the client may have gone
            for event in _message_events(request):
                self.wfile.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
                time.sleep(0.05 if request.get("model") == "slow" else 0)

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Retry-After-Ms", "1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None: ...


class _Server(ThreadingHTTPServer):
    request_queue_size = 128
    _refused = False

    def next_is_refused(self) -> bool:
        """Of the model `busy`: every other request."""
        self._refused = not self._refused
        return self._refused


class ModelApi:
    """The server, as long as the block lasts; `url` is what a client takes as its base, Anthropic's `root`."""

    def __enter__(self) -> ModelApi:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self.root = f"http://127.0.0.1:{self._server.server_port}"
        self.url = f"{self.root}/v1"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
