"""`schemalora predict` with a server, through its real entry point."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}


class SlowServer(ThreadingHTTPServer):
    """Answers the first request at once, and the others after two seconds."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), SlowHandler)
        self.asked = 0
        self.under_way = 0
        self.most_under_way = 0
        self.lock = threading.Lock()

    def handle_error(self, request: object, client_address: object) -> None:
        """The client hung up, as it should."""


class SlowHandler(BaseHTTPRequestHandler):
    server: SlowServer

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.lock:
            self.server.asked += 1
            first = self.server.asked == 1
            self.server.under_way += 1
            most = max(self.server.most_under_way, self.server.under_way)
            self.server.most_under_way = most
        if not first:
            time.sleep(2)
        with self.server.lock:
            self.server.under_way -= 1
        message = {"role": "assistant", "content": '{"name":"a"}'}
        body = json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


@pytest.fixture
def slow_server() -> Iterator[SlowServer]:
    with SlowServer() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def predict(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "name.json").write_text(json.dumps({"title": "Name", **SCHEMA}))
    rows = [{"id": f"row-{n}", "text": f"text {n}", "target": {"name": "a"}} for n in range(4)]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    fixed = ("predict", "ticket", "rows.jsonl", "-o", "answers.jsonl", "--contract", "name.json")
    return subprocess.run(
        [sys.executable, "-m", "schemalora", *fixed, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_slow_server_ends_in_one_line_and_finished_rows_are_kept(
    tmp_path: Path, slow_server: SlowServer
) -> None:
    url = f"http://127.0.0.1:{slow_server.server_port}/v1"
    done = predict(
        tmp_path, "--server", url, "--timeout", "1", "--attempts", "2", "--batch-size", "1"
    )
    assert done.returncode == 2, done.stderr
    *_, line = done.stderr.strip().splitlines()
    assert line.startswith("error: example 'row-1'")
    assert "no answer within 1 s" in line
    assert slow_server.asked == 3
    assert len((tmp_path / "answers.jsonl").read_text().splitlines()) == 1


def test_rows_at_once_are_requests_at_once(tmp_path: Path, slow_server: SlowServer) -> None:
    url = f"http://127.0.0.1:{slow_server.server_port}/v1"
    done = predict(tmp_path, "--server", url, "--batch-size", "3")
    assert done.returncode == 0, done.stderr
    assert slow_server.most_under_way in {2, 3}  # the first answer may come before the third asks
    assert len((tmp_path / "answers.jsonl").read_text().splitlines()) == 4


def test_what_is_about_a_server_wants_one(tmp_path: Path) -> None:
    done = predict(tmp_path, "--timeout", "3")
    assert done.returncode == 2
    assert done.stderr.strip() == "error: --served-model, --timeout and --attempts want --server"
