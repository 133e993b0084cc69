from flask import Blueprint, Flask

blueprint = Blueprint("books", __name__)


def set_up(app: Flask) -> None:
    """Nothing to register."""
