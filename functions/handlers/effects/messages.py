"""A step's message: delivering it, and what is known of it."""

from datetime import datetime

from functions.handlers import referring
from functions.handlers.coding import codes_for
from functions.handlers.effects.at_step import AtStep
from functions.handlers.offers import for_template, offers_of
from functions.journeys.steps.send import BEST_CHANNEL, Send
from functions.messages.best_channel import ORDER
from functions.messages.country import country_of
from functions.messages.deliver import deliver
from functions.messages.sunset import last_sign
from functions.messages.wish import Desk, Wish
from functions.segments.limit_words import ASLEEP
from functions.storage.suppressions import Suppressions
from functions.tracking.event import EventBatch, bodies
from functions.tracking.message import Message, Outcome, ledger_key, send_id
from functions.tracking.own_event import FELL_ASLEEP, MESSAGE_SENT, own_event


class Messages(AtStep):
    """Messages by the ledger, each at most once."""

    _let_go: tuple[str, datetime] | None = None  # the step whose message went in this call, when

    def deliver(self, step: Send) -> Outcome:
        languages = self.published.languages.get(step.send, {})
        channels = [name for name in ORDER if name in languages]
        limits = self.parts.library.limits()
        calm = limits.calm if limits.calm and limits.calm.segment in self.profile.segments else None
        wish = Wish(
            person=self.run.person,
            run_id=self.run.run_id,
            journey=self.run.journey,
            step=step.name,
            message=step.send,
            channels=channels if step.by == BEST_CHANNEL else [step.by or channels[0]],
            purpose=step.purpose or self.journey.purpose,
            entry=self.run.entry,
            files=self.published.files,
            languages=languages,
            zone=self.zone,
            send_only=self.journey.send_only,
            held_out=self.run.held_out,
            iteration=self._pass,
            latest=step.latest(self.entered, self.zone),
            best_until=step.best_until(self.entered),
            paused=self.parts.library.is_paused(self.run.journey),
            kind=self.journey.kind,
            country=country_of(self.profile) or limits.country if limits.countries else "",
            last_sign=last_sign(self.profile) if limits.sunset else None,
            is_calm=calm is not None,
            is_short=calm is not None and calm.short,
        )
        outcome = deliver(wish, self._delivery_desk())
        self._tell_of_message(step, outcome)
        if outcome.reason == ASLEEP:
            self._tell_of_sleep(wish.last_sign)
        if outcome.at:
            self._let_go = step.name, outcome.at
        return outcome

    def _tell_of_message(self, step: Send, outcome: Outcome) -> None:
        """Where a rule counts messages, each is an event. No receipt can be counted instead: not
        every channel gives any."""
        asked = self.parts.library.rules().tells(MESSAGE_SENT)
        if not asked or outcome.at is None or outcome.state not in ("sent", "unknown"):
            return
        run = self.run
        sent = own_event(
            "messages",
            run.person,
            MESSAGE_SENT,
            send_id(run.run_id, step.name, self._pass),
            outcome.at,
            journey=run.journey,
            message=step.send,
            run_id=run.run_id,
        )
        self.parts.send_events(bodies(EventBatch([sent])), 0)

    def _tell_of_sleep(self, since: datetime | None) -> None:
        """Once for each sleep, however many messages do not go: a journey may ask whether the
        person wants to stay."""
        told = self.profile.events.get(FELL_ASLEEP)
        if told and since and told.last > since:
            return
        person, now = self.run.person, self.parts.now()
        asleep = own_event("messages", person, FELL_ASLEEP, str(since), now, since=str(since))
        self.parts.send_events(bodies(EventBatch([asleep])), 0)

    def _delivery_desk(self) -> Desk:
        parts = self.parts
        return Desk(
            store=parts.store,
            channels=self.meter.watch(parts.channels),
            brand=parts.library.brand(),
            now=parts.now,
            link_keys=parts.settings.link_keys,
            public_url=parts.settings.public_url,
            profile=lambda person: self.profile,
            permission=self.desk.permission,
            products=lambda profile: for_template(offers_of(parts, profile)),
            referral=lambda profile: referring.shown(parts, profile),
            codes=lambda wish, profile: codes_for(parts, profile, self.run),
            cuts=parts.library.rules().cuts,
            limits=parts.library.limits(),
            words=parts.words,
            stopped=Suppressions(parts.store, parts.settings.identity_key).stopped,
        )

    def claimed_at(self, step: str) -> datetime | None:
        if self._let_go and self._let_go[0] == step:
            return self._let_go[1]
        message = self._message(step)
        return message.claimed if message else None

    def _message(self, step: str) -> Message | None:
        """The ledger's row of that step's message, in this pass."""
        key = ledger_key(self.run.run_id, send_id(self.run.run_id, step, self._pass))
        return self.parts.store.get(Message, self.run.person, key)

    def _is_done_with(self, send: Send) -> bool:
        """Whether the message has gone, or will not go and the run goes on without it."""
        message = self._message(send.name)
        if message is None or message.claimed:
            return message is not None
        return message.state == "not sent" and not send.if_not_sent
