"""The security headers that every answer of ours has, whoever gives it.

It imports nothing, for doors that must start quickly use it. After the OWASP
HTTP Headers cheat sheet (https://cheatsheetseries.owasp.org).
"""

ALWAYS = {
    "referrer-policy": "no-referrer",
    "strict-transport-security": "max-age=31536000",
    "x-content-type-options": "nosniff",
}
# What a stranger with a link of ours gets is about one person: it is kept nowhere, and framed by
# nobody.
OF_LINK = ALWAYS | {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "form-action 'self'; frame-ancestors 'none'",
    "x-robots-tag": "noindex, nofollow",
}
OF_PAGE = OF_LINK | {"content-type": "text/html; charset=utf-8"}
# An answer of data is no page: nothing in it may run, and nobody may frame it.
DATA = ALWAYS | {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}
