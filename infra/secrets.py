"""The three secrets, made by AWS itself: no value of theirs is in the template."""

import string
from typing import NamedTuple

from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.accepted import accept
from infra.stages import Stage

IDENTITY, LINKS, ADMIN = "identity", "links", "admin"
NOT_HEX = "".join(sorted(set(string.ascii_letters + string.punctuation) - set("abcdef")))


class Kind(NamedTuple):
    """One secret: a JSON object with one generated value under `key`."""

    key: str
    purpose: str
    not_rotated: str


ALL = {
    IDENTITY: Kind(
        "key",
        "Keys the hashes of people and addresses; it must never change",
        "People are kept under hashes with this key: with another one nobody would be found again.",
    ),
    LINKS: Kind(
        "1",
        "Signs links to leave, by key id; add an id to rotate, the last one signs",
        "Links in old mails must work for ever, so a key is added by hand and none is replaced.",
    ),
    ADMIN: Kind(
        "key",
        "Opens the admin API; change it whenever you like",
        "A few people share it, and somebody must tell them: it is changed when one of them goes.",
    ),
}


class Secrets(Construct):
    """identity, links and admin."""

    def __init__(self, scope: Construct, stage: Stage) -> None:
        super().__init__(scope, "Secrets")
        self.secrets = {
            name: secretsmanager.Secret(
                self,
                name.title(),
                description=f"{stage.prefix} {name}: {kind.purpose}",
                generate_secret_string=secretsmanager.SecretStringGenerator(
                    secret_string_template="{}",
                    generate_string_key=kind.key,
                    password_length=64,
                    exclude_characters=NOT_HEX,
                    require_each_included_type=False,
                ),
                removal_policy=stage.removal,
            )
            for name, kind in ALL.items()
        }
        for name, kind in ALL.items():
            accept(self.secrets[name], kind.not_rotated, "AwsSolutions-SMG4")

    def arn(self, name: str) -> str:
        """What a Lambda is told instead of the secret."""
        return str(self.secrets[name].secret_arn)

    def let_read(self, role: iam.IRole, *names: str) -> None:
        """The role may read these secrets."""
        role.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["secretsmanager:GetSecretValue"],
                resources=[self.arn(name) for name in names],
            )
        )
