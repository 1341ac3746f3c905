"""A form as HTML: readable by everybody and every screen reader, without any script."""

from collections.abc import Mapping, Sequence
from html import escape

from functions.messages import form_words
from functions.messages.forms import Form

STYLE = """<style>label,legend{display:block;margin:.9rem 0 .2rem}fieldset{border:0;padding:0}
input[type=text],input[type=email],input[type=tel]{font:inherit;width:100%;box-sizing:border-box;
padding:.6rem;border:1px solid #667;border-radius:.4rem}[aria-invalid=true]{border-color:#a11}
.wrong{color:#a11}</style>"""
ASIDE = "position:absolute;left:-9999px"
TYPES = {"email": "email", "phone": "tel"}
COMPLETE = {
    "email": "email",
    "phone": "tel",
    "firstName": "given-name",
    "lastName": "family-name",
    "company": "organization",
}


def form(
    form: Form,
    language: str,
    titles: Mapping[str, str],
    filled: Mapping[str, Sequence[str]],
    opened: str = "",
    wrong: str = "",
    words: str = "",
    action: str = "",
) -> str:
    """The form with what was `filled` in; `wrong` is the field that `words` are about. `titles` are
    those of its purposes; `action` is where it is sent, "" for the page of ours where it stands (on
    others it takes their looks)."""
    said = form_words.words(language)
    alert = f'<p class="wrong" role="alert" id="wrong">{escape(words)}</p>' if words else ""
    to = f' action="{escape(action)}"' if action else ""
    hidden = f'<input type="hidden" name="language" value="{escape(language)}">'
    if opened:
        hidden += f'<input type="hidden" name="opened" value="{escape(opened)}">'
    button = form.button.get(language) or said["button"]
    return (
        f"{'' if action else STYLE}{alert}"
        f'<form method="post"{to}>'
        + "".join(_field(form, name, language, filled, wrong) for name in form.fields)
        + _purposes(form, titles, filled, said["about"])
        # Robots fill in whatever there is; people neither see nor reach it.
        + f'<div style="{ASIDE}" aria-hidden="true"><label for="website">{escape(said["empty"])}'
        '</label><input id="website" name="website" type="text" tabindex="-1" autocomplete="off">'
        "</div>" + hidden + f"<p>{escape(form.wording(language))}</p>"
        f"<button>{escape(button)}</button></form>"
    )


def _field(
    form: Form, name: str, language: str, filled: Mapping[str, Sequence[str]], wrong: str
) -> str:
    needed = form.fields[name].required
    label = escape(form.label(name, language))
    if needed:
        label += f" {escape(form_words.words(language)['required'])}"
    value = escape("".join(filled.get(name, ())[:1]))
    more = " required" if needed else ""
    if name in COMPLETE:
        more += f' autocomplete="{COMPLETE[name]}"'
    if name == wrong:
        more += ' aria-invalid="true" aria-describedby="wrong"'
    kind = TYPES.get(name, "text")
    return (
        f'<label for="{name}">{label}</label>'
        f'<input id="{name}" name="{name}" type="{kind}" maxlength="200" value="{value}"{more}>'
    )


def _purposes(
    form: Form, titles: Mapping[str, str], filled: Mapping[str, Sequence[str]], about: str
) -> str:
    """Boxes where there is a choice; none is ticked before (ECJ, C-673/17)."""
    if len(form.purposes) == 1:
        return ""
    boxes = "".join(
        f'<label><input type="checkbox" name="purpose" value="{escape(name)}"'
        f"{' checked' if name in filled.get('purpose', ()) else ''}> {escape(titles[name])}</label>"
        for name in form.purposes
    )
    return f"<fieldset><legend>{escape(about)}</legend>{boxes}</fieldset>"
