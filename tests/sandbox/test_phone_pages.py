"""A page of the portal becomes a page of the phone: addresses mapped, nothing else touched."""

import pytest

from sandbox.phone import markup, policy, rewriting, stylesheets
from sandbox.phone.addresses import Foreign, Places

HERE = Places("http://127.0.0.1:8000", "http://127.0.0.1:8001", "wechat")
BRIDGE = rewriting.Bridge("N0nce", "/static/phone-bridge.js", "/static/phone-sheet.css", "zh")


def shown(body: str, *, url: str = "http://127.0.0.1:8000/c/ABC", places: Places = HERE) -> str:
    page = f"<!doctype html><html lang=zh><head><title>t</title></head><body>{body}</body></html>"
    return rewriting.rewritten(page.encode(), charset="utf-8", url=url, places=places, bridge=BRIDGE).decode()


@pytest.mark.parametrize(
    ("there", "here"),
    [
        ('<a href="/o/1?x=1&amp;y=2#z">', 'href="/phone/web/wechat/o/1?x=1&amp;y=2#z"'),
        ('<a href="more">', 'href="/phone/web/wechat/c/more"'),
        ('<a href="http://127.0.0.1:8000/o/1">', 'href="/phone/web/wechat/o/1"'),
        ('<a href="#main">', 'href="#main"'),
        ('<a href="http://127.0.0.1:8001/jd/cashier/t">', 'href="/phone/web/wechat/@sandbox/jd/cashier/t"'),
        ('<a href="http://127.0.0.1:8001/credentials">', 'href="/phone/outside?to='),
        ('<a href="https://evil.example/">', 'href="/phone/outside?to=https%3A%2F%2Fevil.example%2F"'),
        ('<a href="javascript:alert(1)">', 'href="/phone/outside?to=javascript'),
        ('<a href="//evil.example/">', 'href="/phone/outside?to=http%3A%2F%2Fevil.example%2F"'),
        ('<form action="/pay" method="post">', 'action="/phone/web/wechat/pay"'),
        ('<button formaction="/pay">', 'formaction="/phone/web/wechat/pay"'),
        ('<img src="/a.png" alt="">', 'src="/phone/web/wechat/a.png"'),
        ('<img src="https://evil.example/a.png">', 'src="about:blank"'),
        ('<img src="data:image/gif;base64,AA">', 'src="data:image/gif;base64,AA"'),
        ('<img srcset="/a.png 1x, /b.png 2x">', 'srcset="/phone/web/wechat/a.png 1x, /phone/web/wechat/b.png 2x"'),
        ('<svg><use xlink:href="/s.svg#q"/></svg>', 'xlink:href="/phone/web/wechat/s.svg#q"'),
        ('<p style="background:url(/q.png)">', "url(&quot;/phone/web/wechat/q.png&quot;)"),
        ("<style>@import 'x.css';</style>", '@import url("/phone/web/wechat/c/x.css")'),
        ('<meta http-equiv="refresh" content="3; url=/o/1">', 'content="3;url=/phone/web/wechat/o/1"'),
        ('<script type="application/json" data-done="/o/1">{}</script>', 'data-done="/phone/web/wechat/o/1"'),
    ],
)
def test_every_address_is_mapped(there: str, here: str) -> None:
    assert here in shown(there)


def test_words_scripts_and_forms_stay_as_they_are() -> None:
    script = '<script nonce="a">if (1 < 2 && "</p>") { go("x"); }</script>'
    form = '<form method="post"><input type="hidden" name="csrf_token" value="&quot;&lt;"></form>'
    page = shown(f"{script}<p>1 &lt; 2 &amp; 3</p>{form}<textarea>\n\nx</textarea><noscript>&lt;b&gt;</noscript>")
    for piece in (script, "<p>1 &lt; 2 &amp; 3</p>", "<textarea>\n\nx</textarea>", "<noscript>&lt;b&gt;</noscript>"):
        assert piece in page
    assert 'value="&quot;&lt;"' in page


def test_a_page_cannot_move_its_base_or_leave_the_glass() -> None:
    page = shown('<base href="https://evil.example/"><a href="x" target="_top" ping="/p">')
    assert "<base" not in page
    assert "target" not in page
    assert "ping" not in page
    assert "/phone/outside?to=https%3A%2F%2Fevil.example%2Fx" in page


def test_the_bridge_comes_before_every_script_of_the_page() -> None:
    page = shown("<script>1</script>")
    assert page.index("phone-bridge.js") < page.index("<script>1</script>")
    assert 'nonce="N0nce"' in page


def test_a_bridge_call_has_a_button_for_phones_without_script() -> None:
    call = '<script type="application/json" id="bridge" data-done="/o/1">{"package": "prepay_id=wx1"}</script>'
    assert '<noscript><form method="post" action="/phone/sheet">' in shown(call)
    assert '<form method="post" action="/phone/sheet">' not in shown(
        call, places=Places(HERE.portal, HERE.sandbox, "jdpay")
    )


@pytest.mark.parametrize("charset", ["gbk", "utf-16", "utf-8"])
def test_another_encoding_becomes_utf_8(charset: str) -> None:
    page = "<html><head><meta charset='x'><title>豆腐</title></head></html>".encode(charset)
    out = rewriting.rewritten(page, charset=charset, url=HERE.portal, places=HERE, bridge=BRIDGE)
    assert "<title>豆腐</title>" in out.decode()
    assert out.count(b"charset") == 1


def test_css_keeps_its_words() -> None:
    css = "a { color: red } b { background: url( 'x y.png' ) no-repeat } /* url(z) */"
    out = stylesheets.rewritten(css, lambda address: f"/m/{address}")
    assert 'url("/m/x%20y.png")' in out
    assert "a { color: red }" in out
    assert "/* url(z) */" in out


@pytest.mark.parametrize(
    "path",
    [
        "../credentials",
        "@sandbox/credentials",
        "@sandbox/control",
        "@sandbox/phone",
        "@sandbox/jd/cashier/../../credentials",
        "@sandbox/wechat/v3/pay",
    ],
)
def test_the_phone_opens_no_other_page_of_the_sandbox(path: str) -> None:
    with pytest.raises(Foreign):
        HERE.upstream(path)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1:8000/",
        "http://127.0.0.1:8002/",
        "http://127.0.0.2:8000/",
        "http://user@127.0.0.1:8000/",
        "http://127.0.0.1:8000.evil.example/",
        "http:\\\\127.0.0.1:8000\\",
        "http://127.0.0.1:8001/wechat/open/%2e%2e/v3",
        "file:///etc/passwd",
        "//127.0.0.1:8000/",
        "http://[::1",
        "",
    ],
)
def test_the_phone_knows_two_origins_and_no_more(url: str) -> None:
    with pytest.raises(Foreign):
        HERE.checked(url)


def test_a_mapped_address_leads_back_to_the_same_page() -> None:
    for path in ("c/7KQ42MHD9", "o/豆腐/a b", "a%2Fb", "@sandbox/jd/cashier/t-_1"):
        assert HERE.checked(HERE.upstream(path)) == HERE.upstream(path)


def test_the_policy_lets_run_what_the_page_let_run_and_the_bridge() -> None:
    given = "default-src 'none'; script-src 'nonce-abc' 'strict-dynamic' https://evil.example; style-src 'self'"
    own = policy.page_policy(given, "N0nce")
    assert "script-src 'nonce-abc' 'nonce-N0nce';" in own
    assert "evil" not in own
    assert "frame-ancestors 'self'" in own


def test_a_page_without_a_policy_may_run_its_inline_scripts() -> None:
    assert "script-src 'self' 'unsafe-inline';" in policy.page_policy(None, "N0nce")


def test_a_broken_page_is_mended_as_a_browser_would() -> None:
    page = markup.read(b"<p>a<p>b<table><tr><td>c")
    assert markup.text_of(page) == "a b c"
