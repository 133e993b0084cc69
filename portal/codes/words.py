"""What codes, their states and what a scan found are called, in the reader's language."""

from collections.abc import Iterable

from flask_babel import gettext as _

from portal.codes.queries import CodeRow
from portal.codes.rules import NAME_MOST, Finding, Match, Meaning, Scanned, ToldBy
from portal.events.queries import Happening
from portal.plumbing.pages import moment_words
from portal.values.errors import DomainError
from portal.values.references import spoken_code
from portal.wallets.directory import Holding

_SHOWN_HEAD, _SHOWN_TAIL = 12, 4


def state_words(state: str) -> tuple[str, str]:
    """The kind of mark and the word for a code's state."""
    words = {
        "printed": ("later", _("还没贴上")),
        "bound": ("later", _("还没启用")),
        "active": ("done", _("在用")),
        "suspended": ("wait", _("已停用")),
        "suspect": ("bad", _("有疑点，先别用")),
        "lost": ("bad", _("已挂失")),
        "replaced": ("quiet", _("已换新码")),
        "retired": ("quiet", _("已作废")),
    }
    return words[state]


def kind_words(kind: str) -> str:
    """What sort of code it is."""
    words = {
        "portal": _("一码收款码"),
        "linked_merchant": _("关联的微信商户码"),
        "linked_personal": _("关联的微信个人码"),
    }
    return words[kind]


def linked_state(code: CodeRow) -> tuple[str, str]:
    """A linked code is WeChat's: here it is only linked, whatever WeChat does with it."""
    return ("quiet", _("已关联")) if code.state == "active" else state_words(code.state)


def row_words(code: CodeRow) -> dict[str, str]:
    """One line of the list of codes."""
    state_kind, state_text = state_words(code.state) if code.number else linked_state(code)
    second = kind_words(code.kind) if code.number is None else spoken_code(code.number)
    return {"title": code.name, "second": second, "state_kind": state_kind, "state_text": state_text}


def meaning_words(meaning: Meaning) -> str:
    """What a scanned code is, in a few words; for choosing among several."""
    words = {
        Meaning.WECHAT_PERSONAL: _("微信个人收款码"),
        Meaning.WECHAT_MERCHANT: _("微信商户收款码"),
        Meaning.WECHAT_ORDER: _("微信的一次性付款码"),
        Meaning.PORTAL: _("一码的收款码"),
        Meaning.ALIPAY: _("支付宝的码"),
        Meaning.UNIONPAY: _("云闪付（银联）的码"),
        Meaning.JD: _("京东的码"),
        Meaning.PAYMENT_CODE: _("付款码"),
        Meaning.WEB_PAGE: _("一个网页"),
        Meaning.UNKNOWN: _("不认识的码"),
    }
    return words[meaning]


def not_linkable(scanned: Scanned) -> str:
    """Why a code cannot be linked, and what to do instead."""
    number = spoken_code(scanned.number or "")
    sentences = {
        Meaning.PORTAL: _("这是一码的收款码 %(number)s，但不是您店里的。请核对是不是拍错了码", number=number),
        Meaning.WECHAT_ORDER: _("这是只付一笔的付款码，两小时就失效。请拍摊位上长期使用的微信收款码"),
        Meaning.ALIPAY: _("这是支付宝的码，微信和京东都扫不了。请拍微信收款码，或者做一张一码的收款码"),
        Meaning.UNIONPAY: _("这是云闪付（银联）的码，不能关联。请拍微信收款码，或者做一张一码的收款码"),
        Meaning.JD: _("这是京东的码，不能关联。京东的顾客扫微信收款码就能付，请拍微信收款码"),
        Meaning.PAYMENT_CODE: _("这是付钱时给商家扫的付款码，每分钟都变，别发给任何人。请拍用来收钱的微信收款码"),
        Meaning.WEB_PAGE: _("这个码打开的是一个网页，不是微信收款码。请核对是不是拍错了码"),
        Meaning.UNKNOWN: _("认不出这是什么码。微信个人收款码的内容以 wxp:// 开头，请拍清楚整张微信收款码"),
    }
    return sentences[scanned.meaning]


def taken() -> str:
    """Another merchant has linked the same code."""
    return _("这张码已经关联在别的店，不能再关联。如果它确实是您的，请联系客服")


def directory_down() -> str:
    """The directory gave no answer in time: nothing is linked on a guess."""
    return _("现在查不到这张码是谁的，没有关联。请过几分钟再试")


def unknown_holder() -> str:
    """No acquirer has filed this code."""
    return _("查不到这张码的收款人，不能关联。请核对是不是收款码，或者做一张一码的收款码")


def refused_holder(found: Finding) -> list[str]:
    """Why a code of somebody else is not linked, and what to do."""
    if found.match is Match.NOT_VERIFIED:
        return [_("您的资料还没通过审核，没法核对这张码是不是您的。"), _("通过以后再来关联。")]
    if found.holding is Holding.OWN_SUB_MERCHANT:
        return [_("这是一码替另一家店开的微信商户码。"), _("它的收款记在那家店，不能关联到您这里。")]
    if found.holding is Holding.PERSONAL:
        return [_("这张个人码的收款人，和您资料里的负责人对不上。"), _("请只关联您自己的码。资料变了，请联系客服。")]
    return [_("这张码的收款商户，和您资料里的名字对不上。"), _("请只关联您自己的码。名字变了，请联系客服。")]


def holder_words(found: Finding) -> tuple[str, str] | None:
    """The holder's name as the directory shows it, and how well it fits; None where nobody told."""
    if found.holder is None:
        return None
    name = found.holder.holder_name
    if found.match is Match.MASK_FITS:
        return name, _("名字只露出一部分，露出的和负责人对得上；是不是本人，请您自己看准")
    if found.holding is Holding.OWN_SUB_MERCHANT:
        return name, _("是一码替您在微信支付开的商户")
    return name, _("和您的资料一致")


def what_follows(holding: str | None, told_by: str | None, *, personal: bool) -> list[str]:
    """What linking a code means for the owner's books, for each of the three kinds and for one that nobody knows."""
    same = _("照样用：微信能付，京东金融也能扫，不用换码")
    if holding == Holding.OWN_SUB_MERCHANT:
        return [
            same,
            _("它的每一笔，微信支付都会通知一码：记进账单，也能在这里退款"),
            _("京东金融付的也由微信支付结算给您；是哪个钱包付的，要等清算的消息才知道"),
        ]
    if personal:
        lines = [
            same,
            _("只能当面扫，不能发给别人远程付，也不会印进一码的码牌"),
            _("没有公开接口能查到或退它的款：账单里看不到，退款请在微信里和顾客商量"),
        ]
    elif holding == Holding.OTHER_CONTRACT:
        lines = [
            same,
            _("它是在别处签的商户：钱由那边结算，手续费也按那边的"),
            _("没有公开接口能查到或退它的款：账单里看不到，退款请在原来的地方办"),
        ]
    else:
        return [
            same,
            _("如果是一码替您在微信支付开的商户，微信支付会把收款通知一码"),
            _("如果是在别处签的商户，没有公开接口能查到或退它的款：账单里看不到，退款请在原来的地方办"),
        ]
    if told_by == ToldBy.INTERCONNECT:
        lines[2] = (
            _("没有公开接口能查到或退它的款：退款请在微信里和顾客商量")
            if personal
            else _("没有公开接口能查到或退它的款：退款请在原来的地方办")
        )
        lines.append(_("这里能看到它的收款，只因为接了一码自定的清算替身。正式环境没有这个来源，账单里就看不到"))
    return lines


def scan_problem(problem: DomainError) -> str:
    """Why a file gave no code."""
    sentences = {
        "nothing": _("请上传照片，或者粘贴码的内容"),
        "text_long": _("粘贴的内容太长，不会是收款码"),
        "empty": _("这个文件是空的，请重新选一张照片"),
        "large": _("文件太大，请换一张 10 MB 以内的照片"),
        "pixels": _("照片尺寸太大，请在相册里截出收款码那一块再上传"),
        "kind": _("打不开这个文件。请上传照片（JPG、PNG、WEBP、HEIC）或者 PDF"),
        "none": _("照片里没有找到码。请离近一点，拍清楚整个码，别反光"),
    }
    return sentences[problem.reason]


def scanner_down() -> str:
    """The file could not be looked at in time."""
    return _("照片暂时看不了，请再试一次，或者把收款码截小一点")


def name_problem(problem: DomainError) -> str:
    """Why a code cannot have this name, or cannot be had at all."""
    if problem.reason == "too_many":
        return _("最多能有 %(most)s 张码，请联系客服", most=problem.facts["most"])
    if problem.reason == "try_again":
        return _("没有做成，请再点一次")
    return _("已经有一张码叫这个名字，请换一个，像“外卖窗”")


def glyph_problem(signs: Iterable[str]) -> str:
    """Signs that no plate can print."""
    return _("这些字印不出来：%(signs)s。请换成常用字", signs=" ".join(signs))


def name_too_long() -> str:
    """Plates have room for so much."""
    return _("名字最多 %(most)s 个字", most=NAME_MOST)


def shown_text(text: str) -> str:
    """A code's text, recognisable but not whole."""
    return text if len(text) <= _SHOWN_HEAD + _SHOWN_TAIL else f"{text[:_SHOWN_HEAD]}…{text[-_SHOWN_TAIL:]}"


def story(happenings: Iterable[Happening]) -> list[dict[str, str]]:
    """What happened to a code, newest first, as steps."""
    steps = [{"text": _happened(one), "time": moment_words(one.at)} for one in happenings]
    return steps[::-1]


def _happened(one: Happening) -> str:
    who = str(one.facts.get("by") or _("一码"))
    sentences = {
        "code.opened": _("%(who)s 做了这张码", who=who),
        "code.linked": _("%(who)s 关联了这张码", who=who),
        "code.printed": _("%(who)s 下载去打印", who=who),
        "code.active": _("%(who)s 重新启用", who=who),
        "code.suspended": _("%(who)s 停用了它", who=who),
        "code.suspect": _("%(who)s 标为有疑点", who=who),
        "code.lost": _("%(who)s 挂失", who=who),
        "code.replaced": _("%(who)s 换了新码", who=who),
        "code.retired": _("%(who)s 作废", who=who),
    }
    return sentences.get(one.kind, one.kind)
