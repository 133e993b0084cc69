"""Both catalogues are complete: every string of the code is in them, translated, with the same blanks to fill."""

import io
import re
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parents[2]
CATALOGUES = ROOT / "portal" / "translations"
_BLANK = re.compile(r"%\((\w+)\)[sd]")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


def read(path: Path) -> Catalog:
    return read_po(io.BytesIO(path.read_bytes()))


@pytest.fixture(scope="module")
def strings(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """What the code and the templates say now."""
    found = tmp_path_factory.mktemp("catalogue") / "messages.pot"
    command = [
        sys.executable, "-m", "babel.messages.frontend", "-q", "extract", "-F", str(CATALOGUES / "babel.cfg"),
        "-k", "_l", "-k", "lazy_gettext", "--ignore-dirs", ".*", "--no-location", "-o", str(found), ".",
    ]  # fmt: skip
    subprocess.run(command, cwd=ROOT, check=True)
    return read(found)


def forms(message: Message) -> list[tuple[str, str]]:
    """Each form of a message with its translation."""
    if isinstance(message.id, str):
        return [(message.id, str(message.string))]
    return [(message.id[0], str(one)) for one in message.string]


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_every_string_is_translated(strings: Catalog, locale: str) -> None:
    catalogue = read(CATALOGUES / locale / "LC_MESSAGES" / "messages.po")
    said = {message.id for message in strings if message.id}
    kept = {message.id for message in catalogue if message.id}
    assert said - kept == set(), "run ./dev translate and translate what is new"
    assert kept - said == set(), "run ./dev translate: these are no longer said"
    empty = [text for message in catalogue if message.id for text, words in forms(message) if not words.strip()]
    assert empty == []
    assert [message.id for message in catalogue if message.id and message.fuzzy] == []


def test_a_translation_fills_the_same_blanks() -> None:
    catalogue = read(CATALOGUES / "en" / "LC_MESSAGES" / "messages.po")
    wrong = [
        text
        for message in catalogue
        if message.id
        for text, words in forms(message)
        if set(_BLANK.findall(text)) != set(_BLANK.findall(words))
    ]
    assert wrong == []


def test_the_english_is_english() -> None:
    catalogue = read(CATALOGUES / "en" / "LC_MESSAGES" / "messages.po")
    # Names of languages and what an English speaker must recognise on a Chinese screen stay Chinese.
    chinese = {
        text: words for message in catalogue if message.id for text, words in forms(message) if _CHINESE.search(words)
    }
    assert all(_CHINESE.sub("", words).strip(" “”·%()s") or text == "中文" for text, words in chinese.items()), chinese
