"""Keywords: the texts by which people leave, come back or ask for help, as a whole message only.

STOP, UNSUBSCRIBE, END, CANCEL, QUIT, HELP and INFO are those of CTIA's Messaging Principles (2023,
5.1.3); the German ones are what German senders offer.
"""

KEYWORDS = {
    "stop": "stop stopp stopall unsubscribe end cancel quit abmelden abbestellen",
    "start": "start unstop anmelden",
    "help": "help hilfe info",
}
_MEANING = {word: name for name, words in KEYWORDS.items() for word in words.split()}


def keyword(text: str) -> str:
    """ "stop", "start" or "help" when the text is nothing but such a word, in whatever case and
    with whatever signs around it; else "". "Please stop by" is not to leave."""
    letters = "".join(letter if letter.isalnum() else " " for letter in text)
    return _MEANING.get(letters.strip().casefold(), "")
