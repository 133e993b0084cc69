"""Check values that were computed elsewhere, so that both sides cannot be wrong in the same way."""

import base64

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from sandbox.wechat import signing


def test_it_encrypts_a_resource_to_the_known_value() -> None:
    key = "0123456789abcdef0123456789abcdef"
    sealed = signing.encrypt_resource(key, "abcdefghijkl", "transaction", b'{"k":"v"}')
    assert sealed == "Eu6infHHG/Ee2gicR/ud699R7GHLqaLAQg=="


def test_it_signs_five_lines_each_with_its_line_feed() -> None:
    assert signing.request_text("GET", "/v3/a?b=c", "1", "n", b"") == b"GET\n/v3/a?b=c\n1\nn\n\n"
    assert signing.request_text("POST", "/v3/a", "1", "n", b"{}") == b"POST\n/v3/a\n1\nn\n{}\n"


def test_an_empty_answer_leaves_a_lone_line_feed() -> None:
    assert signing.answer_text("1", "n", b"") == b"1\nn\n\n"


def test_it_signs_four_lines_for_the_bridge() -> None:
    assert signing.bridge_text("wx1", "1", "n", "prepay_id=2") == b"wx1\n1\nn\nprepay_id=2\n"


def test_it_opens_only_what_was_sealed_with_sha1() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    sha1 = hashes.SHA1()
    sealed = key.public_key().encrypt("张三".encode(), padding.OAEP(padding.MGF1(sha1), sha1, None))
    assert signing.open_field(pem, base64.b64encode(sealed).decode()) == "张三"


def test_a_signature_that_is_no_base64_is_only_a_wrong_signature() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    assert not signing.verifies(pem, b"text", "WECHATPAY/SIGNTEST/%%")


def test_it_reads_the_five_pairs_in_any_order_and_nothing_else() -> None:
    pairs = ['serial_no="A"', 'timestamp="1"', 'signature="x+/="', 'nonce_str="n"', 'mchid="1"']
    good = f"{signing.SCHEME} {','.join(pairs)}"
    assert signing.read_authorization(good) == {
        "serial_no": "A",
        "timestamp": "1",
        "signature": "x+/=",
        "nonce_str": "n",
        "mchid": "1",
    }
    for bad in (good.replace("SHA256", "SHA1"), good[:-10], f'{good},mchid="2"', good.replace('"A"', "A"), "Basic x"):
        assert signing.read_authorization(bad) is None
