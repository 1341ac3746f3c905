"""What our records have in common, so that squeezing need not say it each time.

Small items are paid by the kilobyte, and half of a small one is names: of fields, of events, and of
the stages that nearly everybody calls the same. zlib takes such a text as a "preset dictionary"
(RFC 1950, 2.2): what stands near its end is cheapest to point at. Never change it, for what was
squeezed with it can be read with nothing else; a better one gets a letter of its own in `packing`.
"""

_NAMES = """
zone GBP CHF USD EUR timezone locale mobile desktop tablet de en company language lastName firstName
phone email sms Order_Refunded Order_Cancelled Order_Updated Product_Removed Checkout_Started
Product_Added Product_Viewed Email_Link_Clicked Email_Opened Email_Delivered Consent_Given
Order_Completed identify page track transactional
context library name version analytics userAgent Mozilla/5.0_ properties product_id sku price
category quantity value currency order_id products revenue discount url https://
text source consents addresses suppressed live claims send_id channel purpose
subject provider_id state sent delivered clicked reason claimed message journey step run_id
entry_key entered entry journey_version status ended outcome finished latest token since until began
type message_id time received_at client_time event trusted key
campaign referrer first_touch refused let_go pending leaving moved count revenue first last
phase place model stage title segment before subscriber evangelist visitor opportunity trial
recruitment recovery reactivated lost lead mql sql customer sales
first-buyer repeat-buyer regular retention open-for-offers new-customers customers
Task_Created Message_Sent Score_Fell Score_Reached Stage_Changed Segment_Left Segment_Entered
outbox apart companies visits costed sums due ruled segments tallied tallies parts score stages
older_orders rows closed items carts pages searches devices groups habits traits events orders
recent created anonymous_ids user_id merged moved_to version person
"""


def _packed(name: str) -> bytes:
    """A name as MessagePack writes a short text: its length, then itself."""
    text = name.replace("_", " ") if name[0].isupper() or "/" in name else name
    return bytes([0xA0 | len(text)]) + text.encode()


DICTIONARY = b"".join(map(_packed, _NAMES.split())) + b"\xb92026-05-06T07:08:09.000Z+00:00\xd6\xff"
