from flask import Blueprint, Flask

blueprint = Blueprint("jd", __name__, url_prefix="/jd")


def set_up(app: Flask) -> None:
    """Nothing to register yet."""
