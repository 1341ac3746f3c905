"""The three tables, and who may do what with them."""

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.encryption import Encryption
from infra.stages import Stage

PEOPLE, TIMELINE, CATALOGUE = "people", "timeline", "catalogue"
LISTED = (PEOPLE, CATALOGUE)  # have the index `listing`
OF_PEOPLE = (PEOPLE, TIMELINE)  # under the stage's own key
LISTING = "listing"

READ = ("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query")
WRITE = (
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:DeleteItem",
    "dynamodb:BatchWriteItem",
)


class Tables(Construct):
    """people, timeline and catalogue, as `functions/storage` knows them."""

    def __init__(self, scope: Construct, stage: Stage, encryption: Encryption) -> None:
        super().__init__(scope, "Tables")
        self._encryption = encryption
        self.tables = {name: self._table(name, stage) for name in (PEOPLE, TIMELINE, CATALOGUE)}

    def _table(self, name: str, stage: Stage) -> dynamodb.Table:
        own_key = name in OF_PEOPLE
        table = dynamodb.Table(
            self,
            name.title(),
            table_name=f"{stage.prefix}-{name}",
            partition_key=_text("pk"),
            sort_key=_text("sk"),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            time_to_live_attribute="expires",
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            # Collecting looks a write key up in the catalogue; without a key of ours it needs
            # no permission for one, and no call to it.
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED if own_key else None,
            encryption_key=self._encryption.key if own_key else None,
            deletion_protection=stage.is_prod,
            removal_policy=stage.removal,
        )
        if name in LISTED:
            table.add_global_secondary_index(
                index_name=LISTING,
                partition_key=_text("listing"),
                sort_key=_text("listed"),
                projection_type=dynamodb.ProjectionType.KEYS_ONLY,
            )
        return table

    def let_read(self, role: iam.IRole, *names: str) -> None:
        """The role may read these tables and list what is in them."""
        for name in names:
            arn = self.tables[name].table_arn
            _allow(role, READ, arn)
            if name in LISTED:
                _allow(role, ("dynamodb:Query",), f"{arn}/index/{LISTING}")
        if set(names) & set(OF_PEOPLE):
            self._encryption.let_use(role, write=False)

    def let_write(self, role: iam.IRole, *names: str) -> None:
        """The role may read and write these tables."""
        self.let_read(role, *names)
        for name in names:
            _allow(role, WRITE, self.tables[name].table_arn)
        if set(names) & set(OF_PEOPLE):
            self._encryption.let_use(role, write=True)

    def let_write_only(self, role: iam.IRole, name: str, *partitions: str) -> None:
        """The role may write the records of this table whose partition keys look like this."""
        keys = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(partitions)}}
        arn = self.tables[name].table_arn
        role.add_to_principal_policy(
            iam.PolicyStatement(actions=list(WRITE), resources=[arn], conditions=keys)
        )

    def let_look_up(self, role: iam.IRole, name: str) -> None:
        """The role may get single items of this table, and nothing else."""
        _allow(role, ("dynamodb:GetItem",), self.tables[name].table_arn)
        if name in OF_PEOPLE:
            self._encryption.let_use(role, write=False)

    def let_say(self, role: iam.IRole, name: str) -> None:
        """The role may say a word to an item of which it knows the key (`storage.say`), and sees
        nothing of it but where it has moved."""
        # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
        known = {"dynamodb:Attributes": ["pk", "sk", "version", "said", "moved"]}
        answers = {  # what a call may bring back
            "dynamodb:UpdateItem": {"dynamodb:ReturnValues": "NONE"},
            "dynamodb:GetItem": {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"},
        }
        for action, nothing_else in answers.items():
            role.add_to_principal_policy(
                iam.PolicyStatement(
                    actions=[action],
                    resources=[self.tables[name].table_arn],
                    conditions={
                        "ForAllValues:StringEquals": known,
                        "StringEqualsIfExists": nothing_else,
                    },
                )
            )
        self._encryption.let_use(role, write=True)


def _text(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)


def _allow(role: iam.IRole, actions: tuple[str, ...], resource: str) -> None:
    role.add_to_principal_policy(iam.PolicyStatement(actions=list(actions), resources=[resource]))
