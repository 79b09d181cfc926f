"""Doubles that know only what the real library documents: any other name or argument is an ``Undocumented`` error."""

from __future__ import annotations

import enum
import inspect
import types
from collections.abc import Callable
from typing import Any


class Undocumented(AssertionError):
    """Something was used that the library's own documentation does not have."""


def checked(name: str, overloads: list[list[str]], function: Callable[..., Any]) -> Callable[..., Any]:
    """``function``, to be called only as one of ``overloads`` (parameters by name, ``=``: may be left out) allows."""
    allowed = [
        inspect.Signature(
            [
                inspect.Parameter(
                    p.rstrip("="),
                    inspect.Parameter.POSITIONAL_OR_KEYWORD,
                    default=None if p.endswith("=") else inspect.Parameter.empty,
                )
                for p in parameters
            ]
        )
        for parameters in overloads
    ]

    def call(*args: Any, **kwargs: Any) -> Any:
        for signature in allowed:
            try:
                bound = signature.bind(*args, **kwargs)
            except TypeError:
                continue
            return function(*bound.args, **bound.kwargs)
        raise Undocumented(f"{name} is called with {args} {kwargs}; documented: {overloads}")

    call.__name__ = name
    return call


def documented_enum(name: str, table: dict[str, Any]) -> type[enum.IntEnum]:
    return enum.IntEnum(name, {member: value for value, member in enumerate(table["members"])})


def documented_class(implementation: type, name: str, table: dict[str, Any]) -> type:
    """``implementation`` with just the documented members; what it does not do, though documented, is an error too."""

    def get(self: Any, attribute: str) -> Any:
        if attribute.startswith("_"):
            return object.__getattribute__(self, attribute)
        if attribute not in table and type(self) is documented:
            raise Undocumented(f"{name}.{attribute}")
        value = object.__getattribute__(self, attribute)
        known = table.get(attribute)
        return checked(f"{name}.{attribute}", known, value) if isinstance(known, list) else value

    def put(self: Any, attribute: str, value: Any) -> None:
        if not attribute.startswith("_") and type(self) is documented and table.get(attribute, []) is not None:
            raise Undocumented(f"{name}.{attribute} is set")
        object.__setattr__(self, attribute, value)

    def make(self: Any, *args: Any, **kwargs: Any) -> None:
        checked(name, table.get("__init__") or [], super(documented, self).__init__)(*args, **kwargs)

    documented = types.new_class(name, (implementation,))
    documented.__init__ = make
    documented.__getattribute__ = get
    documented.__setattr__ = put
    return documented


def made(kind: type, *args: Any) -> Any:
    """An object of a documented class that only the library itself makes."""
    value = kind.__new__(kind)
    kind.__mro__[1].__init__(value, *args)
    return value


class DocumentedModule(types.ModuleType):
    """A module with the names of a table and no others."""

    def __init__(self, name: str, table: dict[str, Any], members: dict[str, Any]) -> None:
        super().__init__(name)
        for key, known in table.items():
            value = members.get(key)
            if isinstance(known, dict) and "members" in known:
                value = value or documented_enum(key, known)
            elif isinstance(known, dict) and value is not None:
                value = documented_class(value, key, known)
            elif isinstance(known, list) and value is not None:
                value = checked(key, known, value)
            if value is not None:
                setattr(self, key, value)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise Undocumented(f"{self.__name__}.{name}")
