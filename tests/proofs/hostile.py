"""What a hostile network can send to `/notify/*`: one request, out of valid notices and chance.

Every request is one that its wallet did not send like this. Some still say the same as a notice that was booked before
(a blank more between two fields of JD's envelope): that one may be accepted again, and changes nothing.
"""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

BODY_MOST = 64 * 1024
_WORDS = (
    "\x00", "\ud83d\ude00", "﻿", "\\u0000", "null", "NaN", "1e999", "-0", "9" * 400, "true", "{}", "[]", "' OR 1=1--",
    "../../etc/passwd", "${jndi:ldap://x}", "%00", "<script>", "WECHATPAY/SIGNTEST/", "PUB_KEY_ID_9", "0", "-1", " ",
)  # fmt: skip
_CONTENT_TYPES = (
    "application/json",
    "text/xml",
    "multipart/form-data; boundary=x",
    "application/x-www-form-urlencoded",
)
_ENTITIES = (
    '<!DOCTYPE a [<!ENTITY x "{0}"><!ENTITY y "&x;&x;&x;&x;&x;&x;&x;&x;">]><jdpay><merchant>&y;</merchant></jdpay>',
    '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><jdpay><merchant>&x;</merchant></jdpay>',
    '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd"><jdpay><merchant>1</merchant></jdpay>',
    '<?xml version="1.0" encoding="UTF-16"?><jdpay><merchant>1</merchant></jdpay>',
    '<?xml-stylesheet href="http://127.0.0.1:9/"?><jdpay><version>V2.0</version></jdpay>',
    "<jdpay>{1}</jdpay>",
    "<jdpay {2}><merchant>1</merchant></jdpay>",
    "<jdpay><![CDATA[{0}]]></jdpay>",
)


@dataclass(frozen=True)
class Request:
    """A POST as its bytes arrive. `length` is what Content-Length claims; None claims the truth."""

    path: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    length: str | None = None
    chunked: bool = False

    def environ(self) -> dict[str, Any]:
        """As a WSGI server hands it on."""
        made: dict[str, Any] = {
            f"HTTP_{_token(name)}": value.encode("utf-8", "replace").decode("latin-1")
            for name, value in self.headers.items()
        }
        made["CONTENT_TYPE"] = self.content_type
        made["CONTENT_LENGTH"] = str(len(self.body)) if self.length is None else self.length
        if self.chunked:
            made |= {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
        return made


def request(chance: Random, valid: Sequence[Request]) -> Request:
    """One hostile request to the path of `valid`, the notices that were sent and booked before."""
    genuine = chance.choice(valid)
    ways: tuple[Callable[[Random, Request], Request], ...] = (
        _noise,
        _bytes,
        _bytes,
        _headers,
        _headers,
        _fields,
        _fields,
    )
    if genuine.path.endswith("jdpay"):
        ways += (_xml, _envelope, _envelope)
    made = chance.choice(ways)(chance, genuine)
    return _transport(chance, made) if chance.random() < 0.1 else made


def _noise(chance: Random, genuine: Request) -> Request:
    """Bytes from nowhere under whatever headers."""
    size = chance.choice((0, 1, 3, 64, 1000, 1000, BODY_MOST, BODY_MOST + 1, BODY_MOST * 2))
    body = chance.randbytes(size) if chance.random() < 0.5 else _json(chance, depth=4).encode("utf-8", "replace")
    headers = {name: _text(chance) for name in genuine.headers if chance.random() < 0.8}
    return replace(genuine, body=body, headers=headers)


def _bytes(chance: Random, genuine: Request) -> Request:
    """A genuine notice with some bytes changed, lost, doubled or moved, under its genuine headers."""
    body = bytearray(genuine.body)
    for _ in range(chance.choice((1, 1, 1, 2, 5, 40))):
        at = chance.randrange(len(body) + 1)
        match chance.randrange(6):
            case 0 if at < len(body):
                body[at] ^= 1 << chance.randrange(8)
            case 1:
                body[at:at] = chance.randbytes(chance.choice((1, 1, 2, 8)))
            case 2:
                del body[at : at + chance.choice((1, 2, 16, 200))]
            case 3:
                body[at:at] = body[chance.randrange(len(body) + 1) :][:100]
            case 4:
                del body[at:]
            case _:
                body[at:at] = chance.choice(_WORDS).encode("utf-8", "replace")
    return replace(genuine, body=bytes(body))


def _headers(chance: Random, genuine: Request) -> Request:
    """A genuine body under headers that are not its own. Where headers mean nothing, a byte of the body goes too."""
    headers = dict(genuine.headers)
    if not headers:
        return _bytes(chance, replace(genuine, headers={_text(chance)[:20] or "X": _text(chance)}))
    name = chance.choice(sorted(headers))
    match chance.randrange(6):
        case 0:
            del headers[name]
        case 1:
            headers[name] = _text(chance)
        case 2:
            headers[name] = headers[name] * chance.choice((2, 300))
        case 3:
            headers[name] = f"WECHATPAY/SIGNTEST/{headers[name]}"
        case 4:
            headers[name] = headers[name][:-1]
        case _:
            headers[name] = base64.b64encode(chance.randbytes(chance.choice((1, 32, 256)))).decode()
    return replace(genuine, headers=headers) if headers != dict(genuine.headers) else _bytes(chance, genuine)


def _fields(chance: Random, genuine: Request) -> Request:
    """The message's own shape with other things in it: a field lost, another type, a name twice, nested too deep."""
    try:
        message = json.loads(genuine.body)
    except ValueError:
        return _bytes(chance, genuine)
    places = _places(message)
    around, name = chance.choice(places)
    match chance.randrange(5):
        case 0:
            del around[name]
        case 1:
            around[name] = json.loads(_json(chance, depth=3))
        case 2:
            around[name] = _text(chance)
        case 3:
            deep: Any = 1
            for _ in range(chance.choice((50, 900))):
                deep = [deep] if chance.random() < 0.5 else {"a": deep}
            around[name] = deep
        case _:
            twice = json.dumps({name: around[name]})[1:-1]
            text = json.dumps(message)
            return replace(genuine, body=f"{{{twice},{text[1:]}".encode("utf-8", "replace"))
    return replace(genuine, body=json.dumps(message).encode("utf-8", "replace"))


def _envelope(chance: Random, genuine: Request) -> Request:
    """A well-formed envelope of JD's, about a merchant we know or do not, sealed with nothing."""
    merchant = chance.choice(("JD482913057", "110290193003", "1", "x" * 40, _text(chance)))
    seal = chance.choice((chance.randbytes(8 * chance.randrange(1, 60)).hex(), _text(chance), "", "00" * 7))
    if chance.random() < 0.5:
        told = {"success": True, "merchantNo": merchant, "cipherJson": seal, "sign": chance.randbytes(16).hex()}
        return replace(genuine, body=json.dumps(told).encode("utf-8", "replace"))
    wrapped = base64.b64encode(seal.encode("utf-8", "replace")).decode()
    text = (
        f"<jdpay><version>V2.0</version><merchant>{merchant if merchant.isalnum() else 'M'}</merchant>"
        f"<result><code>000000</code><desc>ok</desc></result><encrypt>{wrapped}</encrypt></jdpay>"
    )
    return replace(genuine, body=text.encode("utf-8", "replace"), content_type="text/xml")


def _xml(chance: Random, genuine: Request) -> Request:
    """Entities that would grow, documents that would be fetched, nests without a floor."""
    deep = chance.choice((3, 9, 3000))
    text = chance.choice(_ENTITIES).format(
        "x" * chance.choice((1, 5000)),
        "<a>" * deep + "</a>" * chance.choice((deep, 0)),
        " ".join(f'a{number}="{number}"' for number in range(chance.choice((1, 2000)))),
    )
    return replace(genuine, body=text.encode(chance.choice(("utf-8", "utf-16", "utf-32"))), content_type="text/xml")


def _transport(chance: Random, made: Request) -> Request:
    """The same with a length that lies, in chunks, or under another type. A lie may cut it, never make it good."""
    match chance.randrange(3):
        case 0:
            wrong = chance.choice(("", "-1", "x", "0", "1", str(len(made.body) + 7), "9" * 30, "１"))
            return replace(made, length=wrong.encode("utf-8").decode("latin-1"))
        case 1:
            return replace(made, chunked=True)
        case _:
            return replace(made, content_type=chance.choice(_CONTENT_TYPES))


def _places(message: Any) -> list[tuple[Any, Any]]:
    """Every place of a message where something stands: the container, and the name or number in it."""
    inside = message.items() if isinstance(message, dict) else enumerate(message) if isinstance(message, list) else ()
    found: list[tuple[Any, Any]] = []
    for name, value in inside:
        found.append((message, name))
        found.extend(_places(value))
    return found


def _token(name: str) -> str:
    """A header's name as a server hands it on: it lets nothing but ASCII through."""
    return (
        "".join(sign for sign in name if sign == "-" or (sign.isascii() and sign.isalnum())).upper().replace("-", "_")
    )


def _text(chance: Random) -> str:
    if chance.random() < 0.5:
        return chance.choice(_WORDS)
    return "".join(chr(chance.choice((chance.randrange(32, 127), chance.randrange(160, 0xD7FF)))) for _ in range(12))


def _json(chance: Random, *, depth: int) -> str:
    """JSON text, nearly always well-formed."""
    match chance.randrange(7 if depth else 4):
        case 0:
            return json.dumps(_text(chance).encode("utf-8", "replace").decode())
        case 1:
            return str(chance.choice((0, -1, 2**63, 10**40, 1.5)))
        case 2:
            return chance.choice(("null", "true", "false"))
        case 3:
            return '""'
        case 4:
            return f"[{','.join(_json(chance, depth=depth - 1) for _ in range(chance.randrange(4)))}]"
        case _:
            names = ("id", "merchantNo", "event_type", "resource", "cipherJson", "event", "plain", "success", "a")
            pairs = (f'"{chance.choice(names)}":{_json(chance, depth=depth - 1)}' for _ in range(chance.randrange(5)))
            return f"{{{','.join(pairs)}}}"
