"""Python's own values from the flat ones of `petrel:udf/values`, and back."""

from typing import Any

from wit_world.imports.values import (
    Node,
    Node_Blob,
    Node_Boolean,
    Node_Float,
    Node_Integer,
    Node_List,
    Node_Map,
    Node_Nil,
    Node_String,
)


def read(value: list[Node]) -> Any:
    """None, bool, int, float, str, bytes, list or dict; GeoJSON and others stay nodes."""
    if len(value) == 1 and isinstance(value[0], (Node_Integer, Node_String)):
        return value[0].value
    return _read(iter(value))


def _read(nodes) -> Any:
    node = next(nodes)
    match node:
        case Node_Nil():
            return None
        case Node_List(count):
            return [_read(nodes) for _ in range(count)]
        case Node_Map(count):
            return {_key(_read(nodes)): _read(nodes) for _ in range(count)}
        case Node_Boolean() | Node_Integer() | Node_Float() | Node_String() | Node_Blob():
            return node.value
        case _:
            return node


def _key(value: Any) -> Any:
    return tuple(map(_key, value)) if isinstance(value, list) else value


def write(value: Any) -> list[Node]:
    """The flat form of what `read` returns."""
    nodes: list[Node] = []
    _write(value, nodes)
    return nodes


def _write(value: Any, nodes: list[Node]) -> None:
    match value:
        case None:
            nodes.append(Node_Nil())
        case bool():  # before int, which it is too
            nodes.append(Node_Boolean(value))
        case int():
            nodes.append(Node_Integer(value))
        case float():
            nodes.append(Node_Float(value))
        case str():
            nodes.append(Node_String(value))
        case bytes():
            nodes.append(Node_Blob(value))
        case list() | tuple():
            nodes.append(Node_List(len(value)))
            for item in value:
                _write(item, nodes)
        case dict():
            nodes.append(Node_Map(len(value)))
            for key, item in value.items():
                _write(key, nodes)
                _write(item, nodes)
        case _:
            nodes.append(value)
