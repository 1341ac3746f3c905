"""The CDK app: `make deploy STAGE=dev` makes of it the stack of one stage."""

import os
import sys

import aws_cdk
from cdk_nag import AwsSolutionsChecks, ServerlessChecks

from functions.problem import Problems
from infra.stack import Tante
from infra.stages import StageError, read_stage


def main() -> None:
    """Synthesise; what is wrong with the options or the journeys is told in words."""
    app = aws_cdk.App(analytics_reporting=False)
    try:
        stage = read_stage(app.node.get_all_context())
        Tante(app, stage, account=os.environ.get("CDK_DEFAULT_ACCOUNT"))
    except (StageError, Problems) as wrong:
        sys.exit(str(wrong))
    if not stage.host:
        aws_cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app), ServerlessChecks(app))
    app.synth()


main()
