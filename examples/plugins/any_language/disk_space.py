#!/usr/bin/env python3
"""An Outpost plugin in Python, with its standard library only: how much disk space is left.

GET /api/v0/disk-space answers one entry for each configured path. When one of them has less left
than the configured share, the plugin says that it is degraded, and is fine again when there is more.
The agent starts this program; docs/attached_plugins.md describes what the two say to each other.
"""

import json
import os
import shutil
import socket
import socketserver
import sys
import threading
from http.server import BaseHTTPRequestHandler

SETTINGS = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "paths": {
            "type": "array",
            "items": {"type": "string"},
            "default": ["/"],
            "description": "Absolute paths, one on each file system to watch.",
        },
        "minFreePercent": {
            "type": "number",
            "minimum": 0,
            "maximum": 100,
            "default": 5,
            "description": "Share of free space below which the plugin is degraded, in percent.",
        },
        "everySeconds": {
            "type": "number",
            "minimum": 0.05,
            "default": 30,
            "description": "Time between two looks, in seconds.",
        },
    },
}


class Agent:
    """The conversation with the agent: JSON objects, one a line."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(path)
        self._lock = threading.Lock()

    def say(self, type, **members):
        line = json.dumps({"type": type, **members}) + "\n"
        with self._lock:
            self._socket.sendall(line.encode())

    def messages(self):
        """Every message, until the agent is gone."""
        for line in self._socket.makefile("r", encoding="utf-8"):
            yield json.loads(line)


class DiskSpace:
    """Looks at the paths and remembers what it saw."""

    def __init__(self, settings):
        self.paths = settings["paths"]
        self.min_free_percent = settings["minFreePercent"]
        self.every_seconds = settings["everySeconds"]
        self.looks = 0

    def look(self):
        self.looks += 1
        return [self._look_at(path) for path in self.paths]

    def _look_at(self, path):
        try:
            usage = shutil.disk_usage(path)
        except OSError as error:
            return {"path": path, "error": error.strerror}
        percent = round(100 * usage.free / usage.total, 2) if usage.total else 100.0
        return {"path": path, "free_bytes": usage.free, "total_bytes": usage.total, "free_percent": percent}

    def complaint(self, entries):
        """What is wrong, for people; None when nothing is."""
        for entry in entries:
            if "error" in entry:
                return f'{entry["path"]}: {entry["error"]}'
            if entry["free_percent"] < self.min_free_percent:
                return f'{entry["path"]} has {entry["free_percent"]} % left'
        return None

    def metrics(self):
        lines = [
            "# HELP free_bytes Bytes left on the file system of a path. A fall to 0 means that writes fail: make room.",
            "# TYPE free_bytes gauge",
        ]
        for entry in self.look():
            if "error" not in entry:
                path = entry["path"].replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
                lines.append(f'free_bytes{{path="{path}"}} {entry["free_bytes"]}')
        lines += [
            "# HELP looks_total Looks at all paths. It stands still when the plugin hangs.",
            "# TYPE looks_total counter",
            f"looks_total {self.looks}",
        ]
        return "\n".join(lines) + "\n"


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    space = None


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/metrics":
            return self._answer(200, "text/plain; version=0.0.4", self.server.space.metrics())
        self._answer(200, "application/json", json.dumps({"paths": self.server.space.look()}) + "\n")

    def _answer(self, status, content_type, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self):
        return "agent"  # A Unix socket has no address to log.

    def log_message(self, format, *args):
        pass  # The agent logs requests.


def watch(agent, space, stopped):
    """Says how the paths are, each time that changes."""
    said = None
    while not stopped.wait(space.every_seconds):
        complaint = space.complaint(space.look())
        if complaint == said:
            continue
        said = complaint
        if complaint is None:
            agent.say("health", status="ok")
            agent.say("log", level="info", message="enough space again")
        else:
            agent.say("health", status="degraded", reason=complaint)
            agent.say("log", level="warn", message="little space left", fields={"complaint": complaint})


def main():
    socket_path = os.environ.get("OUTPOST_PLUGIN_SOCKET")
    token = os.environ.get("OUTPOST_PLUGIN_TOKEN")
    if not socket_path or not token:
        print("This is the Outpost plugin \"disk-space\"; an agent starts it: see disk_space.jsonc.", file=sys.stderr)
        return 2
    agent = Agent(socket_path)
    agent.say(
        "hello", protocols=[1], token=token, id="disk-space", version="1.0.0", api=1,
        summary="Says how much disk space is left.", config=SETTINGS,
    )
    stopped = threading.Event()
    space = None
    for message in agent.messages():
        kind = message["type"]
        if kind == "configure":
            space = DiskSpace(message["config"])
            http = os.path.join(os.path.dirname(socket_path), "http.sock")
            server = Server(http, Handler)
            server.space = space
            threading.Thread(target=server.serve_forever, daemon=True).start()
            agent.say("manifest", http=http, routes=["GET /"], metrics={"path": "/metrics"})
        elif kind == "start":
            threading.Thread(target=watch, args=(agent, space, stopped), daemon=True).start()
            agent.say("ready")
        elif kind == "ping":
            agent.say("pong", id=message["id"])
        elif kind == "drain":
            stopped.set()
            agent.say("drained")
        elif kind == "refuse":
            print(f'The agent refuses this plugin: {message["reason"]}', file=sys.stderr)
            return 1
        elif kind == "stop":
            return 0
    return 1  # The agent is gone, and there is nobody left to work for.


if __name__ == "__main__":
    sys.exit(main())
