"""docs/fault-list.md says what is true: all thirty-four faults, each with tests that exist."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIST = ROOT / "docs" / "fault-list.md"
HERE = "tests/portal/notices/"
FAULTS = 34


def rows() -> dict[int, list[str]]:
    """The table's cells by the fault's number."""
    lines = [line for line in LIST.read_text(encoding="utf-8").splitlines() if re.match(r"\| \d+ \|", line)]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    assert len({row[0] for row in cells}) == len(cells), "a number stands there twice"
    return {int(row[0]): row[1:] for row in cells}


@cache
def functions_of(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def test_no_fault_is_missing_and_none_is_invented() -> None:
    assert sorted(rows()) == list(range(1, FAULTS + 1))


@pytest.mark.parametrize("number", range(1, FAULTS + 1))
def test_each_fault_says_what_must_happen_who_sees_to_it_and_which_tests_show_it(number: int) -> None:
    fault, must, by, tests = rows()[number]
    assert all((fault, must, by))
    named = re.findall(r"`([\w/]+\.py)::(test_\w+)`", tests)
    assert named, "no test is named"
    for file, test in named:
        path = ROOT / (file if file.startswith("tests/") else HERE + file)
        assert path.is_file(), file
        assert test in functions_of(path), f"{file} has no {test}"
