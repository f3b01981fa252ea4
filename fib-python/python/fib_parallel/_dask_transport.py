"""How Dask measures and sends a Table. Every process that sends or receives tables needs this."""

# mypy: allow-untyped-calls, allow-untyped-decorators

from typing import Any

from dask.sizeof import sizeof
from distributed.protocol.serialize import dask_deserialize, dask_serialize

from ._core import Table, _table

# Dask must know the true size in bytes, so that workers write results to disk in time.
sizeof.register(Table, lambda table: table.nbytes)


@dask_serialize.register(Table)
def serialize(table: Table) -> tuple[dict[str, Any], list[Any]]:
    """What pickle keeps of a table, with the limbs as they are in memory."""
    _, (kernel, modulus, indices, limbs) = table.__reduce_ex__(5)
    return {"kernel": kernel, "modulus": modulus}, [indices, limbs.raw()]


@dask_deserialize.register(Table)
def deserialize(header: dict[str, Any], frames: list[Any]) -> Table:
    """The table again."""
    # Dask has received these frames for this table alone, so it needs no copy of them.
    indices, limbs = frames
    return _table(header["kernel"], header["modulus"], indices, limbs, is_ours=True)
