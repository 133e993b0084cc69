from flask import Blueprint, Flask

blueprint = Blueprint("phone", __name__, url_prefix="/phone")


def set_up(app: Flask) -> None:
    """Nothing to register yet."""
