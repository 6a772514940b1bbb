"""The functions of the UDF guide, in Python; udfs/lua/my_module.lua and udfs/rust/my_module are their twins."""

import inspect

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.record_functions import (
    Error_Arguments,
    Error_Failed,
    FunctionInfo,
    Parameter,
)
from wit_world.imports import this_record as record

from values import read, write


def get(bin: str):
    """A bin of the record; None when there is no such bin."""
    return read(record.get(bin))


def put(bin: str, value) -> None:
    """Sets a bin of the record."""
    record.set(bin, write(value))


def transform_record(a, b) -> int:
    """Tags the record with `a` and `b`, counts the visit and returns how many there were."""
    visits = (get("visits") or 0) + 1
    put("tag1", a)
    put("tag2", b)
    put("visits", visits)
    if record.exists():
        record.update()
    return visits


def get_computed_value(factor: int) -> int:
    """The record's score, 0 if it has none, multiplied by `factor`."""
    return (get("score") or 0) * factor


def process_record() -> dict | None:
    """Marks the record as processed and returns its name, tier and visits; None when it is missing."""
    if not record.exists():
        return None
    put("processed", True)
    record.update()
    summary = {name: get(name) for name in ("name", "tier")}
    summary = {name: value for name, value in summary.items() if value is not None}
    return summary | {"visits": get("visits") or 0}


FUNCTIONS = [transform_record, get_computed_value, process_record]


def describe(function) -> FunctionInfo:
    def parameter(p: inspect.Parameter) -> Parameter:
        known = p.annotation is not inspect.Parameter.empty
        return Parameter(p.name, p.annotation.__name__ if known else "any")

    parameters = inspect.signature(function).parameters.values()
    return FunctionInfo(function.__name__, function.__doc__ or "", list(map(parameter, parameters)))


class RecordFunctions(exports.RecordFunctions):
    def describe(self) -> list[FunctionInfo]:
        return list(map(describe, FUNCTIONS))

    def call(self, function: int, arguments):
        try:
            return write(FUNCTIONS[function](*map(read, arguments)))
        except TypeError as error:
            raise Err(Error_Arguments(str(error)))
        except Err as error:  # what the host refused
            raise Err(Error_Failed(error.value))
        except Exception as error:
            raise Err(Error_Failed(f"{type(error).__name__}: {error}"))
