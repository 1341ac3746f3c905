"""Where we do otherwise than cdk-nag asks, said with the reason at the very place."""

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct


def accept(where: IConstruct, why: str, *rules: str) -> None:
    """Accept findings of these rules, such as `AwsSolutions-SMG4`, in one construct."""
    packs = (rule.partition("-")[0] for rule in rules)
    Validations.of(where).acknowledge(
        *(
            Acknowledgment(id=f"{pack}::{rule}", reason=why)
            for pack, rule in zip(packs, rules, strict=True)
        )
    )
