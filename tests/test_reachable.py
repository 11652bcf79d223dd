"""Whether a base can be had is known before its download: a hub, here on loopback, is asked."""

import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

ANSWERS = {"gone": (404, "RepoNotFound"), "gated": (403, "GatedRepo"), "there": (200, "")}
ASK = """
import sys
from twinlib.models import load
print(load.unreachable(sys.argv[1]))
"""


class _Hub(BaseHTTPRequestHandler):
    def do_HEAD(self):
        status, error = ANSWERS[self.path.split("/")[2]]
        headers = {"X-Repo-Commit": "1" * 40, "ETag": '"1"', "Content-Length": "1"}
        self.send_response(status)
        for name, value in {**headers, "X-Error-Code": error}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *arguments):
        pass


@contextmanager
def hub():
    """The address of a hub that knows the repositories of ANSWERS."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def unreachable(base, address, cache):
    environment = {**os.environ, "HF_ENDPOINT": address, "HF_HOME": str(cache)}
    environment.pop("HF_HUB_OFFLINE")
    command = [sys.executable, "-c", ASK, base]
    child = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return child.stdout.strip()


@pytest.mark.slow
def test_the_hub_says_what_can_not_be_had(tmp_path):
    with hub() as address:
        assert unreachable("me/there", address, tmp_path) == ""
        said = unreachable("me/gone", address, tmp_path)
        assert said.startswith("Hugging Face has no model 'me/gone'")
        assert unreachable("me/gated", address, tmp_path).startswith(
            "me/gated asks you to accept its licence first"
        )
    assert "me/there could not be downloaded" in unreachable("me/there", address, tmp_path)
