"""What could be better in a mail: one function for each rule, told at the line where it stands.

These are warnings, but for one that the law makes an error (`no_way_out`). A mail is looked at as
it is written, with the parts that it includes; nobody's values are needed.
"""

import re
from collections.abc import Callable, Iterator

from functions.messages.template import LIQUID
from functions.messages.written import Element, Mail, lines_only
from functions.problem import Problem

LONGEST_SUBJECT = 70  # characters; a phone shows about 40 of them, a desktop 60 to 70
LONGEST_PREHEADER = 140
CLIPPED = 102_000  # bytes: Gmail hides what is behind (https://support.google.com, "clipped")
CONTRAST, LARGE_CONTRAST = 4.5, 3.0  # WCAG 2.2, 1.4.3, level AA
LARGE, LARGE_BOLD = 24.0, 18.66  # px: 18 pt, and 14 pt where it is bold
SPAM_SCORE = 3
_LEAVE = re.compile(r"""\bhref=(["'])\{\{-?\s*(?:unsubscribe|preferences)\b[^"']*\}\}\1""")
_IMPRINT = re.compile(r"\b(?:brand\.imprint|links\.imprint)\b|\bImpressum\b|\bImprint\b")
_SPAM = {
    # What filters and readers alike take for advertising of the worst kind, and how much it weighs.
    "100% free": 2, "100 % gratis": 2, "act now": 2, "jetzt zuschlagen": 1, "buy now": 1,
    "cash bonus": 3, "click below": 1, "congratulations": 1, "herzlichen glückwunsch": 1,
    "dear friend": 2, "sehr geehrter kunde": 1, "double your": 3, "earn money": 3,
    "geld verdienen": 3, "free money": 3, "geschenkt": 1, "gewinnen sie": 1, "guaranteed": 1,
    "garantiert": 1, "kostenlos": 1, "limited time": 1, "nur heute": 1, "lowest price": 1,
    "tiefstpreis": 1, "no obligation": 2, "unverbindlich": 1, "no risk": 2, "ohne risiko": 2,
    "once in a lifetime": 2, "risk free": 2, "risikofrei": 2, "schnelles geld": 3,
    "sie haben gewonnen": 3, "this is not spam": 3, "kein spam": 2, "unlimited": 1, "urgent": 1,
    "dringend": 1, "winner": 2, "you have won": 3, "you won": 3, "€€€": 3, "$$$": 3,
}  # fmt: skip
_SAYS_NOTHING = frozenset(
    {"click here", "here", "more", "read more", "link", "this link", "learn more", "click"}
    | {"hier klicken", "hier", "mehr", "weiterlesen", "mehr erfahren", "dieser link", "klicken"}
)
_OTHER_TAGS = re.compile(
    r"\*\|[A-Z_:0-9]+\|\*|%%[\w. ]+%%|\[\[[\w. ]+\]\]|\{\{\{|(?<!\{)\{ ?[a-z_]+\.[a-z_.]+ ?\}(?!\})"
    r"|(?<!\{)\{ ?[a-z_.]+ ?\}\}"
)
_COLOUR = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})\Z", re.IGNORECASE)
Found = Iterator[tuple[str, int, str]]  # file, line, words


def _plain(text: str) -> str:
    """As somebody may read it: what Liquid prints is a word of eight letters, and of an `if` only
    the first arm is read."""
    text = re.sub(r"\{%-?\s*(?:else|elsif)\b.*?(?=\{%-?\s*end)", "", text, flags=re.DOTALL)
    return re.sub(r"\{%.*?%\}", "", re.sub(r"\{\{.*?\}\}", "xxxxxxxx", text, flags=re.DOTALL))


# --- the rules


def no_way_out(mail: Mail) -> Found:
    """§ 7 UWG and Article 21 GDPR: each mail that needs consent says how to take it back."""
    if mail.needs_consent and not _LEAVE.search(mail.html):
        words = (
            "people who get this by their consent find no way out; write "
            '<a href="{{ unsubscribe }}">, or include a footer that does'
        )
        yield mail.file, 1, words


def no_imprint(mail: Mail) -> Found:
    """§ 5 DDG: who sends it."""
    if not _IMPRINT.search(mail.html):
        words = "there is no imprint; write {{ brand.imprint }} or a link to {{ links.imprint }}"
        yield mail.file, 1, words


def no_language(mail: Mail) -> Found:
    """WCAG 3.1.1: a screen reader has to know how to pronounce it."""
    language = mail.file.split(".")[-2]
    for top in mail.tags("mjml"):
        said = top.values.get("lang", "")
        if said.split("-")[0] != language.split("-")[0]:
            words = (
                f'a screen reader reads it in the wrong language; write <mjml lang="{language}">'
            )
            yield top.file, top.line, words


def no_preheader(mail: Mail) -> Found:
    """What the inbox shows beside the subject is otherwise the mail's first words."""
    there = [one for one in mail.tags("mj-preview") if one.words.strip()]
    if not there:
        words = "an inbox shows the first words beside the subject; write better ones: <mj-preview>"
        yield mail.file, mail.line("<mj-head"), words
    for one in there:
        said = " ".join(one.words.split())
        if len(_plain(said)) > LONGEST_PREHEADER:
            yield (
                one.file,
                one.line,
                f"no inbox shows more than {LONGEST_PREHEADER} characters of it",
            )
        if said == mail.subject:
            yield one.file, one.line, "it says what the subject says already"


def long_subject(mail: Mail) -> Found:
    """What is behind is cut off."""
    length = len(_plain(mail.subject))
    if length > LONGEST_SUBJECT:
        words = (
            f"the subject has about {length} characters; inboxes cut it off at {LONGEST_SUBJECT}"
        )
        yield mail.file, mail.line("<mj-title"), words


def loud_subject(mail: Mail) -> Found:
    """Spam filters score capitals and exclamation marks."""
    said = LIQUID.sub("", mail.subject)
    letters = [letter for letter in said if letter.isalpha()]
    if len(letters) > 7 and sum(letter.isupper() for letter in letters) > 0.7 * len(letters):
        yield mail.file, mail.line("<mj-title"), "the subject SHOUTS; write it in small letters"
    if re.search(r"[!?]\s*!|!.*!|\?{2}", said):
        words = "the subject has more than one exclamation mark; one is plenty"
        yield mail.file, mail.line("<mj-title"), words


def spam_words(mail: Mail) -> Found:
    """A small list of our own, not a filter's: it takes several of them to be told."""
    said = f" {_plain(mail.subject)} {_plain(mail.text)} ".lower()
    there = [word for word in _SPAM if re.search(rf"(?<!\w){re.escape(word)}(?!['’\w])", said)]
    score = sum(_SPAM[word] for word in there)
    if score >= SPAM_SCORE:
        quoted = ", ".join(f'"{word}"' for word in there)
        words = f"it reads like spam ({score} points, {SPAM_SCORE} are too many): {quoted}"
        yield mail.file, 1, words


def empty_text(mail: Mail) -> Found:
    """What a watch, a screen reader or a filter reads instead of the HTML."""
    if not re.search(r"\w", LIQUID.sub("", mail.text)):
        stem = mail.file.removesuffix(".mjml")
        yield mail.file, 1, f"its plain text says nothing; write {stem.partition('/')[2]}.txt"


def only_images(mail: Mail) -> Found:
    """Many programs show no images until they are asked to; filters distrust such mails."""
    said = "".join(one.words for one in mail.tags("mj-text", "mj-button", "mj-table"))
    if any(mail.tags("mj-image", "img")) and len(_plain(" ".join(said.split()))) < 60:
        yield mail.file, 1, "it is hardly more than images; whoever does not load them sees nothing"


def too_large(mail: Mail) -> Found:
    """Gmail cuts the rest off, the link to leave with it."""
    size = len(mail.html.encode())
    if size > CLIPPED:
        words = (
            f"its HTML has {size // 1000} KB; Gmail hides all that is behind {CLIPPED // 1000} KB"
        )
        yield mail.file, 1, words


def no_alt(mail: Mail) -> Found:
    """WCAG 1.1.1; alt="" is right for one that only decorates."""
    for image in mail.tags("mj-image", "img", "mj-carousel-image"):
        if "alt" not in image.values:
            words = (
                'who cannot see the image learns nothing; write alt="...", or alt="" for mere looks'
            )
            yield image.file, image.line, words


def low_contrast(mail: Mail) -> Found:
    """WCAG 1.4.3, where both colours stand in the file, on the tag or above it."""
    for one in mail.tags("mj-text", "mj-button", "span", "p", "td", "a", "div"):
        if not (one.values.get("color") or "color:" in one.values.get("style", "")):
            continue
        front = one.inherited("color")
        back = one.inherited("background-color", "background", "container-background-color")
        if _COLOUR.match(front) and _COLOUR.match(back) and one.words.strip():
            ratio, needed = contrast(front, back), _needed(one)
            if ratio < needed:
                words = (
                    f"{front} on {back} is hard to read: contrast {ratio:.1f}, needed {needed:g}"
                )
                yield one.file, one.line, words


def _needed(one: Element) -> float:
    size = re.match(r"([\d.]+)px", one.inherited("font-size"))
    pixels = float(size[1]) if size else 13.0
    is_bold = one.inherited("font-weight") in ("bold", "bolder", "600", "700", "800", "900")
    return LARGE_CONTRAST if pixels >= (LARGE_BOLD if is_bold else LARGE) else CONTRAST


def contrast(front: str, back: str) -> float:
    """From 1 to 21, of two colours like #0B5D50 (WCAG 2.2, "contrast ratio")."""
    light, dark = sorted((_luminance(front), _luminance(back)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    """WCAG 2.2, "relative luminance"."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = (int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4))
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def empty_links(mail: Mail) -> Found:
    """WCAG 2.4.4: who hears a list of the links has to know where they lead."""
    for link in mail.tags("a", "mj-button"):
        said = " ".join(link.words.split()).strip(" .:!>»→").lower()
        if said in _SAYS_NOTHING:
            yield link.file, link.line, f'the link "{said}" does not say where it leads'


def insecure_links(mail: Mail) -> Found:
    """Anybody on the way can read and change what is fetched by http."""
    for one in mail.elements:
        for name in ("href", "src"):
            if one.values.get(name, "").strip().lower().startswith("http://"):
                yield one.file, one.line, f"{one.values[name].strip()[:60]} is not https"


def half_utm(mail: Mail) -> Found:
    """A visit is counted only with its source, medium and campaign."""
    for one in mail.tags("a", "mj-button", "mj-image"):
        there = set(
            re.findall(r"[?&;](utm_(?:source|medium|campaign))=", one.values.get("href", ""))
        )
        missing = sorted({"utm_source", "utm_medium", "utm_campaign"} - there)
        if there and missing:
            yield one.file, one.line, f"the link has no {' and no '.join(missing)}"


def foreign_tags(mail: Mail) -> Found:
    """Another product's merge tags, and Liquid with a bracket too few: people would read them."""
    for file, text in {mail.file: mail.source, **mail.parts}.items():
        hidden = re.sub(
            r"<mj-style.*?</mj-style>|<style.*?</style>", lines_only, text, flags=re.DOTALL
        )
        for match in _OTHER_TAGS.finditer(LIQUID.sub(lines_only, hidden)):
            line = hidden.count("\n", 0, match.start()) + 1
            words = f"people would read {match.group().strip()}; write {{{{ person.name }}}}"
            yield file, line, words


RULES: tuple[Callable[[Mail], Found], ...] = (
    no_imprint,
    no_language,
    no_preheader,
    long_subject,
    loud_subject,
    spam_words,
    empty_text,
    only_images,
    too_large,
    no_alt,
    low_contrast,
    empty_links,
    insecure_links,
    half_utm,
    foreign_tags,
)


def warnings(mail: Mail) -> list[Problem]:
    """All that could be better, in the order of the lines."""
    return sorted({Problem(*found) for rule in RULES for found in rule(mail)})
