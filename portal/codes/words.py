"""What codes, their states and what a scan found are called, in the reader's language."""

from collections.abc import Iterable

from flask_babel import gettext as _

from portal.codes.queries import CodeRow
from portal.codes.rules import NAME_MOST, Meaning, Scanned
from portal.events.queries import Happening
from portal.plumbing.pages import moment_words
from portal.values.errors import DomainError
from portal.values.references import spoken_code

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
