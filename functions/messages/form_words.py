"""What forms say around the words of forms.yaml."""

WORDS = {
    "de": {
        "title": "Anmelden",
        "button": "Anmelden",
        "thanks": "Vielen Dank! Wir haben Ihnen eine Nachricht geschickt. Bitte bestätigen Sie "
        "darin mit einem Klick, dass Sie es waren. Erst dann sind Sie angemeldet.",
        "none": "Dieses Formular gibt es nicht.",
        "origin": "Von dieser Seite aus kann das Formular nicht abgeschickt werden.",
        "required": "(nötig)",
        "about": "Worüber dürfen wir Ihnen schreiben?",
        "empty": "Bitte leer lassen",
    },
    "en": {
        "title": "Sign up",
        "button": "Sign up",
        "thanks": "Thank you! We have sent you a message. Please confirm with one click in it that "
        "it was you. Only then are you signed up.",
        "none": "There is no such form.",
        "origin": "The form cannot be sent from this page.",
        "required": "(required)",
        "about": "What may we write to you about?",
        "empty": "Please leave empty",
    },
}
WRONG = {
    "de": {
        "missing": "Bitte füllen Sie dieses Feld aus: {field}",
        "long": "Das ist zu lang: {field}",
        "letters": "Darin steht ein Zeichen, das wir nicht lesen können: {field}",
        "email": "Das ist keine E-Mail-Adresse. Sie sieht so aus: name@example.com",
        "phone": "Das ist keine Mobilnummer. Sie sieht so aus: +49 151 23456789",
        "quick": "Das ging sehr schnell. Bitte schicken Sie das Formular noch einmal ab.",
        "often": "Von Ihrem Anschluss kamen zu viele Anmeldungen. Bitte später noch einmal.",
        "busy": "Gerade ist viel los. Bitte schicken Sie das Formular noch einmal ab.",
    },
    "en": {
        "missing": "Please fill in this field: {field}",
        "long": "This is too long: {field}",
        "letters": "There is a character in it that we cannot read: {field}",
        "email": "This is no e-mail address. One looks like this: name@example.com",
        "phone": "This is no mobile number. One looks like this: +49 151 23456789",
        "quick": "That was very quick. Please send the form once more.",
        "often": "Too many sign-ups came from your connection. Please try again later.",
        "busy": "Much is going on just now. Please send the form once more.",
    },
}


def words(language: str) -> dict[str, str]:
    """What stands around a form; in English where we have none in that language."""
    return WORDS.get(language, WORDS["en"])


def refusal(language: str, why: str) -> str:
    """What is wrong with an answer, with a place for the `field`."""
    return WRONG.get(language, WRONG["en"])[why]
