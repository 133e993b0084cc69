"""Small faults drawn by a seed from the rules, operations, flows, postings and queries of the slices that keep money.

A fault is one change of one expression or statement: a comparison the other way or off by its edge, a number one more
or less, `and` for `or`, a `not` too much or too few, plus for minus, a statement or a return's value gone.
"""

import ast
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SLICES = ("ledger", "refunds", "notices")
_KINDS = ("rules", "operations", "flows", "postings", "queries")
# The tests of a slice, the quickest first, without its pages and processes; and those of the slices that use it.
OWN: dict[str, tuple[str, ...]] = {
    "ledger": ("tests/portal/ledger",),
    "refunds": (
        "tests/portal/refunds/test_rules.py",
        "tests/portal/refunds/test_mutants.py",
        "tests/portal/refunds/test_kept.py",
        "tests/portal/refunds/test_operations.py",
        "tests/portal/refunds/test_stuck.py",
        "tests/portal/refunds/test_approval.py",
        "tests/portal/refunds/test_second_payment.py",
        "tests/portal/refunds/test_flows.py",
    ),
    "notices": (
        "tests/portal/notices/test_mutants.py",
        "tests/portal/notices/test_counted.py",
        "tests/portal/notices/test_payments.py",
        "tests/portal/notices/test_refunds.py",
        "tests/portal/notices/test_asking.py",
        "tests/portal/notices/test_routed.py",
        "tests/portal/notices/test_rejections.py",
        "tests/portal/notices/test_books.py",
        "tests/portal/suspense",
    ),
}
HARNESS = ("tests/mutants/test_race.py", "tests/mutants/test_crash.py")
WIDER: dict[str, tuple[str, ...]] = {
    "ledger": ("tests/portal/payments/test_operations.py", "tests/portal/notices/test_books.py", *HARNESS),
    "refunds": ("tests/portal/refunds/test_views.py", *HARNESS),
    "notices": ("tests/portal/notices/test_trouble.py", *HARNESS),
}
_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "!=", ast.NotEq: "==", ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">",
    ast.Is: "is not", ast.IsNot: "is", ast.In: "not in", ast.NotIn: "in",
}  # fmt: skip
_ARITHMETIC: dict[type[ast.operator], str] = {
    ast.Add: "-", ast.Sub: "+", ast.Mult: "//", ast.FloorDiv: "*", ast.Mod: "//",
}  # fmt: skip
_UNSEEN = ("log.",)


@dataclass(frozen=True)
class Fault:
    """`text` is the whole changed file. `name` stays the same while the code around it moves."""

    name: str
    file: str
    slice: str
    place: str
    before: str
    after: str
    text: str


@dataclass(frozen=True)
class _Change:
    """The text between two places of a file, and what comes instead."""

    start: int
    end: int
    after: str
    within: str


def draw(root: Path, number: int, seed: int) -> list[Fault]:
    """`number` different faults. The same seed and sources draw the same ones."""
    found = [fault for path in _files(root) for fault in faults(root, path)]
    return random.Random(seed).sample(found, min(number, len(found)))


def faults(root: Path, path: Path) -> list[Fault]:
    """Every fault that can be drawn from one file."""
    source, name = path.read_text(encoding="utf-8"), path.relative_to(root).as_posix()
    made: dict[str, Fault] = {}
    for change in _Finder(source).changes():
        before = source[change.start : change.end]
        line = source.count("\n", 0, change.start) + 1
        same = f"{name}::{change.within}::{' '.join(before.split())} -> {change.after}"
        number = sum(1 for known in made if known == same or known.startswith(f"{same} #"))
        text = source[: change.start] + change.after + source[change.end :]
        title = f"{same} #{number + 1}" if number else same
        place = f"{name.removeprefix('portal/')}:{line} {change.within}"
        made[title] = Fault(title, name, name.split("/")[1], place, before, change.after, text)
    return list(made.values())


def _files(root: Path) -> list[Path]:
    places = [root / "portal" / name / kind for name in SLICES for kind in _KINDS]
    return [
        path for place in places for path in (place.with_suffix(".py"), *sorted(place.glob("*.py"))) if path.is_file()
    ]


class _Finder(ast.NodeVisitor):
    def __init__(self, source: str) -> None:
        self._source = source
        self._lines = [0]
        for line in source.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))
        self._within: list[str] = []
        self._found: list[_Change] = []

    def changes(self) -> list[_Change]:
        """In the order of the text."""
        self.visit(ast.parse(self._source))
        return sorted(self._found, key=lambda change: (change.start, change.end, change.after))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """Its body; what it is decorated and annotated with is left alone."""
        self._within.append(node.name)
        for value in (*node.args.defaults, *(one for one in node.args.kw_defaults if one is not None), *node.body):
            self.visit(value)
        self._within.pop()

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._within.append(node.name)
        for value in node.body:
            self.visit(value)
        self._within.pop()

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_Import(self, node: ast.Import) -> None:
        """Nothing to change."""

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """Nothing to change."""

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Constant):
            return
        if not self._text(node).startswith(_UNSEEN):
            self._change(node, "pass")
            self.visit(node.value)

    def visit_Raise(self, node: ast.Raise) -> None:
        self._change(node, "pass")

    def visit_Assign(self, node: ast.Assign) -> None:
        if all(isinstance(target, ast.Attribute) for target in node.targets):
            self._change(node, "pass")
        if not any(isinstance(target, ast.Name) and target.id == "__all__" for target in node.targets):
            self.visit(node.value)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self._change(node, "pass")
        self.visit(node.value)

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is not None:
            if not (isinstance(node.value, ast.Constant) and node.value.value is None):
                self._change(node.value, "None")
            self.visit(node.value)

    def visit_If(self, node: ast.If) -> None:
        self._turn(node.test)
        self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._turn(node.test)
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not):
            self._change(node, f"({self._text(node.operand)})")
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        word, other = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        for left, right in zip(node.values, node.values[1:], strict=False):
            self._between(left, right, word, other)
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        left: ast.expr = node.left
        for operator, right in zip(node.ops, node.comparators, strict=True):
            start, end = self._end(left), self._start(right)
            middle = self._source[start:end]
            word = middle.strip(" ()\n")
            self._between(left, right, word, _COMPARISONS[type(operator)])
            left = right
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        other = _ARITHMETIC.get(type(node.op))
        text = isinstance(node.left, ast.Constant) and isinstance(node.left.value, str)
        if other is not None and not text:
            word = self._source[self._end(node.left) : self._start(node.right)].strip(" ()\n")
            self._between(node.left, node.right, word, other)
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, bool):
            self._change(node, str(not node.value))
        elif isinstance(node.value, int):
            self._change(node, str(node.value + 1))
            self._change(node, str(node.value - 1))

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Words for people and names of columns."""

    def _turn(self, test: ast.expr) -> None:
        """A condition that is no comparison itself, the other way."""
        if isinstance(test, ast.Name | ast.Call | ast.Attribute):
            self._change(test, f"not {self._text(test)}")

    def _between(self, left: ast.expr, right: ast.expr, word: str, other: str) -> None:
        start, end = self._end(left), self._start(right)
        place = self._source.find(word, start, end)
        if word and place >= 0:
            self._found.append(_Change(place, place + len(word), other, ".".join(self._within)))

    def _change(self, node: ast.stmt | ast.expr, after: str) -> None:
        self._found.append(_Change(self._start(node), self._end(node), after, ".".join(self._within)))

    def _text(self, node: ast.stmt | ast.expr) -> str:
        return self._source[self._start(node) : self._end(node)]

    def _start(self, node: ast.stmt | ast.expr) -> int:
        return self._offset(node.lineno, node.col_offset)

    def _end(self, node: ast.stmt | ast.expr) -> int:
        return self._offset(node.end_lineno or node.lineno, node.end_col_offset or node.col_offset)

    def _offset(self, line: int, column: int) -> int:
        """Columns of the tree count bytes."""
        start = self._lines[line - 1]
        text = self._source[start : self._lines[line]]
        return start + len(text.encode("utf-8")[:column].decode("utf-8"))


def every(root: Path) -> Iterator[Fault]:
    """All that can be drawn."""
    for path in _files(root):
        yield from faults(root, path)
