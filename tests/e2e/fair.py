"""A journey that only the people of a forecast enter, in which being late decides nothing.

MiniStack is late by days or months of the stage's time. So nobody answers here where the time soon
runs out, and where somebody answers there are 900 days for it: half an hour.
"""

from pathlib import Path

ENTERED_BY, TAKEN, CANCELLED = "Fair Announced", "Seat Taken", "Fair Cancelled"
JOURNEY = f"""
title: Twenty people and a trade fair
purpose: offers
enter when: {{event: {ENTERED_BY}}}
once per: person
leave when:
  - {{event: {CANCELLED}, as: cancelled}}
steps:
  - send: hello
    purpose: transactional
    if not sent:
      - send: note
        by: sms
        purpose: transactional
  - wait: 1 day
  - choose:
      - if: {{person: {{plan: pro}}}}
        then:
          - send: for-pros
            purpose: product tips
      - if: {{may get: sms}}
        then:
          - send: invitation
            by: sms
    otherwise:
      - send: invitation
        by: email
  - wait for: {{event: Fair Rained Off}}
    at most: 1 day
    then:
      - end: rained off
    otherwise:
      - split: wording
        arms:
          plain: {{share: 50 percent, then: [{{send: reminder}}]}}
          friendly: {{share: 50 percent, then: [{{send: friendly-reminder}}]}}
  - wait for first of:
      - event: {TAKEN}
        then:
          - send: seat
      - clicked: [reminder, friendly-reminder]
        then:
          - send: map
    at most: 900 days
    otherwise:
      - send: missed
"""
MAILS = {
    "hello": (
        "Wir sind auf der Messe, {{ person.first_name }}",
        "The fair, {{ person.first_name }}",
    ),
    "for-pros": ("Die Messe für Profis", "The fair for professionals"),
    "invitation": ("Kommen Sie an unseren Stand", "Come to our stand"),
    "reminder": ("Noch ist ein Platz frei", "One seat is left"),
    "friendly-reminder": ("Wir freuen uns auf Sie", "We would love to see you"),
    "seat": ("Ihr Platz ist reserviert", "Your seat is reserved"),
    "map": ("So finden Sie uns", "How to find us"),
    "missed": ("Bis zum nächsten Jahr", "See you next year"),
}
TEXTS = {
    "note": ("Wir sind auf der Messe.", "We are at the fair."),
    "invitation": ("Kommen Sie! Keine SMS mehr? Antwort STOP", "Come! No more texts? Reply STOP"),
}
MAIL = """<mjml lang="LANGUAGE">
  <mj-head>
    <mj-title>WORDS</mj-title>
    <mj-include path="../parts/head.mjml" />
  </mj-head>
  <mj-body>
    <mj-section><mj-column>
      <mj-text><a href="{{ links.shop }}">WORDS</a></mj-text>
    </mj-column></mj-section>
    <mj-wrapper><mj-include path="../parts/footer.LANGUAGE.mjml" /></mj-wrapper>
  </mj-body>
</mjml>
"""


def write(folder: Path) -> None:
    """The journey with its messages, as files of a new folder."""
    folder.mkdir()
    (folder / "journey.yaml").write_text(JOURNEY, "utf-8")
    for number, language in enumerate(("de", "en")):
        for name, words in MAILS.items():
            text = MAIL.replace("WORDS", words[number]).replace("LANGUAGE", language)
            (folder / f"{name}.{language}.mjml").write_text(text, "utf-8")
        for name, words in TEXTS.items():
            text = f"{{{{ brand.name }}}}: {words[number]}\n"
            (folder / f"{name}.{language}.sms").write_text(text, "utf-8")
