"""`./dev reset`: forget everything in the data directory, the database included. Needs nothing but Python itself."""

import fcntl
import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path

from deploy.home import Home, default_home, lock
from deploy.pointer import POINTER, read_pointer
from deploy.settings import MARKER, RUN_LOCK, data_directory
from deploy.trouble import Trouble, from_os_error


def remove_cluster(data_dir: Path) -> list[Path]:
    """Delete the stopped database of a data directory and the pointer to it; returns what was removed."""
    pointer = read_pointer(data_dir)
    home = Path(pointer.home) if pointer else default_home(data_dir.resolve())
    removed = [path for path in (home, *home.parent.glob(f"{home.name}.before-*")) if path.exists()]
    for path in removed:
        with lock(Home(path, owner=None)):
            shutil.rmtree(path)
    (data_dir / POINTER).unlink(missing_ok=True)
    return removed


def reset(data_dir: Path) -> list[Path]:
    """Refuses a directory that `./dev run` did not make, and one that is in use."""
    if os.environ.get("PORTAL_MODE") == "production":
        raise Trouble("生产模式下不能重置", "PORTAL_MODE=production: nothing is reset")
    if not data_dir.exists():
        return remove_cluster(data_dir)
    if not (data_dir / MARKER).exists():
        raise Trouble(
            f"{data_dir} 不是 ./dev run 建立的数据目录,没有删除任何东西",
            f"{data_dir} was not made by ./dev run: nothing was removed",
        )
    with (data_dir / RUN_LOCK).open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Trouble("请先停止 ./dev run", "stop ./dev run first") from None
        removed = remove_cluster(data_dir)
        for child in data_dir.iterdir():
            shutil.rmtree(child) if child.is_dir() and not child.is_symlink() else child.unlink()
    with suppress(OSError):  # a mounted volume stays as an empty directory
        data_dir.rmdir()
    return [*removed, data_dir]


def main() -> int:
    try:
        removed = reset(data_directory(os.environ))
    except Trouble as trouble:
        print(f"✗ {trouble}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"✗ {from_os_error(error)}", file=sys.stderr)
        return 1
    for path in removed:
        print(f"已删除 / removed {path}")
    if not removed:
        print("没有需要删除的数据 / nothing to remove")
    return 0


if __name__ == "__main__":
    sys.exit(main())
