"""A small Hugging Face Hub on loopback: the calls with which huggingface_hub publishes a folder.

    with hub_standin.serve(folder, token) as hub:  # set HF_ENDPOINT=hub.url, HF_HUB_DISABLE_XET=1
        hub.repositories["me/demo-GGUF"]["private"]  # what arrived: see `Hub`

It answers whoami, repository creation and settings, card validation, pre-upload, the LFS batch (one
part or several), LFS upload and verification, commits, repository information and trees. Files end
up under folder/USER/NAME; a large file is refused unless its sha256 and size are as announced.
Every call needs the token, except the presigned upload addresses, which must not get it.
`hub.faults` makes chosen calls fail: {part of the path: how often}. `hub.damage` names a file
stored wrongly.
"""

import base64
import hashlib
import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

LARGE = (".gguf", ".safetensors", ".bin")
LICENCES = (
    "apache-2.0",
    "mit",
    "gemma",
    "llama3.1",
    "llama3.2",
    "llama3.3",
    "other",
    "unknown",
    "cc-by-4.0",
)
RELATIONS = ("finetune", "adapter", "quantized", "merge")


class Hub:
    """What arrived, and the calls made.

    `repositories` is {id: {private, kind, files: {path: {size, sha256, large}}}}.
    """

    def __init__(self, folder, token, user):
        self.folder, self.token, self.user = Path(folder), token, user
        self.repositories, self.objects, self.parts = {}, {}, {}
        self.calls, self.faults, self.url = [], {}, ""
        self.part_size, self.role, self.damage = 1 << 30, "write", ""
        self.lock = threading.Lock()

    def file(self, repository, path):
        """The bytes of a file that arrived."""
        return (self.folder / repository / path).read_bytes()

    def put(self, repository, path, data):
        """Put a file into a repository as its owner would in the browser."""
        _keep(self, repository, path, data, large=path.endswith(LARGE))

    def create(self, repository, private=False, kind="model"):
        """Make a repository as if it had been there before."""
        self.repositories[repository] = {
            "private": private,
            "kind": kind,
            "files": {},
            "commits": 0,
            "titles": [],
        }


@contextmanager
def serve(folder, token, user="me"):
    """Run the stand-in on a free port of 127.0.0.1; yields the Hub."""
    hub = Hub(folder, token, user)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
    )
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Refused(Exception):
    """An answer that is not 200: status, the hub's error code and its message."""

    def __init__(self, status, code="", message=""):
        self.status, self.code, self.message = status, code, message


# What each address does: (hub, match, query, body) -> what is answered as JSON


def _whoami(hub, match, query, body):
    return {
        "type": "user",
        "name": hub.user,
        "orgs": [],
        "auth": {"accessToken": {"role": hub.role}},
    }


def _create(hub, match, query, body):
    asked = json.loads(body)
    owner = asked.get("organization") or hub.user
    if owner != hub.user:
        raise Refused(
            403, message=f"You don't have the rights to create a repo under the namespace {owner}"
        )
    name = f"{owner}/{asked['name']}"
    if name in hub.repositories:
        raise Refused(
            409,
            message=json.dumps(
                {"error": "You already created this repo", "url": f"{hub.url}/{name}"}
            ),
        )
    hub.create(
        name,
        asked.get("visibility") == "private" or asked.get("private") is True,
        asked.get("type", "model"),
    )
    return {"url": f"{hub.url}/{name}", "name": name, "id": name}


def _card(hub, match, query, body):
    errors = _wrong(json.loads(body)["content"], json.loads(body)["repoType"])
    if errors:
        raise Refused(400, message=json.dumps({"errors": [{"message": error} for error in errors]}))
    return {"errors": [], "warnings": []}


def _wrong(card, kind):
    """What the hub's own check of a card's head would refuse."""
    found = re.match(r"---\n(.*?)\n---\n", card, re.S)
    head = yaml.safe_load(found[1]) if found else None
    if not isinstance(head, dict):
        return ["empty or missing yaml metadata"]
    wrong = [code for code in head.get("language", []) if not re.fullmatch("[a-z]{2,3}", code)]
    errors = [f"{code} is no language code" for code in wrong]
    if kind == "model" and head.get("license") not in LICENCES:
        errors.append(f"license must be one of {LICENCES}")
    if head.get("license") == "other" and not (
        head.get("license_name") and head.get("license_link")
    ):
        errors.append("license other needs license_name and license_link")
    if head.get("base_model_relation", "finetune") not in RELATIONS:
        errors.append(f"base_model_relation must be one of {RELATIONS}")
    return errors


def _info(hub, match, query, body):
    held = hub.repositories[match["id"]]
    return {
        "id": match["id"],
        "_id": "0",
        "sha": _sha(held),
        "private": held["private"],
        "tags": [],
        "downloads": 0,
        "likes": 0,
        "siblings": [{"rfilename": path} for path in held["files"]],
    }


def _settings(hub, match, query, body):
    hub.repositories[match["id"]]["private"] = json.loads(body).get("visibility") == "private"
    return {"private": hub.repositories[match["id"]]["private"]}


def _commits(hub, match, query, body):
    titles = hub.repositories[match["id"]]["titles"]
    about = {"id": "0", "authors": [{"user": hub.user}], "date": "2026-01-01T00:00:00.000Z"}
    return [{**about, "title": title, "message": ""} for title in reversed(titles)]


def _tree(hub, match, query, body):
    rows = []
    for path, file in hub.repositories[match["id"]]["files"].items():
        large = (
            {"lfs": {"oid": file["oid"], "size": file["size"], "pointerSize": 130}}
            if file["large"]
            else {}
        )
        rows.append(
            {"type": "file", "path": path, "size": file["size"], "oid": file["oid"], **large}
        )
    return rows


def _preupload(hub, match, query, body):
    there = hub.repositories[match["id"]]["files"]
    return {
        "files": [
            {
                "path": file["path"],
                "shouldIgnore": False,
                "oid": there.get(file["path"], {}).get("oid"),
                "uploadMode": "lfs"
                if file["path"].endswith(LARGE) or file["size"] > 10_000_000
                else "regular",
            }
            for file in json.loads(body)["files"]
        ]
    }


def _batch(hub, match, query, body):
    return {
        "transfer": "basic",
        "objects": [
            _instructions(hub, match["id"], wanted["oid"], wanted["size"])
            for wanted in json.loads(body)["objects"]
        ],
    }


def _instructions(hub, name, oid, size):
    """How to send one object: not at all when it is here, in one part, or in several."""
    if oid in hub.objects:
        return {"oid": oid, "size": size}
    address = f"{hub.url}/objects/{oid}"
    upload = {"href": f"{address}?size={size}"}
    if size > hub.part_size:
        count = -(-size // hub.part_size)
        upload = {
            "href": f"{address}/complete?size={size}",
            "header": {"chunk_size": str(hub.part_size)}
            | {str(part): f"{address}/part/{part}" for part in range(1, count + 1)},
        }
    return {
        "oid": oid,
        "size": size,
        "actions": {"upload": upload, "verify": {"href": f"{hub.url}/{name}/verify"}},
    }


def _put(hub, match, query, body):
    return _store(hub, match["oid"], int(query["size"][0]), body)


def _part(hub, match, query, body):
    hub.parts.setdefault(match["oid"], {})[int(match["part"])] = body
    return {"etag": hashlib.md5(body).hexdigest()}


def _complete(hub, match, query, body):
    parts = hub.parts.pop(match["oid"])
    announced = [part["etag"] for part in json.loads(body)["parts"]]
    if announced != [hashlib.md5(parts[number]).hexdigest() for number in sorted(parts)]:
        raise Refused(400, message="the parts are not those that were uploaded")
    return _store(
        hub,
        match["oid"],
        int(query["size"][0]),
        b"".join(parts[number] for number in sorted(parts)),
    )


def _store(hub, oid, size, data):
    if hashlib.sha256(data).hexdigest() != oid or len(data) != size:
        raise Refused(400, message="sha256 or size differs from what was announced")
    hub.objects[oid] = data
    return {}


def _verify(hub, match, query, body):
    wanted = json.loads(body)
    if len(hub.objects.get(wanted["oid"], b"")) != wanted["size"]:
        raise Refused(404, "EntryNotFound", "no such object")
    return {}


def _commit(hub, match, query, body):
    held = hub.repositories[match["id"]]
    for line in body.splitlines():
        operation = json.loads(line)
        key, value = operation["key"], operation["value"]
        if key == "header":
            held["titles"].append(value["summary"])
        elif key == "file":
            _keep(hub, match["id"], value["path"], base64.b64decode(value["content"]), large=False)
        elif key == "lfsFile":
            if value["oid"] not in hub.objects:
                raise Refused(400, message="this object was never uploaded")
            _keep(hub, match["id"], value["path"], hub.objects[value["oid"]], large=True)
        elif key == "deletedFile":
            held["files"].pop(value["path"])
            (hub.folder / match["id"] / value["path"]).unlink()
    held["commits"] += 1
    return {
        "commitUrl": f"{hub.url}/{match['id']}/commit/{_sha(held)}",
        "commitOid": _sha(held),
        "success": True,
    }


def _keep(hub, name, path, data, large):
    target = hub.folder / name / path
    target.parent.mkdir(parents=True, exist_ok=True)
    data = data[:-1] + bytes([data[-1] ^ 1]) if path == hub.damage else data
    target.write_bytes(data)
    sha256 = hashlib.sha256(data).hexdigest()
    oid = sha256 if large else hashlib.sha1(f"blob {len(data)}\0".encode() + data).hexdigest()
    hub.repositories[name]["files"][path] = {
        "size": len(data),
        "sha256": sha256,
        "oid": oid,
        "large": large,
    }


def _sha(held):
    return hashlib.sha1(str(held["commits"]).encode()).hexdigest()


ID = r"(?P<id>[\w.-]+/[\w.-]+)"
API = rf"/api/(?P<kind>model|dataset)s/{ID}"
ROUTES = [
    (method, re.compile(address), action)
    for method, address, action in (
        ("GET", "/api/whoami-v2", _whoami),
        ("POST", "/api/repos/create", _create),
        ("POST", "/api/validate-yaml", _card),
        ("GET", rf"{API}(/revision/[^/]+)?", _info),
        ("PUT", rf"{API}/settings", _settings),
        ("GET", rf"{API}/tree/[^/]+", _tree),
        ("GET", rf"{API}/commits/[^/]+", _commits),
        ("POST", rf"{API}/preupload/[^/]+", _preupload),
        ("POST", rf"{API}/commit/[^/]+", _commit),
        ("POST", rf"/(datasets/)?{ID}\.git/info/lfs/objects/batch", _batch),
        ("POST", rf"/{ID}/verify", _verify),
        ("PUT", "/objects/(?P<oid>[0-9a-f]{64})", _put),
        ("PUT", r"/objects/(?P<oid>[0-9a-f]{64})/part/(?P<part>\d+)", _part),
        ("POST", "/objects/(?P<oid>[0-9a-f]{64})/complete", _complete),
    )
]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub = None

    def do_GET(self):
        self._serve("GET")

    def do_POST(self):
        self._serve("POST")

    def do_PUT(self):
        self._serve("PUT")

    def log_message(self, *arguments):
        pass

    def _serve(self, method):
        body = self._body()
        address = urlsplit(self.path)
        path = unquote(address.path)
        with self.hub.lock:
            self.hub.calls.append((method, path))
            try:
                self._break(path)
                self._admit(path)
                answer = self._answer(method, path, parse_qs(address.query), body)
                self._send(200, answer, {"ETag": answer["etag"]} if "etag" in answer else {})
            except Refused as refused:
                told = (
                    json.loads(refused.message)
                    if refused.message.startswith("{")
                    else {"error": refused.message}
                )
                self._send(
                    refused.status,
                    told,
                    {"X-Error-Code": refused.code, "X-Error-Message": refused.message},
                )

    def _break(self, path):
        for part, left in self.hub.faults.items():
            if part in path and left > 0:
                self.hub.faults[part] -= 1
                raise Refused(500, message="Internal Error")

    def _admit(self, path):
        given = self.headers.get("Authorization")
        if path.startswith("/objects/") and not path.endswith("/complete"):
            if given:
                raise Refused(400, message="a presigned address must not get the token")
        elif not path.endswith("/complete") and given != f"Bearer {self.hub.token}":
            raise Refused(401, message="Invalid credentials in Authorization header")

    def _answer(self, method, path, query, body):
        for known, address, action in ROUTES:
            match = address.fullmatch(path)
            if known == method and match:
                groups = match.groupdict()
                held = self.hub.repositories.get(groups.get("id"))
                if "id" in groups and (
                    held is None or groups.get("kind", held["kind"]) != held["kind"]
                ):
                    raise Refused(404, "RepoNotFound", "Repository not found")
                return action(self.hub, groups, query, body)
        raise Refused(404, message=f"{method} {path} is not known here")

    def _body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        data = b""
        while size := int(self.rfile.readline(), 16):
            data += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return data

    def _send(self, status, answer, headers):
        data = json.dumps(answer).encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(data)),
            **headers,
        }.items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)
