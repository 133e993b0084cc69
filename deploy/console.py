"""What the person at the keyboard reads: one line per step, and the addresses at the end."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from deploy.settings import Settings


@contextmanager
def step(zh: str, en: str) -> Iterator[None]:
    """A line when it begins, and how long it took where that was noticeable."""
    began = time.monotonic()
    print(f"· {zh} / {en} …", flush=True)
    yield
    seconds = time.monotonic() - began
    if seconds >= 1:
        print(f"  {seconds:.1f} s", flush=True)


def announce(settings: Settings, seconds: float) -> None:
    """Addresses and demo logins, once everything answers."""
    lines = ["", f"✓ 一码 Yima 已就绪({seconds:.1f} 秒)/ ready in {seconds:.1f} s", ""]
    lines += [f"  商户 merchants  {settings.portal_url}/", f"  后台 staff      {settings.portal_url}/staff"]
    if settings.demo:
        lines.append(f"  手机 phone      {settings.sandbox_url}/phone")
        lines += _demo(settings)
    print("\n".join([*lines, "", "  Ctrl-C 停止全部 / stops everything", ""]), flush=True)


def _demo(settings: Settings) -> list[str]:
    try:
        demo: dict[str, Any] = json.loads((settings.data_dir / "demo.json").read_text())
    except FileNotFoundError:
        return []
    lines = ["", "  演示账号 / demo logins"]
    for login in demo.get("logins", ()):
        totp = f"   TOTP {login['totp_secret']}" if login.get("totp_secret") else ""
        lines.append(f"    {login['role']:<10} {login['phone']}   {login['password']}{totp}")
    lines += ["", "  演示码牌 / demo codes: 在手机里扫 / scan them in the phone"]
    for shop in demo.get("shops", ()):
        lines += [f"    {settings.portal_url}/c/{code}   {shop['name']}" for code in shop.get("codes", ())]
    return lines
