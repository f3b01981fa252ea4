"""A program for `original.py`, with one line changed: the import. Then both versions, and what was gained.

    python examples/python/parallel_processing.py
"""

from fib_parallel import ParallelProcessing  # it was: from original import ParallelProcessing


def main():
    processing = ParallelProcessing(max_workers=4)
    print("F(100) =", processing.calculate(100))
    numbers = processing.calculate_batch_parallel(range(1000))
    print("F(999) has", len(str(numbers[999])), "digits")
    return numbers


def compare(rounds=5):
    """Times both versions in turn, and prints the ratio of each round."""
    import statistics
    import time

    import original

    def seconds(processing):
        start = time.perf_counter()
        results = processing.calculate_batch_parallel(range(1000))
        return time.perf_counter() - start, results

    ratios = []
    for _ in range(rounds):
        (theirs, expected), (ours, results) = map(
            seconds, (original.ParallelProcessing(4), ParallelProcessing(4))
        )
        assert results == expected
        ratios.append(theirs / ours)
    print(
        f"speedup over the pool of processes: {statistics.median(ratios):.0f}x "
        f"({min(ratios):.0f}x to {max(ratios):.0f}x in {rounds} rounds)"
    )


if __name__ == "__main__":
    main()
    compare()
