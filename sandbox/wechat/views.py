from flask import Blueprint, Flask

blueprint = Blueprint("wechat", __name__, url_prefix="/wechat")


def set_up(app: Flask) -> None:
    """Nothing to register yet."""
