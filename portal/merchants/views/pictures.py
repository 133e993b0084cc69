"""Pictures of documents: taken in, and shown again to their owner."""

from collections.abc import Iterable, Mapping

from flask import Response, abort, make_response
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from portal.merchants import operations, queries, words
from portal.merchants.forms import StepForm
from portal.merchants.pictures import clean_picture
from portal.merchants.queries import ApplicationRow
from portal.merchants.views.blueprint import blueprint
from portal.plumbing.storage import DocumentMissing, DocumentStore, documents
from portal.plumbing.web import Audience, database, guard, keyring, settings
from portal.values.errors import Refused
from portal.wallets.applications import Document


@blueprint.get("/application/pictures/<document>")
@guard(Audience.OWNER)
def picture(document: str) -> ResponseReturnValue:
    """One picture of the newest application."""
    merchant_id = current_user.merchant_id
    with database().transaction(merchant=merchant_id) as session:
        found = queries.newest_application(session, merchant_id)
    name = found.plain.get("documents", {}).get(document) if found else None
    if name is None:
        abort(404)
    return picture_response(_store(), name, document)


def picture_response(store: DocumentStore, name: str, document: str) -> Response:
    """A stored picture as an answer. 404 when it is gone."""
    try:
        content = store.get(name)
    except DocumentMissing:
        abort(404)
    response = make_response(content)
    response.headers["Content-Type"] = "image/jpeg"
    response.headers["Content-Disposition"] = f'inline; filename="{document}.jpg"'
    return response


def take_pictures(form: StepForm, row: ApplicationRow, wanted: Iterable[Document], *, there: Mapping[str, str]) -> bool:
    """Store what was uploaded, even when the rest of the page is wrong: a chosen file is lost with the page.

    False, with the words at the field, when one cannot be used or is missing.
    """
    fine = True
    for document in wanted:
        field = form[document]
        problem = None
        if field.data:
            problem = _take(row, document, field.data.read())
        elif document not in there:
            problem = _("请拍一张%(document)s", document=words.DOCUMENT_WORDS[document])
        if problem is not None:
            field.errors = [*field.errors, problem]
            fine = False
    return fine


def _take(row: ApplicationRow, document: Document, raw: bytes) -> str | None:
    try:
        content = clean_picture(raw)
    except Refused as refusal:
        return str(words.REFUSAL_WORDS[refusal.reason])
    store = _store()
    owner = f"{row.merchant_id}-{row.application_id}"
    name = store.put(content, owner=owner)
    with database().transaction(merchant=row.merchant_id) as session:
        replaced = operations.save_picture(
            session,
            keyring(),
            merchant_id=row.merchant_id,
            application_id=row.application_id,
            document=document,
            name=name,
        )
    # A picture of an earlier application still belongs to that one.
    if replaced is not None and replaced.startswith(f"{owner}/"):
        store.delete(replaced)
    return None


def _store() -> DocumentStore:
    return documents(settings(), keyring())
