"""JD's other side, written a second time for the tests: pycryptodome and whole numbers, nothing of the product's.

RSA is done with `pow`, padding with bytes, so that neither library's idea of a signature decides.
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from Crypto.Cipher import DES3
from Crypto.Hash import MD5
from Crypto.PublicKey import RSA
from Crypto.Util.Padding import pad, unpad

from tests.portal.wallets.conftest import DES_KEY

V2_MERCHANT_NO = "110290193003"
NOTICE_PROLOG = '<?xml version="1.0" encoding="UTF-8" ?>'
PROLOG = '<?xml version="1.0" encoding="UTF-8"?>'


def des_hex(data: bytes, key: str) -> str:
    return DES3.new(base64.b64decode(key), DES3.MODE_ECB).encrypt(data).hex()


def undes_hex(text: str, key: str) -> bytes:
    return DES3.new(base64.b64decode(key), DES3.MODE_ECB).decrypt(bytes.fromhex(text))


def seal_with_length(data: bytes, key: str) -> str:
    framed = len(data).to_bytes(4, "big") + data
    return des_hex(framed + b"\0" * (-len(framed) % 8), key)


def open_with_length(text: str, key: str) -> bytes:
    framed = undes_hex(text, key)
    return framed[4 : 4 + int.from_bytes(framed[:4], "big")]


def seal_v3(fields: Mapping[str, object], key: str) -> str:
    text = json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return des_hex(pad(text.encode(), 8), key)


def open_v3(text: str, key: str) -> dict[str, object]:
    return dict(json.loads(unpad(undes_hex(text, key), 8)))


def sign_v3(fields: Mapping[str, object], md5_key: str) -> str:
    filled = sorted((name, value) for name, value in fields.items() if name != "sign" and value not in (None, ""))
    return MD5.new(("&".join(f"{name}={value}" for name, value in filled) + md5_key).encode()).hexdigest()


def raw_signature(text: bytes, key: RSA.RsaKey) -> str:
    """Type-1 padding around the 64 characters of the digest, without a DigestInfo."""
    inner = hashlib.sha256(text).hexdigest().encode()
    padded = b"\0\x01" + b"\xff" * (key.size_in_bytes() - 3 - len(inner)) + b"\0" + inner
    return base64.b64encode(
        pow(int.from_bytes(padded, "big"), key.d, key.n).to_bytes(key.size_in_bytes(), "big")
    ).decode()


def recovered(signature: str, key: RSA.RsaKey) -> bytes:
    """What was signed, with its padding taken off by hand."""
    number = pow(int.from_bytes(base64.b64decode(signature), "big"), key.e, key.n)
    padded = number.to_bytes(key.size_in_bytes(), "big")
    assert padded.startswith(b"\0\x01\xff\xff\xff\xff\xff\xff\xff\xff")
    return padded[padded.index(b"\0", 2) + 1 :]


@dataclass(frozen=True)
class JdSide:
    """JD with its own key, and the merchant's public one."""

    key: RSA.RsaKey
    merchant_key: RSA.RsaKey

    def message(
        self,
        inner: str,
        *,
        prolog: str = PROLOG,
        des_key: str = DES_KEY,
        key: RSA.RsaKey | None = None,
        merchant: str = V2_MERCHANT_NO,
        code: str = "000000",
    ) -> bytes:
        """An answer or a notice whose inner elements are `inner`, exactly as given."""
        plain = f"{prolog}<jdpay>{inner}</jdpay>"
        signature = raw_signature(plain.encode(), key or self.key)
        signed = f"{prolog}<jdpay>{inner}<sign>{signature}</sign></jdpay>"
        encrypt = base64.b64encode(seal_with_length(signed.encode(), des_key).encode()).decode()
        return outer(encrypt, merchant=merchant, code=code)

    def opened(self, body: bytes) -> dict[str, str]:
        """A merchant's request, its seal and signature proved. Only flat fields, found without an XML parser."""
        encrypt = between(body.decode(), "<encrypt>", "</encrypt>")
        plain = open_with_length(base64.b64decode(encrypt).decode(), DES_KEY).decode()
        signature = between(plain, "<sign>", "</sign>")
        unsigned = plain.replace(f"<sign>{signature}</sign>", "")
        assert recovered(signature, self.merchant_key) == hashlib.sha256(unsigned.encode()).hexdigest().encode()
        fields = between(unsigned, "<jdpay>", "</jdpay>")
        found = {}
        while fields:
            name = between(fields, "<", ">")
            found[name] = between(fields, f"<{name}>", f"</{name}>")
            fields = fields.removeprefix(f"<{name}>{found[name]}</{name}>")
        return found

    def opened_form(self, form: Mapping[str, str]) -> dict[str, str]:
        """The fields of a merchant's form, their signature proved."""
        plain = {
            name: value if name in ("version", "merchant", "sign") else open_with_length(value, DES_KEY).decode()
            for name, value in form.items()
        }
        signed = "&".join(f"{name}={plain[name]}" for name in sorted(plain) if name != "sign")
        assert recovered(plain["sign"], self.merchant_key) == hashlib.sha256(signed.encode()).hexdigest().encode()
        return plain

    def returned(self, fields: Mapping[str, str], *, seal_sign: bool = False) -> dict[str, str]:
        """What the browser brings back from JD's cashier."""
        signature = raw_signature("&".join(f"{name}={fields[name]}" for name in sorted(fields)).encode(), self.key)
        sealed = {name: seal_with_length(value.encode(), DES_KEY) for name, value in fields.items()}
        return {**sealed, "sign": seal_with_length(signature.encode(), DES_KEY) if seal_sign else signature}


def outer(encrypt: str | None, *, merchant: str = V2_MERCHANT_NO, code: str = "000000", desc: str = "success") -> bytes:
    """The outer message, with the blanks of JD's published notice."""
    sealed = "" if encrypt is None else f"  <encrypt>{encrypt}</encrypt>"
    return (
        f"{NOTICE_PROLOG}<jdpay>  <version>V2.0</version>  <merchant>{merchant}</merchant>"
        f"  <result>    <code>{code}</code>    <desc>{desc}</desc>  </result>{sealed}</jdpay>"
    ).encode()


def elements(fields: Sequence[tuple[str, str]] | Mapping[str, str]) -> str:
    pairs = fields.items() if isinstance(fields, Mapping) else fields
    return "".join(f"<{name}>{value}</{name}>" for name, value in pairs)


def between(text: str, start: str, end: str) -> str:
    at = text.index(start) + len(start)
    return text[at : text.index(end, at)]
