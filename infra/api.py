"""The HTTP API: events come in, people leave, the team looks."""

import json

from aws_cdk import RemovalPolicy
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_logs as logs
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration
from constructs import Construct

from infra.accepted import accept
from infra.python_function import PythonFunction, log_retention
from infra.stages import Stage

# Nothing of a person: no address, no agent, and not the path, where a link to leave has its token.
LOGGED = {
    "requestId": "$context.requestId",
    "time": "$context.requestTime",
    "route": "$context.routeKey",
    "status": "$context.status",
    "milliseconds": "$context.responseLatency",
    "lambdaMilliseconds": "$context.integrationLatency",
    "error": "$context.error.responseType",
    "lambdaError": "$context.integrationErrorMessage",
}


class Api(Construct):
    """An HTTP API, because it costs a third of a REST API and does all that is needed."""

    def __init__(self, scope: Construct, stage: Stage) -> None:
        super().__init__(scope, "Api")
        self.api = apigateway.HttpApi(
            self, "Http", api_name=stage.prefix, create_default_stage=False
        )
        log = logs.LogGroup(
            self,
            "Log",
            log_group_name=f"/aws/vendedlogs/{stage.prefix}-api",
            retention=log_retention(stage),
            removal_policy=RemovalPolicy.DESTROY,
        )
        door = apigateway.CfnStage(
            self,
            "Stage",
            api_id=self.api.api_id,
            stage_name="$default",
            auto_deploy=True,
            access_log_settings=apigateway.CfnStage.AccessLogSettingsProperty(
                destination_arn=log.log_group_arn, format=json.dumps(LOGGED)
            ),
            default_route_settings=apigateway.CfnStage.RouteSettingsProperty(
                throttling_rate_limit=stage.requests_per_second,
                throttling_burst_limit=stage.burst,
            ),
        )
        self.url = stage.public_url or self.api.api_endpoint
        self.stage = door

    def route(self, function: PythonFunction, who: str, *routes: str) -> None:
        """Let a Lambda answer routes like `GET /api/{proxy+}` or `$default`; it finds out itself
        whether the caller may, in the way that `who` tells."""
        integration = HttpLambdaIntegration(function.name, function.function)
        for route in routes:
            method, _, path = route.partition(" ")
            key = (
                apigateway.HttpRouteKey.with_(path, apigateway.HttpMethod[method])
                if path
                else apigateway.HttpRouteKey.DEFAULT
            )
            made = apigateway.HttpRoute(
                self, route, http_api=self.api, route_key=key, integration=integration
            )
            accept(made, who, "AwsSolutions-APIG4")
