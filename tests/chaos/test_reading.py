"""Business moments are brought back to real time, whatever the clock did; percentiles are what they are called."""

import pytest

from tests.chaos.reading import percentile, real

# From the beginning no offset; at second 100 the clock jumped by 40, at second 200 by 60 more.
JUMPS = [(0.0, 0), (100.0, 40), (200.0, 100)]


@pytest.mark.parametrize(
    ("business", "expected"),
    [(50.0, 50.0), (99.9, 99.9), (140.5, 100.5), (239.0, 199.0), (300.5, 200.5), (1000.0, 900.0)],
)
def test_a_business_moment_has_one_real_moment(business: float, expected: float) -> None:
    assert real(business, JUMPS) == pytest.approx(expected)


def test_a_percentile_is_a_value_that_was_there() -> None:
    values = [float(number) for number in range(1, 101)]
    assert percentile(values, 0.5) == 51.0
    assert percentile(values, 0.99) == 100.0
    assert percentile(values, 1) == 100.0
    assert percentile([], 0.5) == 0.0
