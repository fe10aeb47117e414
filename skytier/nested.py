"""Arrays, maps and structs of a query as JSON.

The SQL endpoint writes such values as text of its own, which leaves the quotes inside of texts as they are. Spark's
``to_json`` does not, so the query is put into one that applies it.
"""

from __future__ import annotations

from dataclasses import replace

from skytier.sql import Connection, Result, SqlError

NESTED = ("array", "map", "struct")


def query(connection: Connection, statement: str) -> Result:
    """Run a statement; values of arrays, maps and structs are JSON text if it is a query.

    Raises as ``Connection.query`` does.
    """
    columns = _columns(connection, statement)
    if not any(kind in NESTED for _, kind in columns):
        return connection.query(statement)
    result = connection.query(_with_json(statement, [kind for _, kind in columns]))
    types = [kind if kind in NESTED else known for known, (_, kind) in zip(result.types, columns, strict=True)]
    return replace(result, columns=[name for name, _ in columns], types=types)


def _columns(connection: Connection, statement: str) -> list[tuple[str, str]]:
    """Names of a query's columns, and what each type begins with; none of what is no query, or a wrong one."""
    try:
        rows = connection.query(f"DESCRIBE QUERY {statement}").rows
    except SqlError:  # a statement that is wrong is told so by running it
        return []
    return [(name, kind.partition("<")[0]) for name, kind, *_ in rows]


def _with_json(statement: str, kinds: list[str]) -> str:
    names = [f"_{index}" for index in range(len(kinds))]
    chosen = [
        f"to_json({name}, map('ignoreNullFields', 'false')) AS {name}" if kind in NESTED else name
        for name, kind in zip(names, kinds, strict=True)
    ]
    # A comment may end the statement.
    return f"SELECT {', '.join(chosen)} FROM (\n{statement}\n) AS asked({', '.join(names)})"
