"""What the phone reads off pictures, PDFs and typed text."""

import io
from collections.abc import Callable

import pytest
import qrcode
from flask import Flask
from PIL import Image
from weasyprint import HTML

from sandbox.phone import reading
from sandbox.phone.addresses import Places
from sandbox.phone.codes import Kind, read

PLATE = "http://127.0.0.1:8000/c/7KQ42MHD9"
HERE = Places("http://127.0.0.1:8000", "http://127.0.0.1:8001", "wechat")


def picture(*texts: str, kind: str = "PNG", turn: int = 0) -> bytes:
    codes = [qrcode.make(text, box_size=6).get_image().convert("RGB") for text in texts]
    whole = Image.new("RGB", (sum(code.width for code in codes), max(code.height for code in codes)), "white")
    left = 0
    for code in codes:
        whole.paste(code, (left, 0))
        left += code.width
    out = io.BytesIO()
    whole.rotate(turn, expand=True, fillcolor="white").save(out, kind)
    return out.getvalue()


def plate_pdf(text: str) -> bytes:
    """An A5 page with the code as vectors, as a printed plate carries it."""
    code = qrcode.QRCode(border=4)
    code.add_data(text)
    cells = code.get_matrix()
    path = "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(cells) for x, dark in enumerate(row) if dark)
    svg = f'<svg viewBox="0 0 {len(cells)} {len(cells)}" width="90mm" height="90mm"><path d="{path}"/></svg>'
    page = f"<style>@page{{size:148mm 210mm;margin:20mm}}</style><h1>Zhou</h1>{svg}"
    return bytes(HTML(string=page).write_pdf())


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_it_reads_a_picture(kind: str) -> None:
    assert reading.read(picture(PLATE, kind=kind))[0] == PLATE


def test_it_reads_a_turned_picture() -> None:
    assert reading.read(picture(PLATE, kind="JPEG", turn=17))[0] == PLATE


def test_it_reads_black_on_a_transparent_ground() -> None:
    code = Image.open(io.BytesIO(picture(PLATE))).convert("L")
    layer = Image.new("RGBA", code.size, (0, 0, 0, 0))
    layer.paste((0, 0, 0, 255), mask=code.point(lambda grey: 255 - grey))
    out = io.BytesIO()
    layer.save(out, "PNG")
    assert reading.read(out.getvalue())[0] == PLATE


def test_it_reads_the_first_page_of_a_pdf() -> None:
    text, seen = reading.read(plate_pdf(PLATE))
    assert text == PLATE
    assert Image.open(io.BytesIO(seen)).format == "PNG"


def test_the_bytes_decide_and_nothing_else() -> None:
    other = PLATE.replace("7KQ4", "8KQ4")
    assert reading.read(plate_pdf(other))[0] == other


def test_the_same_code_twice_counts_as_one() -> None:
    assert reading.read(picture(PLATE, PLATE))[0] == PLATE


def test_a_picture_larger_than_a_phone_camera_makes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LARGEST_PICTURE", 100)
    with pytest.raises(reading.Unreadable) as told:
        reading.read(picture(PLATE))
    assert told.value.reason == "large"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (lambda: b"", "empty"),
        (lambda: b"no picture at all", "kind"),
        (lambda: b"%PDF-1.7 broken", "kind"),
        (lambda: picture(PLATE)[:12], "kind"),
        (lambda: bytes(HTML(string="<p>no code</p>").write_pdf()), "none"),
        (lambda: picture(PLATE, "wxp://f2f0abc"), "several"),
        (lambda: b"x" * (reading.LARGEST_FILE + 1), "large"),
    ],
)
def test_it_says_why_nothing_was_read(content: Callable[[], bytes], reason: str) -> None:
    with pytest.raises(reading.Unreadable) as told:
        reading.read(content())
    assert told.value.reason == reason


@pytest.mark.parametrize(
    ("text", "kind", "opens"),
    [
        (PLATE, Kind.PORTAL, "/phone/web/wechat/c/7KQ42MHD9"),
        ("http://localhost:8000/c/7KQ42MHD9", Kind.PORTAL, "/phone/web/wechat/c/7KQ42MHD9"),
        (" 7kq4-2mhd-9 ", Kind.PORTAL, "/phone/web/wechat/c/7KQ42MHD9"),
        ("７ＫＱ４２ＭＨＤ９", Kind.PORTAL, "/phone/web/wechat/c/7KQ42MHD9"),
        ("http://127.0.0.1:8000/r/S1?a=b", Kind.PORTAL, "/phone/web/wechat/r/S1?a=b"),
        ("http://127.0.0.1:8001/c/7KQ42MHD9", Kind.ADDRESS, None),
        ("http://127.0.0.1:8000@evil.example/c/7KQ42MHD9", Kind.ADDRESS, None),
        ("http://evil.example/c/7KQ42MHD9", Kind.ADDRESS, None),
        ("http://127.0.0.1:99999/", Kind.ADDRESS, None),
        ("wxp://f2f0abcdefgh", Kind.WECHAT_PERSONAL, None),
        ("https://payapp.weixin.qq.com/materialqr/entry/home?id=1", Kind.WECHAT_MERCHANT, None),
        ("weixin://wxpay/bizpayurl?pr=abc", Kind.WECHAT_ORDER, None),
        ("HTTPS://QR.ALIPAY.COM/fkx1", Kind.ALIPAY, None),
        ("https://qr.95516.com/00010000/62123", Kind.UNIONPAY, None),
        ("豆腐", Kind.TEXT, None),
    ],
)
def test_it_knows_what_it_scanned(text: str, kind: Kind, opens: str | None) -> None:
    seen = read(text, HERE)
    assert (seen.kind, seen.opens) == (kind, opens)


def test_a_script_scans_a_pdf(sandbox: Flask) -> None:
    form = {"wallet": "jd", "file": (io.BytesIO(plate_pdf(PLATE)), "plate.pdf")}
    answer = sandbox.test_client().post("/phone/api/scan", data=form, content_type="multipart/form-data")
    assert answer.json == {"text": PLATE, "kind": "portal", "opens": "/phone/web/jdpay/c/7KQ42MHD9"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"text": PLATE}, 400),
        ({"text": PLATE, "wallet": "alipay"}, 400),
        ({"wallet": "wechat"}, 400),
        ({"wallet": "wechat", "text": "x" * 5000}, 400),
        ([], 400),
    ],
)
def test_a_script_learns_its_mistake(sandbox: Flask, body: object, status: int) -> None:
    answer = sandbox.test_client().post("/phone/api/scan", json=body)
    assert answer.status_code == status
    assert answer.json["error"]


def test_an_unreadable_file_is_told_apart(sandbox: Flask) -> None:
    form = {"wallet": "wechat", "file": (io.BytesIO(b"?"), "a.png")}
    answer = sandbox.test_client().post("/phone/api/scan", data=form, content_type="multipart/form-data")
    assert (answer.status_code, answer.json["reason"]) == (422, "kind")


def test_a_person_scans_without_script(sandbox: Flask) -> None:
    form = {"file": (io.BytesIO(picture(PLATE)), "plate.png")}
    answer = sandbox.test_client().post("/phone/scan", data=form, content_type="multipart/form-data")
    assert (answer.status_code, answer.location) == (303, "/phone/web/wechat/c/7KQ42MHD9")


def test_what_a_person_typed_stays(sandbox: Flask) -> None:
    answer = sandbox.test_client().post("/phone/scan", data={"text": 'wxp://f2f0"<b>'})
    assert answer.status_code == 422
    assert 'value="wxp://f2f0&#34;&lt;b&gt;"' in answer.text
    assert "微信个人收款码" in answer.text


def test_a_typed_code_has_a_picture_too(sandbox: Flask) -> None:
    client = sandbox.test_client()
    assert client.get("/phone/picture.png").status_code == 404
    client.post("/phone/scan", data={"text": PLATE})
    assert reading.read(client.get("/phone/picture.png").data)[0] == PLATE
