"""What a warehouse holds, in one number a table, whatever the order of the rows and whenever it was built."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb

# By design nothing else in these schemas depends on when or how it was made.
_INCIDENTAL = re.compile(r"_dlt_.*|loaded_at|built_at")
_SCHEMAS = ("raw_data", "marts")


def checksums(warehouse: Path) -> dict[str, tuple[int, int]]:
    """Rows and an order-free checksum of every table of raw_data and marts, by the table's name.

    Args:
        warehouse: The DuckDB file; it is opened for reading.

    Returns:
        (rows, checksum) by `schema.table`, without dlt's own tables.
    """
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        tables: dict[str, list[str]] = {}
        for schema, table, column in connection.execute(
            "select schema_name, table_name, column_name from duckdb_columns() "
            "where database_name = current_database() order by all"
        ).fetchall():
            if schema in _SCHEMAS and not table.startswith("_dlt") and not _INCIDENTAL.fullmatch(column):
                tables.setdefault(f"{schema}.{table}", []).append(f'"{column}"')
        found = {}
        for table, columns in tables.items():
            row = f"hash(struct_pack({', '.join(f'{name} := {name}' for name in columns)}))"
            counted = connection.execute(f"select count(*), coalesce(sum({row}::hugeint), 0) from {table}").fetchone()
            assert counted is not None
            found[table] = (counted[0], counted[1])
        return found
