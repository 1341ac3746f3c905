"""Tracking: links that tell of a click, the picture that tells of an open, and whose are let be."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from html import escape, unescape
from typing import Any
from urllib.parse import quote_plus

from msgspec.structs import replace

from functions.messages.brand import Brand
from functions.messages.link import HONEYPOT, Tracked, sign
from functions.messages.short import short
from functions.messages.template import MARKED, NOT_TRACKED, Rendered
from functions.tracking.message import Message
from functions.tracking.permission import Permission, last_word
from functions.tracking.short_link import ShortLink

PURPOSE = "tracking"
TEXT_LINK = "text"  # the name of a link that only a plain text has
SHORT_LINKS_LIVE = 400  # days, as long as the timeline
_URL = re.compile(r"https?://[^\s<>\"']+", re.IGNORECASE)
_ENDS = ".,;:!?"  # of a sentence, not of the address that stands there
_NO = (False, "no", "false", 0, "0")


def may_track(brand: Brand, permission: Permission, channel: str, trait: Any) -> bool:
    """Whether opens and clicks of this person may be told: by their own word on the purpose
    `tracking` of the channel, or without one as brand.yaml has it (`tracking`). The person's trait
    `tracking: false` says no as well."""
    if trait in _NO:
        return False
    word = last_word(permission, f"{channel}/{PURPOSE}")
    return word.given if word else brand.tracking == "unless refused"


@dataclass
class Tracker:
    """The links of one message to one person. `on` says whether they are told of; `made` are the
    records of the short ones, to be stored before the message goes."""

    row: Message
    brand: Brand
    keys: Mapping[str, bytes]
    public_url: str
    on: bool
    now: datetime
    made: list[ShortLink] = field(default_factory=list)

    def downloads(self) -> dict[str, str]:
        """The links `{{ download.NAME }}`."""
        if not self.on:
            return dict(self.brand.assets)
        return {
            name: self._address("download", "d", name, "", url)
            for name, url in self.brand.assets.items()
        }

    def take(self, rendered: Rendered) -> Rendered:
        """The message as it goes: in a mail the marks are gone; utm words added where the brand
        wants them; and of whom it may be told, every link leads through us, with a picture that
        tells of an open and a link that only robots find."""
        if self.row.channel == "sms":
            return replace(rendered, text=self._text(rendered.text, {}, self._short))
        names = {unescape(m[2]).strip(): m[3] for m in MARKED.finditer(rendered.html)}
        of = str(len(names))
        signed = {url: self._through_us(name, of, url) for url, name in names.items()}

        def put(match: re.Match[str]) -> str:
            url = signed[unescape(match[2]).strip()]
            same = url == unescape(match[2]).strip()
            return f"href={match[1]}{match[2] if same else escape(url)}{match[1]}"

        html = MARKED.sub(put, rendered.html)
        text = self._text(rendered.text, signed, lambda n, url: self._through_us(n, of, url))
        return replace(rendered, html=self._with_eyes(html, of), text=text)

    def _with_eyes(self, html: str, of: str) -> str:
        if not self.on:
            return html
        pixel = f"{self.public_url}/o/{self._token('open', '', of, '')}.gif"
        trap = self._address("click", "c", HONEYPOT, of, "")
        eyes = (
            f'<a href="{trap}" style="display:none" aria-hidden="true" tabindex="-1"></a>'
            f'<img src="{pixel}" alt="" width="1" height="1" style="display:block;border:0">'
        )
        head, body, rest = html.rpartition("</body>")
        return f"{head}{eyes}{body}{rest}" if body else html + eyes

    def _text(self, text: str, signed: Mapping[str, str], lead: Callable[[str, str], str]) -> str:
        """The links of a plain text: as those of the mail with the same target, else anew."""

        def put(match: re.Match[str]) -> str:
            whole = match.group()
            url = _before_its_close(whole)
            while url not in signed and url[-1] in _ENDS:
                url = url[:-1]
            if url in signed:
                return signed[url] + whole[len(url) :]
            name = self._name(url)
            return (lead(name, url) if name else url) + whole[len(url) :]

        return _URL.sub(put, text)

    def _name(self, url: str) -> str:
        """By brand.yaml, or what links without a name are called; "" for one that is let be."""
        if self._is_let_be(url):
            return ""
        named = [name for name, target in self.brand.links.items() if target == url]
        if named and all(name in NOT_TRACKED for name in named):
            return ""
        return next((name for name in named if name not in NOT_TRACKED), TEXT_LINK)

    def _is_let_be(self, url: str) -> bool:
        """Our own pages; and what the reader passes on to friends, whose clicks are not theirs."""
        page = self.brand.referral_page
        return url.startswith(f"{self.public_url}/") or bool(page and url.startswith(page))

    def _through_us(self, name: str, of: str, url: str) -> str:
        if self._is_let_be(url) or not url.lower().startswith("http"):
            return url
        target = self._with_utm(url, name)
        is_told = bool(self.keys) and self.on
        return self._address("click", "c", name, of, target) if is_told else target

    def _short(self, name: str, url: str) -> str:
        target = self._with_utm(url, name)
        if not self.keys or not self.on:
            return target
        token = self._token("click", name, "", target)
        text, code = short(self.row.person, token)
        expires = int(self.now.timestamp()) + SHORT_LINKS_LIVE * 86400
        self.made.append(ShortLink(self.row.person, code, expires, f"/{token}"))
        return f"{self.public_url}/s/{text}"

    def _address(self, purpose: str, door: str, name: str, of: str, target: str) -> str:
        return f"{self.public_url}/{door}/{self._token(purpose, name, of, target)}"

    def _token(self, purpose: str, name: str, of: str, target: str) -> str:
        row = self.row
        said = Tracked(
            row.person, row.run_id, row.send_id, row.message, row.channel, name, of, target
        )
        return sign(purpose, said, self.keys)

    def _with_utm(self, url: str, name: str) -> str:
        """With the words that web analytics read, where brand.yaml says `utm: yes`; those that
        stand there already stay. https://support.google.com/analytics/answer/10917952"""
        if self.brand.utm == "no":
            return url
        words = {
            "utm_source": self.brand.name.lower(),
            "utm_medium": self.row.channel,
            "utm_campaign": self.row.journey,
            "utm_content": f"{self.row.message}/{name}",
        }
        address, mark, rest = url.partition("#")
        query = address.partition("?")[2]
        there = {pair.partition("=")[0] for pair in query.split("&")}
        more = [f"{key}={quote_plus(one)}" for key, one in words.items() if key not in there]
        if not more:
            return url
        join = "" if address.endswith(("?", "&")) else "&" if "?" in address else "?"
        return f"{address}{join}{'&'.join(more)}{mark}{rest}"


def _before_its_close(url: str) -> str:
    """Up to a bracket that closes what was opened before the address."""
    opened = 0
    for index, letter in enumerate(url):
        opened += {"(": 1, ")": -1}.get(letter, 0)
        if opened < 0:
            return url[:index]
    return url
