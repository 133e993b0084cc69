"""What the product imports is pinned for those who run it, not only for those who test it."""

import ast
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
OURS = {"app", "portal", "sandbox", "deploy", "tests", "migrations", "bench"}


def _pinned(lock: str) -> list[Requirement]:
    lines = [line.partition("#")[0].strip() for line in (ROOT / lock).read_text(encoding="utf-8").splitlines()]
    return [Requirement(line) for line in lines if line and not line.startswith("-r")]


def _imported(source: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module.partition(".")[0])
    return found - OURS - set(sys.stdlib_module_names)


@pytest.mark.parametrize("place", ["app.py", "portal", "sandbox", "deploy", "migrations"])
def test_every_package_that_a_running_process_imports_is_pinned_to_run(place: str) -> None:
    sources = [ROOT / place] if place.endswith(".py") else (ROOT / place).rglob("*.py")
    distributions = packages_distributions()
    pinned = {canonicalize_name(requirement.name) for requirement in _pinned("requirements.txt")}
    missing = {
        f"{source.relative_to(ROOT)}: {name}"
        for source in sources
        for name in _imported(source)
        if not pinned & {canonicalize_name(one) for one in distributions.get(name, [name])}
    }
    assert missing == set()


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-dev.txt"])
def test_every_version_is_exact(lock: str) -> None:
    assert [str(one) for one in _pinned(lock) if [spec.operator for spec in one.specifier] != ["=="]] == []


def test_no_package_is_pinned_twice() -> None:
    names = [
        canonicalize_name(one.name) for lock in ("requirements.txt", "requirements-dev.txt") for one in _pinned(lock)
    ]
    assert sorted(names) == sorted(set(names))
