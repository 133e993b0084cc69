from flask import Blueprint, Flask, Response, current_app, jsonify

from sandbox.keys import credentials

blueprint = Blueprint("control", __name__)


def set_up(app: Flask) -> None:
    """Nothing to register."""


@blueprint.get("/credentials")
def show_credentials() -> Response:
    """The keys and numbers of the client's side, as JSON."""
    return jsonify(credentials(current_app.extensions["keys"], current_app.config["SANDBOX_URL"]))
