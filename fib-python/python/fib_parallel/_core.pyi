from collections.abc import Iterable, Iterator
from typing import Any, SupportsIndex, final, overload

from typing_extensions import Buffer

__all__ = [
    "Table",
    "fib",
    "batch",
    "mod",
    "text",
    "cut",
    "backends",
    "_table",
    "_indices",
    "_rust_seconds",
    "_set_worker_command",
]

_Indices = Iterable[SupportsIndex] | Buffer

def fib(n: SupportsIndex) -> int: ...
def batch(
    indices: _Indices,
    backend: str = "auto",
    workers: int | None = None,
    chunking: str | None = None,
    kernel: str | None = None,
) -> Table: ...
def mod(
    m: int,
    indices: _Indices,
    backend: str = "auto",
    workers: int | None = None,
    chunking: str | None = None,
    kernel: str | None = None,
) -> Table: ...
def text(
    indices: _Indices,
    backend: str = "auto",
    workers: int | None = None,
    chunking: str | None = None,
    kernel: str | None = None,
) -> list[str]: ...
def cut(
    indices: _Indices, chunks: int, kernel: str | None = None
) -> list[tuple[int, int, int]]: ...
def backends() -> list[tuple[str, str]]: ...
def _table(
    kernel: str, modulus: str | None, indices: Buffer, limbs: Buffer, is_ours: bool = False
) -> Table: ...
def _indices(source: _Indices) -> memoryview: ...
def _rust_seconds(n: int) -> float: ...
def _set_worker_command(command: list[str]) -> None: ...

@final
class Table:
    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, position: SupportsIndex, /) -> int: ...
    @overload
    def __getitem__(self, position: slice, /) -> list[int]: ...
    def __iter__(self) -> Iterator[int]: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...
    def __reduce_ex__(self, protocol: SupportsIndex, /) -> tuple[Any, ...]: ...
    @property
    def indices(self) -> memoryview: ...
    @property
    def modulus(self) -> int | None: ...
    @property
    def nbytes(self) -> int: ...
    def limbs(self) -> tuple[memoryview, memoryview]: ...
    def to_ints(self) -> list[int]: ...
    def to_strings(self) -> list[str]: ...
