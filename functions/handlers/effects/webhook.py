"""A step's call to a webhook of the brand."""

from typing import Any

import msgspec

from functions.channels import channel
from functions.channels.channel import Outgoing
from functions.handlers import referring
from functions.handlers.coding import codes_for
from functions.handlers.discreet import Logger
from functions.handlers.effects.at_step import AtStep
from functions.journeys.step import Step, WebhookBusy, WebhookRefused
from functions.messages import referral, signature
from functions.messages.template import TemplateError, fill
from functions.messages.template_values import template_values
from functions.segments import account
from functions.segments.person import shown_fields
from functions.tracking.permission import Refused

logger = Logger(service="run_step")


class Calls(AtStep):
    """Calls, signed and with the step's own id."""

    def call(self, step: Step, name: str, said: dict[str, Any]) -> None:
        """Post to a webhook of the brand in force. Raises WebhookBusy, WebhookRefused."""
        parts, run = self.parts, self.run
        brand = parts.library.brand()
        webhook = brand.webhooks.get(name)
        if webhook is None:
            raise WebhookRefused(f'brand.yaml has no webhook "{name}" any more')
        person = shown_fields(self.profile, parts.now(), parts.library.rules().cuts)
        if any(isinstance(one, str) and referral.mentions(one) for one in said.values()):
            person |= referring.shown(parts, self.profile)
        values = template_values(
            person,
            run.entry,
            brand,
            "",
            self._pass,
            account.fields(self.profile),
            codes=codes_for(parts, self.profile, run),
        )
        try:
            told = {
                word: fill(one, values, autoescape=False) if isinstance(one, str) else one
                for word, one in said.items()
            }
        except (TemplateError, Refused) as error:
            raise WebhookRefused(str(error)) from None
        entry = {"event": run.entry.name, "properties": run.entry.properties}
        about = {
            "person": run.person,
            "user_id": self.profile.user_id,
            "journey": run.journey,
            "run": run.run_id,
            "step": step.name,
            "pass": self._pass + 1,
            "entry": entry,
            "with": told,
        }
        body = msgspec.json.encode(
            {"type": "journey.webhook", "timestamp": self.entered, "data": about}
        ).decode()
        now, keys = parts.settings.in_reality(parts.now()), parts.settings.link_keys
        signed = signature.headers(self._once(step), now, body, name, keys)
        message = Outgoing(
            send_id=self._once(step),
            to=webhook.url,
            text=body,
            subject=name,
            headers=signed,
            person=run.person,
        )
        try:
            parts.channels["webhook"].send(message)
        except channel.Permanent as error:
            logger.error("a webhook refused", extra={"webhook": name, "reason": str(error)})
            raise WebhookRefused(str(error)) from None
        except channel.Temporary as error:
            raise WebhookBusy(str(error)) from None
