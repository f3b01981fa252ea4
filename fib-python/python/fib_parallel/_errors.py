"""The exceptions of this package."""


class Error(Exception):
    """The base of all exceptions of this package."""


class LimitError(Error, MemoryError):
    """The numbers would take more memory than allowed, or the system refused the memory."""


class ComputeError(Error):
    """Some numbers could not be computed.

    ``failures`` lists them as pairs ``(index, reason)``.
    """

    failures: list[tuple[int, str]] = []


class BackendError(Error, RuntimeError):
    """A backend could not start, or it failed."""


class ForkedError(Error, RuntimeError):
    """This process was forked after the import, so it has no pools.

    ``fib`` and the backend "sequential" need none."""
