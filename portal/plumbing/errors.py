"""Error pages: what happened, what was not lost, and where to go. Never a trace."""

from flask import Flask, Response, render_template
from flask_babel import gettext as _
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException


def _words(code: int) -> tuple[str, str]:
    words = {
        400: (_("这一页放得太久了"), _("请退回上一页，刷新后再提交。填过的内容没有提交。")),
        403: (_("您没有这一项的权限"), _("要用这一项，请让店主来操作。")),
        404: (_("没有这一页"), _("地址可能写错了，或者这一项不属于您的店。")),
        405: (_("这里不能这样打开"), _("请从页面上的按钮进入。")),
        413: (_("文件太大"), _("请换一张 10 MB 以内的照片。")),
        429: (_("试得太多了"), _("请过几分钟再来。")),
        503: (_("现在连不上"), _("请过一会儿再试。已经付的钱不受影响。")),
    }
    return words.get(code, (_("这里出了问题"), _("我们已经记下。已经付的钱不受影响，请过一会儿再试。")))


def install(app: Flask) -> None:
    """Answer every error with a page in the visitor's language."""

    @app.errorhandler(CSRFError)
    def stale_form(error: CSRFError) -> tuple[str, int]:
        return page(400)

    @app.errorhandler(HTTPException)
    def known(error: HTTPException) -> tuple[str, int] | HTTPException:
        if error.code is None or error.code < 400:
            return error
        return page(error.code)

    @app.errorhandler(Exception)
    def unforeseen(error: Exception) -> tuple[str, int]:
        app.logger.exception("unhandled error")
        return page(500)


def install_without_pages(app: Flask) -> None:
    """Answer every error with its number alone: whoever calls here is no person."""

    @app.errorhandler(HTTPException)
    def known(error: HTTPException) -> Response | HTTPException:
        if error.code is None or error.code < 400:
            return error
        return Response(status=error.code, content_type="text/plain")

    @app.errorhandler(Exception)
    def unforeseen(error: Exception) -> Response:
        app.logger.exception("unhandled error")
        return Response(status=500, content_type="text/plain")


def page(code: int) -> tuple[str, int]:
    """The page for one code of HTTP."""
    heading, advice = _words(code)
    # Only these know who is asking without a second look: after anything worse the database may be what failed.
    signed_in = code in (403, 404, 405) and bool(current_user and current_user.is_authenticated)
    return render_template(
        "_layouts/error.html",
        error_title=heading,
        error_lines=[advice],
        home_href="/" if signed_in else None,
        home_text=_("回到首页"),
    ), code
