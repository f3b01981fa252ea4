"""The examples run, and say what they promise."""

import pathlib
import subprocess
import sys

import pytest

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples" / "python"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("parallel_processing.py", ["F(100) = 354224848179261915075", "speedup over the pool"]),
        ("cluster.py", ["20000 numbers in ", "F(19999) ends in "]),
        ("dask_costs.py", ["start and end of two workers", "F(10000000) from a worker"]),
        ("gil.py", ["heartbeat while nothing else runs", "python_loop", "extension"]),
    ],
)
def test_an_example(name, expected):
    command = [sys.executable, EXAMPLES / name]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert all(line in result.stdout for line in expected), result.stdout
    assert all(len(line) <= 80 for line in result.stdout.splitlines()), result.stdout
    assert result.stderr == ""
