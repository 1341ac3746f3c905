"""What a cluster is like, in a sentence: English and German."""

from collections.abc import Iterable

from functions.segments.cluster_records import ClusterReport, Difference
from functions.segments.clusters import FEWEST
from functions.segments.spoken import Language, number

MOSTLY, HARDLY = 0.5, 0.1  # shares from which on, or below which, a word is true by itself
# feature -> what is said of more of it, and of less; than the other customers, as all of it is.
_WORDS: dict[str, dict[str, tuple[str, str]]] = {
    "en": {
        "recency": ("has not bought for long", "bought lately"),
        "orders": ("has ordered often", "has ordered rarely"),
        "gap": ("leaves much time between orders", "orders at short intervals"),
        "basket": ("in large baskets", "in small baskets"),
        "coupons": ("with coupons more than others", "with coupons less than others"),
        "margin": ("leaves a high margin", "leaves a low margin"),
        "visits": ("visits often", "visits rarely"),
        "engagement": ("reads mails more than others", "reads mails less than others"),
        "mobile": ("by phone more than others", "by phone less than others"),
    },
    "de": {
        "recency": ("hat lange nicht gekauft", "hat kürzlich gekauft"),
        "orders": ("hat oft bestellt", "hat selten bestellt"),
        "gap": ("lässt viel Zeit zwischen den Bestellungen", "bestellt in kurzen Abständen"),
        "basket": ("mit großen Warenkörben", "mit kleinen Warenkörben"),
        "coupons": ("öfter mit Gutschein als andere", "seltener mit Gutschein als andere"),
        "margin": ("bringt viel Marge", "bringt wenig Marge"),
        "visits": ("kommt oft auf die Seite", "kommt selten auf die Seite"),
        "engagement": ("liest Mails öfter als andere", "liest Mails seltener als andere"),
        "mobile": ("öfter am Telefon als andere", "seltener am Telefon als andere"),
    },
}
# Of a share that is great, or next to nothing, by itself.
_PLAIN: dict[str, dict[str, tuple[str, str]]] = {
    "en": {
        "coupons": ("mostly with coupons", "hardly ever with coupons"),
        "engagement": ("reads most mails", "reads hardly any mail"),
        "mobile": ("mostly by phone", "hardly ever by phone"),
    },
    "de": {
        "coupons": ("meist mit Gutschein", "fast nie mit Gutschein"),
        "engagement": ("liest die meisten Mails", "liest kaum eine Mail"),
        "mobile": ("meist am Telefon", "fast nie am Telefon"),
    },
}
NAMES: dict[str, dict[str, str]] = {
    "en": {
        "recency": "days since the last order",
        "orders": "orders",
        "gap": "days between orders",
        "basket": "value of an order",
        "coupons": "orders with a coupon",
        "margin": "margin of the revenue",
        "visits": "visits",
        "engagement": "mails opened",
        "mobile": "pages seen by phone",
    },
    "de": {
        "recency": "Tage seit der letzten Bestellung",
        "orders": "Bestellungen",
        "gap": "Tage zwischen Bestellungen",
        "basket": "Wert einer Bestellung",
        "coupons": "Bestellungen mit Gutschein",
        "margin": "Marge vom Umsatz",
        "visits": "Besuche",
        "engagement": "geöffnete Mails",
        "mobile": "am Telefon gesehene Seiten",
    },
}
_ELSE = {"en": "{}: {}, others {}", "de": "{}: {}, andere {}"}
_ALIKE = {"en": "much like all other customers", "de": "kaum anders als alle anderen Kunden"}


def sentence(apart: Iterable[Difference], language: Language) -> str:
    """ "has ordered often, in small baskets, mostly with coupons"."""
    said = ", ".join(_phrase(one, language) for one in apart)
    return said or _ALIKE[language]


def _phrase(one: Difference, language: Language) -> str:
    side = 0 if one.difference > 0 else 1
    is_plain = one.inside >= MOSTLY if side == 0 else one.inside <= HARDLY
    words = _PLAIN[language].get(one.feature) if is_plain else None
    return (words or _WORDS[language][one.feature])[side]


def figure(one: Difference, language: Language) -> str:
    """ "orders: 92, others 35"."""
    inside, outside = (
        _amount(value, one.is_share, language) for value in (one.inside, one.outside)
    )
    return _ELSE[language].format(NAMES[language][one.feature], inside, outside)


def _amount(value: float, is_share: bool, language: Language) -> str:
    if is_share:
        return f"{number(round(100 * value), language)} %"
    return number(round(value, 1 if value < 100 else 0), language)


DISTINCT, WEAK = 0.5, 0.25  # silhouettes (Kaufman & Rousseeuw, Finding Groups in Data, 1990, ch. 2)
_JUDGED: dict[str, dict[str, str]] = {
    "en": {
        "never": "nothing was learned yet; it is, once a week, when there are segments",
        "few": "there are {} customers; of fewer than {} no clusters are made",
        "none": "the customers behave so much alike that no clusters can be told apart",
        "distinct": "the clusters are clearly distinct",
        "weak": "the clusters overlap: who stands at an edge could be in the next one",
        "crowd": "the clusters are hardly distinct: read them as parts of one crowd",
    },
    "de": {
        "never": "noch wurde nichts gelernt; das geschieht wöchentlich, sobald es Segmente gibt",
        "few": "es gibt {} Kunden; aus weniger als {} werden keine Cluster gebildet",
        "none": "die Kunden verhalten sich so ähnlich, dass sich keine Cluster unterscheiden",
        "distinct": "die Cluster sind deutlich verschieden",
        "weak": "die Cluster überlappen: wer am Rand steht, könnte auch im nächsten sein",
        "crowd": "die Cluster sind kaum verschieden: lies sie als Teile einer Menge",
    },
}


def judgement(found: ClusterReport | None, language: Language) -> str:
    """How far the clusters may be relied on, or why there are none."""
    words = _JUDGED[language]
    if found is None:
        return words["never"]
    if not found.clusters:
        few = found.customers < FEWEST
        return words["few"].format(found.customers, FEWEST) if few else words["none"]
    by_size = ((DISTINCT, "distinct"), (WEAK, "weak"))
    return words[next((word for least, word in by_size if found.silhouette >= least), "crowd")]
