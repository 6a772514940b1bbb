"""What the tests of every client share: the users, and the one table of UDF cases."""

import dataclasses
import pathlib
import shutil
from typing import Any

from petrel_host import RUNTIMES, module

COUNT = 60


def user(id: int) -> dict[str, Any]:
    """The bins of one user."""
    return {
        "id": id,
        "status": "inactive" if id % 2 == 0 else "active",
        "tier": "free" if id % 3 == 0 else "paid",
        "active": id % 2 != 0,
        "expired": id % 4 == 0,
        "name": f"user {id}",
        "score": id * 100,
        "v": id * 10,
        "s": "sixteen letters!",
        "l": [(id * 31 + j) % 97 for j in range(16)],
    }


USERS = {id: user(id) for id in range(1, COUNT + 1)}

#: Values of every type that Python's clients write, which must come back as they are.
VALUES = [
    0,
    -(2**63),
    2**63 - 1,
    0.0,
    -2.5e300,
    True,
    False,
    "",
    "größer, 大きい",
    "x" * 200_000,
    b"\x00\x01\xfe\xff",
    [],
    [1, "two", 3.5, True, [4, {"five": 5}], b"\x06", None],
    {},
    {"a": 1, "b": [1, 2], "c": {"d": "e"}},
    {1: "one", 2: "two"},
]


@dataclasses.dataclass
class Case:
    """A function called on user 7."""

    module: str
    function: str
    arguments: list
    result: Any
    #: The bins that the function leaves changed.
    changes: dict[str, Any]


def _fnv() -> int:
    h = 0x7BF29CE484222325
    for i in range(1000):
        h = ((h ^ (i & 0xFF)) * 0x100000001B3) % 2**64
    return h - 2**64 if h >= 2**63 else h


def _score(id: int) -> dict[str, Any]:
    values = USERS[id]["l"]
    acc = 0
    for x in values:
        acc = acc * 31 + x
    acc = (acc + 2**63) % 2**64 - 2**63
    return {"best": max(values), "acc": acc % 1000003, "tag": f"t{max(values) % 7}"}


CASES = [
    Case(
        "my_module",
        "transform_record",
        ["arg1", "arg2"],
        1,
        {"tag1": "arg1", "tag2": "arg2", "visits": 1},
    ),
    Case("my_module", "get_computed_value", [42], 700 * 42, {}),
    Case(
        "my_module",
        "process_record",
        [],
        {"name": "user 7", "tier": "paid", "visits": 0},
        {"processed": True},
    ),
    Case("bench", "noop", [], 1, {}),
    Case("bench", "bump", [5], 75, {"v": 75}),
    Case("bench", "listsum", [], sum(USERS[7]["l"]), {}),
    Case("bench", "fnv", [], _fnv(), {}),
    Case("bench", "score", [1], _score(7), {"score": _score(7)}),
]


def upload(runtime: str, name: str, directory: str) -> tuple[pathlib.Path, str, str]:
    """A copy of a module to register, its name on the server, and its package name. The
    two runtimes' modules have names of their own, so that both can be there at once."""
    source = module(runtime, name)
    package = f"{name}_{runtime}"
    path = pathlib.Path(directory, package + source.suffix)
    shutil.copyfile(source, path)
    return path, path.name, package


__all__ = ["CASES", "COUNT", "Case", "RUNTIMES", "USERS", "VALUES", "upload", "user"]
