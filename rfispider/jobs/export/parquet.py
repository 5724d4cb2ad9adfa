"""Parquet: a typed column a field, null for what is not known, times in UTC to the millisecond."""

from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

ROWS: Final = 10_000
"""Rows of a row group, which is what a writer holds in memory."""
BYTES: Final = 32 * 1024 * 1024
"""A row group ends at this size as well."""

_SCALARS: Final[Mapping[str, pa.DataType]] = {
    "string": pa.string(),
    "date": pa.timestamp("ms", tz="UTC"),
    "int": pa.int64(),
    "long": pa.int64(),
    "double": pa.float64(),
    "number": pa.float64(),
    "bool": pa.bool_(),
    "binData": pa.binary(),
}


class ParquetWriter:
    """Writes documents as Parquet."""

    def __init__(self, sink: BinaryIO, fields: Sequence[str], rules: Mapping[str, Any]) -> None:
        self._schema = pa.schema([(name, arrow(rules[name])) for name in fields])
        self._writer = pq.ParquetWriter(sink, self._schema, compression="zstd")
        self._waiting: list[pa.RecordBatch] = []

    def write(self, batch: Sequence[Mapping[str, Any]]) -> None:
        """Take documents; a row group is written when enough are there."""
        arrays = [
            pa.array([_fit(document.get(column.name), column.type) for document in batch], column.type)
            for column in self._schema
        ]
        self._waiting.append(pa.record_batch(arrays, schema=self._schema))
        if sum(each.num_rows for each in self._waiting) >= ROWS or sum(each.nbytes for each in self._waiting) >= BYTES:
            self._flush()

    def close(self) -> None:
        """Write the last row group and the footer."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._waiting:
            self._writer.write_table(pa.Table.from_batches(self._waiting, self._schema), row_group_size=ROWS)
            self._waiting = []


def arrow(rule: Mapping[str, Any]) -> pa.DataType:
    """The column type of a field under the rule of its validator (`$jsonSchema`)."""
    kinds = rule.get("bsonType", "string")
    kind = kinds if isinstance(kinds, str) else next(each for each in kinds if each != "null")
    if kind == "array":
        return pa.list_(arrow(rule.get("items", {})))
    if kind != "object":
        return _SCALARS[kind]
    if "properties" in rule:
        return pa.struct([(name, arrow(inner)) for name, inner in rule["properties"].items()])
    inner = rule.get("additionalProperties")
    return pa.map_(pa.string(), arrow(inner if isinstance(inner, Mapping) else {}))


def _fit(value: Any, column: pa.DataType) -> Any:
    return list(value.items()) if isinstance(value, dict) and pa.types.is_map(column) else value
