"""A petrel process for the tests, and the modules that they register."""

import os
import pathlib
import signal
import subprocess
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATIENCE = 20  # seconds

#: Where the client `aerospike` keeps modules: it takes the path of its first instance for all others.
MODULES = tempfile.TemporaryDirectory(prefix="petrel-modules-")

LUA, WASM = "lua", "wasm"
RUNTIMES = (LUA, WASM)


def binary() -> pathlib.Path:
    """The binary under test: PETREL_BIN, or the release build."""
    target = os.environ.get("CARGO_TARGET_DIR", ROOT / "target")
    path = pathlib.Path(os.environ.get("PETREL_BIN", pathlib.Path(target) / "release/petrel"))
    if not path.is_file():
        raise FileNotFoundError(
            f"no {path}: run `cargo build --release -p petrel`, or set PETREL_BIN"
        )
    return path


def module(runtime: str, name: str) -> pathlib.Path:
    """The file of the module `name` for a runtime."""
    if runtime == WASM:
        guests = pathlib.Path(os.environ.get("PETREL_GUESTS", ROOT / "target/guests-out"))
        path = guests / f"{name}.wasm"
        if not path.is_file():
            raise FileNotFoundError(f"no {path}: run `cargo xtask guests`")
        return path
    for directory in (ROOT / "udfs/lua", ROOT / "tests/fixtures"):
        if (path := directory / f"{name}.lua").is_file():
            return path
    raise FileNotFoundError(f"no {name}.lua in udfs/lua or tests/fixtures")


class Host:
    """A running host; in memory unless told to be durable."""

    def __init__(self, durable: bool = False):
        self._dir = tempfile.TemporaryDirectory(prefix="petrel-tests-")
        self._durable = durable
        self._launch()

    def _launch(self) -> None:
        store = ["--data", f"{self._dir.name}/data"] if self._durable else ["--memory"]
        with open(f"{self._dir.name}/log", "ab") as log:
            self._process = subprocess.Popen(
                [binary(), "serve", "--listen", "127.0.0.1:0", *store],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.port = None
        listening = threading.Event()
        thread = threading.Thread(target=self._read, args=(listening,), daemon=True)
        thread.start()
        listening.wait(PATIENCE)
        if self.port is None:
            self.kill()
            raise RuntimeError(f"the host did not come up:\n{self.log()}")

    def _read(self, listening: threading.Event) -> None:
        for line in self._process.stdout:
            if line.startswith("listening on "):
                self.port = int(line.rsplit(":", 1)[1])
                listening.set()
        listening.set()

    def log(self) -> str:
        return pathlib.Path(self._dir.name, "log").read_text(errors="replace")

    def restart(self) -> None:
        """Stops the host as a service manager does, and starts it on the same directory."""
        self._process.send_signal(signal.SIGTERM)
        if code := self._process.wait(PATIENCE):
            raise RuntimeError(f"the host left with {code}:\n{self.log()}")
        self._process.stdout.close()
        self._launch()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()

    def close(self) -> None:
        self.kill()
        self._dir.cleanup()
