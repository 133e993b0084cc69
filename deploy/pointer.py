"""What the data directory remembers of its database, and how private files are written."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from deploy.trouble import Trouble

POINTER = "postgres.json"


@dataclass(frozen=True)
class Pointer:
    """Where the cluster is, who made it, the last port, and the passwords by role. Kept in `postgres.json`, 0600."""

    home: str
    uid: int
    port: int
    passwords: dict[str, str]
    initialised: bool


def read_pointer(data_dir: Path) -> Pointer | None:
    """None before the first start. Raises Trouble when the directory is another user's."""
    path = data_dir / POINTER
    try:
        pointer = Pointer(**json.loads(path.read_text()))
    except FileNotFoundError:
        return None
    except PermissionError:
        raise _somebody_elses(data_dir) from None
    except (ValueError, TypeError):
        raise Trouble(f"文件已损坏:{path}", f"{path} is damaged and cannot be read") from None
    if pointer.uid != os.geteuid():
        raise _somebody_elses(data_dir)
    return pointer


def write_pointer(data_dir: Path, pointer: Pointer) -> Pointer:
    write_private(data_dir / POINTER, json.dumps(asdict(pointer), indent=1))
    return pointer


def write_private(path: Path, text: str) -> None:
    """0600 from its first byte, and either the old text or the new one, never half."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as handle:
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _somebody_elses(data_dir: Path) -> Trouble:
    return Trouble(
        f"数据目录 {data_dir} 属于另一个用户,请用原来的用户运行,或换一个 PORTAL_DATA_DIR",
        f"the data directory {data_dir} was made by another user: run as that user or choose another PORTAL_DATA_DIR",
    )
