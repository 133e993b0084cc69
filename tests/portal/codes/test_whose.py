"""Whose code is it? Linking asks a directory, compares, and says what follows for each of the three kinds."""

from dataclasses import dataclass, field

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.codes import queries
from portal.codes.flows import holder_place
from portal.codes.models import Code
from portal.codes.rules import Match, ToldBy, Verified, compare, finding
from portal.merchants.answers import parted
from portal.merchants.models import Application
from portal.merchants.rules import Answers
from portal.plumbing.crypto import Keyring
from portal.plumbing.db import Database
from portal.wallets.directory import CodeHolder, Holding
from portal.wallets.errors import WalletUnavailable
from portal.wallets.port import Acquirer
from tests.factories.merchants import OPENED
from tests.portal.codes.conftest import SHOP
from tests.portal.codes.pictures import MERCHANT, PERSONAL
from tests.portal.codes.test_linking import confirm, paste, sealed_in

OWN = CodeHolder(Acquirer.WECHAT, Holding.OWN_SUB_MERCHANT, "阿珍水果摊", f"WX{SHOP}")
OTHER = CodeHolder(Acquirer.WECHAT, Holding.OTHER_CONTRACT, "杭州市上城区阿珍水果摊")
PERSON = CodeHolder(Acquirer.WECHAT, Holding.PERSONAL, "**珍")


@dataclass
class ScriptedDirectory:
    """A directory that says what it is told to, and remembers what it was asked."""

    holder: CodeHolder | None = None
    fails: bool = False
    asked: list[str] = field(default_factory=list)

    def resolve_code(self, text: str) -> CodeHolder | None:
        self.asked.append(text)
        if self.fails:
            raise WalletUnavailable("NO_CONNECTION")
        return self.holder


@pytest.fixture
def directory(app: Flask) -> ScriptedDirectory:
    scripted = ScriptedDirectory()
    app.extensions["interconnect"] = scripted
    return scripted


@pytest.fixture
def verified(shop: int, db: Database, keyring: Keyring) -> None:
    answers = Answers(licence_name="杭州市上城区阿珍水果摊", shop_name="阿珍水果摊", legal_person="陈珍珍")
    plain, sealed = parted(keyring, answers, merchant_id=shop, application_id=1)
    with db.transaction(merchant=shop) as session:
        session.add(
            Application(
                merchant_id=shop,
                application_id=1,
                state="approved",
                subject_type="individual",
                plain=plain,
                sealed=sealed,
                reason="",
                created_at=OPENED,
            )
        )


@pytest.mark.parametrize(
    ("holder", "text", "told_by", "kind", "says"),
    [
        (OWN, MERCHANT, "acquirer", "linked_merchant", "微信支付都会通知一码"),
        (OTHER, MERCHANT, "interconnect", "linked_merchant", "它是在别处签的商户"),
        (PERSON, PERSONAL, "interconnect", "linked_personal", "只能当面扫"),
    ],
    ids=["own", "other", "personal"],
)
def test_each_kind_is_told_before_linking_and_remembered_after(
    owner: FlaskClient,
    verified: None,
    directory: ScriptedDirectory,
    db: Database,
    keyring: Keyring,
    holder: CodeHolder,
    text: str,
    told_by: str,
    kind: str,
    says: str,
) -> None:
    directory.holder = holder
    checked = paste(owner, text)
    page = checked.get_data(as_text=True)
    assert checked.status_code == 200
    assert says in page
    assert holder.holder_name in page
    assert ("正式环境没有这个来源" in page) is (told_by == "interconnect")
    assert ('href="/codes/new"' in page) is (told_by == "interconnect")
    assert confirm(owner, checked).status_code == 303
    with db.transaction(merchant=SHOP) as session:
        (row,) = queries.codes(session, SHOP)
        sealed = session.get_one(Code, (SHOP, 1)).holder_sealed
    assert (row.kind, row.holding, row.told_by) == (kind, holder.holding, told_by)
    assert sealed is not None
    assert keyring.open(sealed, place=holder_place(SHOP, 1)) == holder.holder_name
    assert says in owner.get("/codes/1").get_data(as_text=True)
    assert directory.asked == [text, text]


def test_a_masked_name_that_fits_is_not_called_proven(
    owner: FlaskClient, verified: None, directory: ScriptedDirectory
) -> None:
    directory.holder = PERSON
    page = paste(owner, PERSONAL).get_data(as_text=True)
    assert "是不是本人，请您自己看准" in page
    assert "和您的资料一致" not in page


@pytest.mark.parametrize(
    ("holder", "words"),
    [
        (CodeHolder(Acquirer.WECHAT, Holding.OWN_SUB_MERCHANT, "老周豆腐", "WX1"), "替另一家店开的"),
        (CodeHolder(Acquirer.WECHAT, Holding.OTHER_CONTRACT, "老周豆腐"), "和您资料里的名字对不上"),
        (CodeHolder(Acquirer.WECHAT, Holding.PERSONAL, "**国"), "和您资料里的负责人对不上"),
    ],
    ids=["own", "other", "personal"],
)
def test_a_code_of_somebody_else_is_refused_with_a_clear_answer(
    owner: FlaskClient, verified: None, directory: ScriptedDirectory, db: Database, holder: CodeHolder, words: str
) -> None:
    directory.holder = holder
    answer = paste(owner, MERCHANT)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert words in page
    assert holder.holder_name in page
    assert sealed_in(answer) == []
    with db.transaction(merchant=SHOP) as session:
        assert queries.codes(session, SHOP) == []


def test_a_code_that_changed_hands_meanwhile_is_refused_at_the_last_step(
    owner: FlaskClient, verified: None, directory: ScriptedDirectory, db: Database
) -> None:
    directory.holder = PERSON
    checked = paste(owner, PERSONAL)
    directory.holder = CodeHolder(Acquirer.WECHAT, Holding.PERSONAL, "**国")
    assert confirm(owner, checked).status_code == 409
    with db.transaction(merchant=SHOP) as session:
        assert queries.codes(session, SHOP) == []


def test_nothing_is_linked_before_the_merchant_is_verified(owner: FlaskClient, directory: ScriptedDirectory) -> None:
    directory.holder = PERSON
    answer = paste(owner, PERSONAL)
    assert answer.status_code == 409
    assert "资料还没通过审核" in answer.get_data(as_text=True)


def test_a_code_nobody_has_filed_is_refused_and_stays_typed(
    owner: FlaskClient, verified: None, directory: ScriptedDirectory
) -> None:
    answer = paste(owner, MERCHANT)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "查不到这张码的收款人" in page
    assert MERCHANT in page


def test_a_directory_that_is_down_links_nothing(
    owner: FlaskClient, verified: None, directory: ScriptedDirectory, db: Database
) -> None:
    directory.holder = PERSON
    checked = paste(owner, PERSONAL)
    directory.fails = True
    for answer in (paste(owner, PERSONAL), confirm(owner, checked)):
        assert answer.status_code == 503
        assert "请过几分钟再试" in answer.get_data(as_text=True)
    with db.transaction(merchant=SHOP) as session:
        assert queries.codes(session, SHOP) == []


def test_a_wrong_name_keeps_what_was_found(owner: FlaskClient, verified: None, directory: ScriptedDirectory) -> None:
    directory.holder = PERSON
    answer = confirm(owner, paste(owner, PERSONAL), name="")
    assert answer.status_code == 422
    assert "**珍" in answer.get_data(as_text=True)
    assert confirm(owner, answer).status_code == 303


def test_without_a_directory_the_page_says_so_and_nobody_promises_to_tell(owner: FlaskClient, db: Database) -> None:
    checked = paste(owner, MERCHANT)
    page = checked.get_data(as_text=True)
    assert "现在没有能查询的名录" in page
    assert 'href="/codes/new"' in page
    confirm(owner, checked)
    with db.transaction(merchant=SHOP) as session:
        (row,) = queries.codes(session, SHOP)
    assert (row.holding, row.told_by) == (None, "nobody")


KNOWN = Verified(("杭州市上城区阿珍水果摊", "阿珍水果摊"), "陈珍珍", {"wechat": "WX1"})


@pytest.mark.parametrize(
    ("holder", "match"),
    [
        (CodeHolder(Acquirer.WECHAT, Holding.OWN_SUB_MERCHANT, "别的名字", "WX1"), Match.SAME),
        (CodeHolder(Acquirer.WECHAT, Holding.OWN_SUB_MERCHANT, "阿珍水果摊", "WX2"), Match.DIFFERENT),
        (CodeHolder(Acquirer.JDPAY, Holding.OWN_SUB_MERCHANT, "阿珍水果摊", "WX1"), Match.DIFFERENT),
        (CodeHolder(Acquirer.WECHAT, Holding.OTHER_CONTRACT, "杭州市上城区 阿珍水果摊"), Match.SAME),
        (CodeHolder(Acquirer.WECHAT, Holding.OTHER_CONTRACT, "阿珍水果"), Match.DIFFERENT),
        (CodeHolder(Acquirer.WECHAT, Holding.PERSONAL, "**珍"), Match.MASK_FITS),
        (CodeHolder(Acquirer.WECHAT, Holding.PERSONAL, "*珍"), Match.DIFFERENT),
        (CodeHolder(Acquirer.WECHAT, Holding.PERSONAL, "陈珍珍"), Match.SAME),
        (CodeHolder(Acquirer.WECHAT, Holding.PERSONAL, "**国"), Match.DIFFERENT),
    ],
)
def test_names_are_compared_as_people_write_them(holder: CodeHolder, match: Match) -> None:
    assert compare(holder, KNOWN) is match


@pytest.mark.parametrize("holder", [OTHER, PERSON])
def test_nothing_is_compared_with_nothing(holder: CodeHolder) -> None:
    assert compare(holder, Verified()) is Match.NOT_VERIFIED


def test_only_our_own_sub_merchants_acquirer_tells_of_its_payments() -> None:
    told = [finding(holder, KNOWN).told_by for holder in (OWN, OTHER, PERSON)]
    assert told == [ToldBy.ACQUIRER, ToldBy.INTERCONNECT, ToldBy.INTERCONNECT]
