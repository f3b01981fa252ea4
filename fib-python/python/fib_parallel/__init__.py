"""Exact Fibonacci numbers in batches, on parallel backends that release the GIL.

>>> import fib_parallel
>>> fib_parallel.fib(100)
354224848179261915075
>>> list(fib_parallel.batch(range(10, 15)))
[55, 89, 144, 233, 377]

``fib_parallel.dask`` computes batches on a Dask cluster.
"""

import sys
from collections.abc import Sequence

from . import _core
from ._core import Table, backends, batch, cut, fib, mod, text
from ._errors import BackendError, ComputeError, Error, ForkedError, LimitError
from ._executor import Executor
from ._processing import ParallelProcessing

__all__ = [
    "BackendError",
    "ComputeError",
    "Error",
    "Executor",
    "ForkedError",
    "LimitError",
    "ParallelProcessing",
    "Table",
    "backends",
    "batch",
    "cut",
    "fib",
    "mod",
    "text",
]

Sequence.register(Table)

# A process of a Dask cluster sends and receives tables, whether it computes them or not.
if sys.modules.get("distributed"):
    from . import _dask_transport  # noqa: F401

# A worker process of the backends "process" and "process-shm" is an interpreter that loads the extension and
# nothing else. Loading it there never returns.
if sys.executable:
    _core._set_worker_command([
        sys.executable,
        *("-I", "-S", "-c"),
        "from importlib import util\n"
        f"spec = util.spec_from_file_location({_core.__name__!r}, {_core.__file__!r})\n"
        "spec.loader.exec_module(util.module_from_spec(spec))",
    ])
