"""Answers with a message as somebody would read it."""

import msgspec
from aws_lambda_powertools.event_handler.exceptions import BadRequestError, NotFoundError

from functions.handlers import wiring
from functions.handlers.answers.door import operation, profile_of_id, read_as
from functions.handlers.openapi import Parameter
from functions.messages.preview import MessagePreview, NoMessage, Values, preview
from functions.messages.template import TemplateError
from functions.segments import account as accounts
from functions.segments.person import shown_fields
from functions.tracking.profile import Profile


class PreviewBody(msgspec.Struct, forbid_unknown_fields=True):
    """In which `language` ("": the person's, else the brand's), and for whom: a `person` by id,
    `values` made up, or neither: then somebody whom we made up."""

    language: str = ""
    person: str = ""
    values: Values = msgspec.field(default_factory=Values)


@operation(
    "/api/journeys/{name}/messages/{message}/preview",
    "A message of the newest version as somebody would read it; nothing is sent or remembered",
    MessagePreview,
    Parameter("name", "path", "the journey's name"),
    Parameter("message", "path", "the message's name"),
    method="post",
    body=PreviewBody,
)
def _preview(name: str, message: str) -> MessagePreview:
    asked, parts = read_as(PreviewBody), wiring.parts()
    newest = parts.library.newest(name)
    if newest is None:
        raise NotFoundError(f'no journey is published as "{name[:50]}"')
    values = asked.values
    if asked.person:
        values = _of(parts, profile_of_id(asked.person), values)
    try:
        return preview(message, asked.language, newest.files, parts.library.brand(), values)
    except NoMessage as error:
        raise NotFoundError(str(error)) from None
    except TemplateError as error:
        raise BadRequestError(f"it cannot be shown for them: {error}") from None


def _of(parts: wiring.Parts, profile: Profile, values: Values) -> Values:
    """What is known of the person, and what was made up beside it. A preview is for no run, so
    nothing let them in."""
    known = {
        **shown_fields(profile, parts.now(), parts.library.rules().cuts),
        **(values.person or {}),
    }
    account = {**accounts.fields(profile), **(values.account or {})}
    return Values(known, account, values.entry or {})
