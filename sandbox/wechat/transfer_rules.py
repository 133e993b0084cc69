"""What a transfer to a person may contain (merchant docs 4012716434, 4013774588, 4012711988), and its quotas.

Quotas: merchant docs 4013747667. Which code answers a broken quota is not public; here it is INVALID_REQUEST with
the reason.
"""

import re
import sqlite3
from dataclasses import dataclass

from sandbox.wechat.errors import Refused, against_the_rules, wrong_field
from sandbox.wechat.fields import Group, Many, Number, Sealed, Text
from sandbox.wechat.times import day_bounds, day_of

NAME_FROM, NAME_MUST = 30, 200_000  # fen: below the one no name may be given, from the other on it must be
RED_PACKET_MOST = 20_000
# Quotas of a merchant that is no individual business, fen.
ONE_TRANSFER, ONE_PERSON_A_DAY, ALL_A_DAY, ALL_A_MONTH = 20_000, 200_000, 5_000_000, 3_000_000_000
_OWN_MACHINE = r"http://(127\.0\.0\.1|localhost)(:\d+)?/[^?#\s]*"  # a demonstration has no certificate


@dataclass(frozen=True)
class Scene:
    """A purpose of transfers: what has to be reported, and how the receiver may be told (the first by default)."""

    reports: frozenset[str]
    shown_as: tuple[str, ...]


SCENES = {
    "1000": Scene(frozenset({"活动名称", "奖励说明"}), ("活动奖励", "现金奖励")),
    "1005": Scene(frozenset({"岗位类型", "报酬说明"}), ("劳务报酬", "报销款", "企业补贴", "开工利是")),
}
_REPORT = Group({"info_type": Text(15, required=True), "info_content": Text(32, required=True)})
TRANSFER = Group(
    {
        "appid": Text(32, required=True),
        "out_bill_no": Text(32, required=True, pattern=r"[0-9A-Za-z]+"),
        "transfer_scene_id": Text(36, required=True),
        "openid": Text(64, required=True),
        "user_name": Sealed(plausible=lambda text: bool(re.fullmatch(r"[^\d\s]{2,64}", text))),
        "transfer_amount": Number(required=True, least=1),
        "transfer_remark": Text(32, required=True),
        "notify_url": Text(256, pattern=rf"https://[^/?#\s]+/[^?#\s]*|{_OWN_MACHINE}"),
        "user_recv_perception": Text(32, least=0, pattern=r"[\s\S]*"),
        "transfer_scene_report_infos": Many(_REPORT, required=True, most=10),
        "user_recv_style": Group({"type": Text(32, required=True, one_of=("CONFIRM_PAGE", "RED_PACKET"))}),
    }
)


def refuse_wrong_words(body: dict) -> None:
    """The parts that belong together. Raises Refused (400 PARAM_ERROR, or INVALID_REQUEST for a scene not granted)."""
    scene = SCENES.get(body["transfer_scene_id"])
    if scene is None:
        raise against_the_rules("未获取该转账场景，请检查转账场景ID")
    told = [info["info_type"] for info in body["transfer_scene_report_infos"]]
    if len(told) != len(scene.reports) or set(told) != scene.reports:
        wanted = "、".join(sorted(scene.reports))
        raise wrong_field("/transfer_scene_report_infos", f"须恰好填写：{wanted}", told)
    shown_as = body.get("user_recv_perception")
    if shown_as and shown_as not in scene.shown_as:
        raise wrong_field("/user_recv_perception", "不是该转账场景支持的用户收款感知", shown_as)
    amount, has_name = body["transfer_amount"], "user_name" in body
    if has_name and amount < NAME_FROM:
        raise wrong_field("/user_name", "转账金额低于0.3元时，不支持传入收款用户姓名")
    if not has_name and amount >= NAME_MUST:
        raise wrong_field("/user_name", "转账金额大于等于2,000元时，必须传入收款用户姓名")
    if body.get("user_recv_style", {}).get("type") == "RED_PACKET" and amount > RED_PACKET_MOST:
        raise wrong_field("/user_recv_style/type", "红包样式的单笔金额须小于等于200元", amount)


def refuse_over_quota(connection: sqlite3.Connection, body: dict, now: float) -> None:
    """Raises Refused (400 INVALID_REQUEST). What failed or was taken back does not count."""
    amount = body["transfer_amount"]
    start, end = day_bounds(day_of(now))
    month = day_bounds(day_of(now).replace(day=1))[0]
    sums = connection.execute(
        "SELECT coalesce(sum(amount) FILTER (WHERE openid = ?1 AND created_at >= ?2), 0) AS person,"
        " coalesce(sum(amount) FILTER (WHERE created_at >= ?2), 0) AS day, coalesce(sum(amount), 0) AS month"
        " FROM wechat_transfers WHERE created_at >= ?3 AND created_at < ?4 AND state NOT IN ('FAIL', 'CANCELLED')",
        (body["openid"], start, month, end),
    ).fetchone()
    limits = (
        (amount > ONE_TRANSFER, "超过商户单笔转账限额200元"),
        (sums["person"] + amount > ONE_PERSON_A_DAY, "超过单日向同一用户转账的限额2,000元"),
        (sums["day"] + amount > ALL_A_DAY, "超过商户单日转账限额5万元"),
        (sums["month"] + amount > ALL_A_MONTH, "超过商户单月转账限额3,000万元"),
    )
    for is_over, text in limits:
        if is_over:
            raise against_the_rules(text)


def refuse_strange_openid(connection: sqlite3.Connection, appid: object, body: dict) -> None:
    """Raises Refused (400): another official account, or somebody who is no user of ours."""
    if body["appid"] != appid:
        raise Refused(400, "INVALID_REQUEST", "商户号和AppID没有绑定关系")
    row = connection.execute("SELECT appid FROM wechat_openids WHERE openid = ?", (body["openid"],)).fetchone()
    if row is None or row["appid"] != appid:
        raise wrong_field("/openid", "openid格式错误或不属于该AppID", body["openid"])
