"""Fetching JD's trade bill: a ZIP with one GBK file, unpacked piece by piece within limits.

V2.0: the form `owner`, `data`, `md5` is what Javen205/IJPay and the public parser jdpay-py send. UNCONFIRMED: that
merchants of aggregate pay get the same file; none of its implementers fetches one. Here the agent is then the owner,
`bill_key` of the settings the key, and the file is named by the sub-merchant.
"""

import base64
import hashlib
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from tempfile import TemporaryFile
from typing import BinaryIO
from urllib.parse import urlencode

from portal.wallets.bills import BillAnswer, BillKind, BillState, BillToFetch
from portal.wallets.errors import WalletRefused, WalletUnavailable, WalletUnknown
from portal.wallets.jdpay.crypto import md5
from portal.wallets.jdpay.settings import Gateway, JdSettings
from portal.wallets.jdpay.v2.keys import goes_by_v2
from portal.wallets.port import Contract
from portal.wallets.transport import Budget, Transport
from portal.wallets.wire import write_object

MOST_PACKED = 64 * 1024 * 1024
MOST_PLAIN = 2 * 1024 * 1024 * 1024
# GBK tables shrink to about a tenth; nothing honest shrinks to a hundredth.
MOST_SHRUNK = 100
_ALWAYS_ALLOWED = 1024 * 1024
_PIECE = 64 * 1024
_OWNER_DIGITS = 9
_PATH = "0001/0001"
# The end of a ZIP: its mark, and behind it where the list of members lies and how long it is.
_END_MARK, _END_BYTES, _MOST_COMMENT, _MOST_LIST = b"PK\x05\x06", 22, 65535, 4096


@dataclass(frozen=True)
class _Owner:
    """Whose bill, under which key, and the digits in the file's name."""

    number: str
    file_no: str
    key: str = field(repr=False)


def fetch_bill(
    settings: JdSettings, transport: Transport, bill: BillToFetch, *, into: BinaryIO, budget: Budget
) -> BillAnswer:
    """Write the plain GBK file of one merchant to `into`. Raises WalletError.

    `not_permitted` where JD has no such file for us: bills of funds, a bill without a contract or without its key.
    """
    owner = _owner(settings, bill.contract)
    if bill.kind is not BillKind.TRADES or owner is None:
        return BillAnswer(BillState.NOT_PERMITTED)
    with TemporaryFile() as packed:
        if not _downloaded(settings, transport, owner, bill.day, packed.write, budget):
            return BillAnswer(BillState.NOT_READY)
        return _unpacked(packed, into)


def _owner(settings: JdSettings, contract: Contract | None) -> _Owner | None:
    if contract is None:
        return None
    number, keys = contract.sub_merchant_no, contract.keys
    if not number or number == settings.agent_no:
        raise WalletRefused("COLLECTOR_IS_PROVIDER", "only a sub-merchant may collect")
    if goes_by_v2(keys):
        own_key = keys.get("v2_bill_key")
        return _Owner(keys.get("v2_bill_owner") or number[:_OWNER_DIGITS], number, own_key) if own_key else None
    return _Owner(settings.agent_no, number, settings.bill_key) if settings.bill_key else None


def _downloaded(
    settings: JdSettings,
    transport: Transport,
    owner: _Owner,
    day: date,
    take: Callable[[bytes], object],
    budget: Budget,
) -> bool:
    name = {"name": f"{day:%Y%m%d}ordercreate_{owner.file_no}.zip", "path": _PATH}
    data = base64.b64encode(write_object(name)).decode()
    form = {"owner": owner.number, "data": data, "md5": md5(data + owner.key)}
    answer = transport.receive(
        "jd bill",
        settings.v2_gateways[Gateway.BAPI] + "/api/download.do",
        budget=budget,
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        form=urlencode(form).encode(),
        take=take,
        most_bytes=MOST_PACKED,
    )
    if answer.status == 404:
        return False
    if answer.status != 200:
        error = WalletRefused if answer.status in (400, 401, 403) else WalletUnavailable
        raise error(f"HTTP_{answer.status}", owner.number)
    return True


def _unpacked(packed: BinaryIO, into: BinaryIO) -> BillAnswer:
    """The one file inside, copied in pieces. A bill without a line below its header is an empty day."""
    most = _most_plain(packed)
    digest, size, lines, unfinished = hashlib.sha256(), 0, 0, False
    try:
        with zipfile.ZipFile(packed) as archive, archive.open(_member(archive)) as inside:
            while piece := inside.read(_PIECE):
                size += len(piece)
                if size > most:
                    raise WalletUnknown("BILL_TOO_LONG", str(size))
                digest.update(piece)
                into.write(piece)
                lines, unfinished = lines + piece.count(b"\n"), not piece.endswith(b"\n")
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise WalletUnknown("BILL_UNREADABLE", str(error)) from error
    state = BillState.READY if lines + unfinished > 1 else BillState.EMPTY
    return BillAnswer(state, size, digest.hexdigest())


def _most_plain(packed: BinaryIO) -> int:
    """How many bytes this ZIP may hold, once it is plain that reading its list of members cannot fill the memory."""
    length = packed.seek(0, 2)
    packed.seek(max(0, length - _END_BYTES - _MOST_COMMENT))
    tail = packed.read()
    at = tail.rfind(_END_MARK)
    if at < 0 or len(tail) < at + _END_BYTES:
        raise WalletUnavailable("NO_BILL", "the answer is no ZIP")
    (list_bytes,) = struct.unpack_from("<L", tail, at + 12)
    if list_bytes > _MOST_LIST:
        raise WalletUnknown("BILL_UNREADABLE", "too many files")
    return min(MOST_PLAIN, max(_ALWAYS_ALLOWED, MOST_SHRUNK * length))


def _member(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    members = [each for each in archive.infolist() if not each.is_dir()]
    usual = all(each.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for each in members)
    if len(members) != 1 or not usual or members[0].flag_bits & 1:
        raise WalletUnknown("BILL_UNREADABLE", "not one plain file")
    return members[0]
