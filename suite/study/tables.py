"""Tables of a study's file, checked against what they may hold."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import ValidationError

from aebench.errors import UserError, unknown
from aebench.records.spec import Frozen

Table = TypeVar("Table", bound=Frozen)


def parse(kind: type[Table], table: Any, where: str) -> Table:
    """A table of a study file, checked.

    Raises:
        UserError: a key is unknown or missing, or a value isn't allowed.
    """
    if not isinstance(table, dict):
        raise UserError(f"{where}: {table!r} is not a table")
    for key in table:
        if key not in kind.model_fields:
            raise UserError(f"{where}: {unknown('key', key, kind.model_fields)}")
    try:
        return kind.model_validate(table)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise UserError(f"{where}: {key + ': ' if key else ''}{first['msg']}; got {first['input']!r}") from None


def parse_each(kind: type[Table], study: dict[str, Any], key: str, where: str) -> tuple[Table, ...]:
    """The tables `[[key]]` of a study file, checked; none if it has none.

    Raises:
        UserError: as `parse`, or the key holds something else.
    """
    tables = study.get(key, [])
    if not isinstance(tables, list):
        raise UserError(f"{where}: {key}: {tables!r} is not a list of tables; write [[{key}]]")
    return tuple(parse(kind, item, f"{where}: {key} {number}") for number, item in enumerate(tables, 1))
