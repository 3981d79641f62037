"""A client of hearsay in one file, for Python 3.8 and newer. Copy it, and change it as you like.

    hearsay = Hearsay()                                   # HEARSAY_API, else the socket of the data directory
    hearsay.put("greeting", "hello")
    value, context, siblings = hearsay.get("greeting")    # siblings > 1: a conflict; see versions()
    hearsay.put("greeting", "good day", context=context)  # replaces what was read, and nothing else
"""
import http.client, json, os, socket, urllib.parse


class HearsayError(Exception):
    """A refusal; `code` is stable (NOT_FOUND, CONFLICT, EXISTS, ...), `details` is what the daemon adds to it."""

    def __init__(self, status, problem):
        super().__init__("%s: %s" % (problem.get("code", status), problem.get("detail", "")))
        self.status, self.code, self.details = status, problem.get("code", "HTTP_%d" % status), problem


class Hearsay:
    def __init__(self, api=None, token=None, timeout=30):
        base = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
        data = os.environ.get("HEARSAY_DATA") or os.path.join(base, "hearsay")
        self.api = api or os.environ.get("HEARSAY_API") or "unix:" + os.path.join(data, "api.sock")
        self.token, self.timeout = token or os.environ.get("HEARSAY_TOKEN"), timeout

    def _open(self, method, parts, query=None, headers=None, body=None):
        is_unix = self.api.startswith("unix:")
        host = "localhost" if is_unix else self.api.split("://")[-1].rstrip("/")
        connection = http.client.HTTPConnection(host, timeout=self.timeout)
        if is_unix:
            connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.sock.settimeout(self.timeout)
            connection.sock.connect(self.api[len("unix:"):])
        # A part is one segment: neither slashes nor dots in it mean anything.
        path = "/v1/" + "/".join(urllib.parse.quote(part, safe="").replace(".", "%2E") for part in parts)
        asked = {name: value for name, value in (query or {}).items() if value is not None}
        sent = {name: value for name, value in (headers or {}).items() if value is not None}
        if self.token and not is_unix:
            sent["Authorization"] = "Bearer " + self.token
        connection.request(method, path + ("?" + urllib.parse.urlencode(asked) if asked else ""), body, sent)
        answer = connection.getresponse()
        if answer.status < 400:
            return connection, answer
        text = answer.read()
        connection.close()
        is_problem = "json" in answer.getheader("Content-Type", "")
        raise HearsayError(answer.status, json.loads(text) if is_problem else {"detail": text.decode("utf-8", "replace")})

    def _call(self, method, parts, **more):
        connection, answer = self._open(method, parts, **more)
        try:
            return answer, answer.read()
        finally:
            connection.close()

    def _write(self, method, parts, query=None, body=None, id=None, context=None, **headers):
        # Repeated with the same `id` after a lost connection, a write is done once; without one it may be done twice.
        names = {"Idempotency-Key": id, "Hearsay-Context": context, **headers}
        text = self._call(method, parts, query=query, headers=names, body=body)[1]
        return json.loads(text) if text else None

    def get(self, key):
        """The shown value as bytes, the context of it, and how many siblings there are (1: no conflict)."""
        answer, body = self._call("GET", ["kv", key], headers={"Accept": "application/octet-stream"})
        return body, answer.getheader("Hearsay-Context"), int(answer.getheader("Hearsay-Siblings") or 1)

    def versions(self, key):
        """Every sibling, and the context of all of them: put with that context to settle a conflict."""
        return json.loads(self._call("GET", ["kv", key], headers={"Accept": "application/json"})[1])

    def put(self, key, value, context=None, ttl=None, acks=None, if_absent=False, id=None):
        """Stores text or bytes, durably; `ttl` is "30s", `acks` a number, "majority" or "all"."""
        body = value.encode() if isinstance(value, str) else value
        query = {"ttl": ttl, "acks": acks, "ifAbsent": "true" if if_absent else None}
        return self._write("PUT", ["kv", key], query, body, id, context, **{"Content-Type": "application/octet-stream"})

    def delete(self, key, context=None, all=False, id=None):
        self._write("DELETE", ["kv", key], {"all": "true" if all else None}, id=id, context=context)

    def list(self, prefix="", values=False):
        """Each key in order, as a dict with `key`, `types` and `siblings`, and with `value` and `encoding` when asked."""
        after = None
        while True:
            query = {"prefix": prefix, "after": after, "values": "true" if values else None}
            page = json.loads(self._call("GET", ["kv"], query=query)[1])
            yield from page["items"]
            after = page["next"]
            if after is None:
                return

    def conflicts(self, prefix=""):
        return json.loads(self._call("GET", ["conflicts"], query={"prefix": prefix})[1])["items"]

    def increment(self, key, by=1, id=None):
        body = json.dumps({"by": by})
        return self._write("POST", ["counters", key], None, body, id, **{"Content-Type": "application/json"})["value"]

    def counter(self, key):
        return json.loads(self._call("GET", ["counters", key])[1])["value"]

    def add(self, key, member, id=None):
        self._write("PUT", ["sets", key, member], id=id)

    def remove(self, key, member, id=None):
        self._write("DELETE", ["sets", key, member], id=id)

    def members(self, key):
        return json.loads(self._call("GET", ["sets", key])[1])["members"]

    def watch(self, prefix="", since=None):
        """Each change as a dict, with the `cursor` to go on behind it. Ends with the connection: call it again with the cursor."""
        connection, answer = self._open("GET", ["watch"], query={"prefix": prefix, "since": since})
        try:
            cursor = since
            for line in answer:  # `timeout` must be over 15 s, the interval of the comment lines
                name, _, text = line.decode().rstrip("\n").partition(": ")
                cursor = text if name == "id" else cursor
                if name == "data":
                    yield {**json.loads(text), "cursor": cursor}
        finally:
            connection.close()
