"""The table of what a Lua function does: its rows, and one client that runs them.

The rows are in `tests/behaviour`, whose README tells what a row has. Against another server:

    behaviour.py HOST:PORT [FILE ...]            tells which rows end otherwise there
    behaviour.py HOST:PORT [FILE ...] --write    makes the rows expect what it does

With `--differing` that is about what rows with `differs` expect of petrel.
"""

import argparse
import base64
import json
import pathlib
import re
import sys
import tempfile
import time
import tomllib

import aerospike
from aerospike import exception

from petrel_host import MODULES

ROWS = pathlib.Path(__file__).resolve().parents[1] / "behaviour"
KEY = ("test", "rows", "key")
#: What a row expects, in the order in which it is written.
OUTCOME = ("result", "error", "after", "generation", "ttl")
SOURCES = ("lua", "module")
GIVEN = ("name", "lua", "module", "args", "before", "before-policy", "policy", "differs")

#: A file's place in a message; the incumbent puts the folder before it.
PLACE = re.compile(r"(?:[^\s\"'\[]*/)?(\w+)\.lua(\"\])?:(\d+)")
#: The server's address, which the client adds to some messages.
ADDRESS = re.compile(r"( from [\d.]+:\d+$|^[\d.]+:\d+ )")
#: The folders that the incumbent looked for a required module in.
FOLDERS = re.compile(r"(\n\tno (field|file) .*)+")
#: What a row tells when the server did not survive it.
GONE = "the server is gone"


def value_of(text):
    """The value that a row's text stands for: a Python literal, with a few names more."""
    names = {"geo": aerospike.GeoJSON, "inf": float("inf"), "nan": float("nan")}
    return eval(text, {"__builtins__": {"range": range, "list": list}}, names)


def text_of(value):
    """The text of a value; maps in the order of their keys' texts."""
    if isinstance(value, aerospike.GeoJSON):
        return f"geo({value.dumps()!r})"
    if isinstance(value, dict):
        items = sorted((text_of(k), text_of(v)) for k, v in value.items())
        return "{" + ", ".join(f"{k}: {v}" for k, v in items) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(text_of, value)) + "]"
    if isinstance(value, bytearray):
        value = bytes(value)
    if isinstance(value, (str, bytes)) and len(value) > 200 and len(set(value)) == 1:
        return f"{value[:1]!r} * {len(value)}"
    return repr(value)


class File:
    """A file of rows: one module that has a function for each, and the modules it requires."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        data = tomllib.loads(self.path.read_text())
        self.modules = data.get("modules", {})
        self.rows = data["row"]
        self.package = f"rows_{self.path.stem}"
        self.starts, lines = [], []
        for i, row in enumerate(self.rows):
            self.starts.append(len(lines) + 1)
            if body := row.get("lua"):
                text = f"function f{i}(rec, a, b, c, ...)\n{body.rstrip()}\nend"
                lines.extend(text.split("\n"))
        self.text = "\n".join(lines) + "\n"

    def write(self):
        parts = []
        if self.modules:
            parts.append("[modules]\n" + "".join(f"{k} = {toml(v, True)}\n" for k, v in self.modules.items()))
        for row in self.rows:
            part = "[[row]]\n" + fields(row, GIVEN + OUTCOME)
            if "petrel" in row:
                part += "[row.petrel]\n" + fields(row["petrel"], OUTCOME)
            parts.append(part)
        head = [l for l in self.path.read_text().split("\n\n[")[0].split("\n") if l.startswith("#")]
        self.path.write_text("\n".join(["\n".join(head) + "\n"] * bool(head) + parts))


def fields(row, names):
    return "".join(f"{k} = {toml(row[k], k in SOURCES)}\n" for k in names if k in row)


def toml(value, is_source):
    if not isinstance(value, str):
        return str(value)
    if is_source:
        value = value.rstrip()
        if "\n" in value and "'''" not in value:
            return f"'''\n{value}\n'''"
    if "'" not in value and value.isprintable():
        return f"'{value}'"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


class Runner:
    """A client whose calls are the rows'."""

    def __init__(self, host, port, directory):
        self.directory = pathlib.Path(directory)
        self.config = {
            "hosts": [(host, port)],
            "lua": {"user_path": MODULES.name},
            "policies": {"total_timeout": 10_000},
        }
        self.client = aerospike.client(self.config).connect()

    def register(self, package, text):
        """Registers a module. The client's own call would wait two seconds after each."""
        content = base64.b64encode(text.encode()).decode()
        self.info(
            f"udf-put:filename={package}.lua;content={content};content-len={len(content)};udf-type=LUA;"
        )
        # The incumbent spreads it in the background.
        while content not in self.info(f"udf-get:filename={package}.lua"):
            time.sleep(0.005)

    def info(self, command):
        return self.client.info_random_node(command).split("\t", 1)[-1]

    def prepare(self, file):
        for package, text in file.modules.items():
            self.register(package, text)
        self.register(file.package, file.text)

    def is_gone(self, error):
        """Whether that was the end of the server; waits for another in its place."""
        if error.args[0] not in (-10, -8, -9, -16, 9):
            return False
        for _ in range(120):
            time.sleep(0.5)
            try:
                self.client.close()
                self.client = aerospike.client(self.config).connect()
                self.client.info_all("status")
                return True
            except exception.AerospikeError:
                pass
        raise error

    def run(self, file, i):
        """What row `i` does: the fields of an outcome."""
        row = file.rows[i]
        try:
            self.client.remove(KEY)
        except exception.RecordNotFound:
            pass
        if "before" in row:
            meta = value_of(row.get("before-policy", "{}"))
            self.client.put(KEY, value_of(row["before"]), *meta.pop("meta", []), policy=meta)
        package, function, start = file.package, f"f{i}", file.starts[i]
        outcome = {}
        try:
            if "module" in row:
                package, function, start = "rows_own", "f", 0
                self.register(package, row["module"])
            args = value_of(row.get("args", "[]"))
            policy = value_of(row.get("policy", "{}"))
            result = self.client.apply(KEY, package, function, args, policy)
            outcome["result"] = text_of(result)
        except exception.AerospikeError as e:
            code, message = e.args[:2]
            if self.is_gone(e):
                return {"error": GONE}
            outcome["error"] = f"{code}: " + place(ADDRESS.sub("", message), package, start)
        try:
            _, meta, bins = self.client.get(KEY)
            outcome["after"] = text_of(bins)
            outcome["generation"] = meta["gen"]
            if meta["ttl"] != aerospike.TTL_NEVER_EXPIRE and meta["ttl"] != 0xFFFFFFFF:
                outcome["ttl"] = meta["ttl"]
        except exception.RecordNotFound:
            pass
        except exception.AerospikeError as e:
            outcome["after"] = f"{e.code}: {e.msg}"
        return outcome


def place(message, package, start):
    """A message whose places are lines of the row, without folders."""

    def line(found):
        own = int(found[3]) - (start if found[1] == package else 0)
        return f"{found[1]}.lua{found[2] or ''}:{own}"

    return PLACE.sub(line, FOLDERS.sub("", message))


def expected(row, petrel=True):
    """What a row expects: of petrel where it means to differ, or of the incumbent."""
    of = row["petrel"] if petrel and "petrel" in row else row
    return {k: of[k] for k in OUTCOME if k in of}


def same(found, wanted):
    """Whether two outcomes are the same; a second may pass between a write and its check."""
    found, wanted = dict(found), dict(wanted)
    if abs(found.pop("ttl", -9) - wanted.pop("ttl", -9)) > 5:
        return False
    return found == wanted


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("server")
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--differing", action="store_true")
    options = parser.parse_intermixed_args()
    host, port = options.server.rsplit(":", 1)
    differ = total = 0
    with tempfile.TemporaryDirectory() as directory:
        runner = Runner(host, int(port), directory)
        for path in options.files or sorted(ROWS.glob("*.toml")):
            file = File(path)
            runner.prepare(file)
            for i, row in enumerate(file.rows):
                total += 1
                found = runner.run(file, i)
                wanted = expected(row, petrel=options.differing)
                if options.differing:
                    if "differs" in row and options.write:
                        row["petrel"] = found
                elif options.write:
                    for k in OUTCOME:
                        row.pop(k, None)
                    row.update(found)
                if not same(found, wanted):
                    differ += 1
                    print(f"{path.stem}: {row['name']}\n  wanted {wanted}\n  found  {found}")
            if options.write:
                file.write()
    print(f"{total} rows, {differ} differ")
    sys.exit(differ > 0)


if __name__ == "__main__":
    main()
