"""Why a product is suggested to somebody, in English and German."""

from functions.products.product import CENT, Product
from functions.products.suggest import Suggestion
from functions.segments.spoken import Language, number, quoted

_FORMS: dict[Language, dict[str, str]] = {
    "en": {
        "together": "{share} % of those who bought {of} bought it too",
        "better": "of the same kind as {of}, at {share} times its price",
        "popular": "bought by many: {share} people",
        "popular of one": "one person bought it",
        "hint": "{name}: {why}",
        "price": "{name} ({price}): {why}",
    },
    "de": {
        "together": "{share} % derer, die {of} gekauft haben, kauften es auch",
        "better": "von derselben Art wie {of}, zum {share}-fachen Preis",
        "popular": "von vielen gekauft: {share} Personen",
        "popular of one": "eine Person hat es gekauft",
        "hint": "{name}: {why}",
        "price": "{name} ({price}): {why}",
    },
}


def why(suggestion: Suggestion, of: Product | None, language: Language) -> str:
    """The reason; `of` is the product that it speaks of, as far as we know it."""
    share = suggestion.share
    one = suggestion.reason == "popular" and share == 1
    form = _FORMS[language]["popular of one" if one else suggestion.reason]
    told = round(100 * share) if suggestion.reason == "together" else round(share, 1)
    name = quoted(of.name if of else suggestion.of, language)
    return form.format(share=number(told, language), of=name)


def hint(product: Product, suggestion: Suggestion, of: Product | None, language: Language) -> str:
    """The product with its price, and the reason."""
    price = ""
    if product.price is not None:
        price = f"{number(product.price.quantize(CENT), language)} {product.currency}".strip()
    form = _FORMS[language]["price" if price else "hint"]
    name = quoted(product.name, language)
    return form.format(name=name, price=price, why=why(suggestion, of, language))
