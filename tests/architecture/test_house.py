"""The house stays simple: short files, short functions, no rubbish rooms, and nothing made for the demonstration."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(p for folder in ("portal", "sandbox", "deploy") for p in (ROOT / folder).rglob("*.py"))
FILE_MOST = 300
FUNCTION_MOST = 60
FORBIDDEN_NAMES = {"utils.py", "helpers.py", "common.py", "misc.py", "util.py"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_and_its_functions_fit_on_few_screens(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert path.name not in FORBIDDEN_NAMES
    lines = text.count("\n")
    assert lines <= FILE_MOST, f"{lines} lines: cut it by verb"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
            length = node.end_lineno - node.lineno + 1
            assert length <= FUNCTION_MOST, f"{node.name} is {length} lines long"


def test_every_portal_module_says_what_it_is_for() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        if path.name != "__init__.py" and ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) is None
    ]
    assert silent == []


def test_the_portal_knows_nothing_of_the_sandbox() -> None:
    """No demo branch, no wallet parameter, no frame exception: what is paid here is paid as in the world."""
    portal = [*(ROOT / "portal").rglob("*.py"), *(ROOT / "templates").rglob("*.html")]
    texts = {path: path.read_text(encoding="utf-8").lower() for path in portal}
    # The one file that may name it writes its address into demo.json.
    assert [str(p.relative_to(ROOT)) for p, text in texts.items() if "sandbox" in text] == ["portal/demo.py"]
    branches = [str(p.relative_to(ROOT)) for p, text in texts.items() if "settings().demo" in text or ".demo:" in text]
    assert branches == ["portal/cli.py"], "only the command that loads the demonstration may ask whether it is one"
