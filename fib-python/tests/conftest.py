"""What the tests share: an oracle that knows nothing of the package."""

import pytest


def by_addition(n: int) -> int:
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


@pytest.fixture(scope="session")
def oracle():
    return by_addition
