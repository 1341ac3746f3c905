"""Starts MiniStack 1.5 with four of its mistakes mended, so that what AWS does can be seen here.

It runs in an environment of its own (`requirements-e2e.txt`), not in the tests'.

- Its IAM check compares policies with the resource that a call is about. For five calls that AWS
  checks against a state machine, and for sending mail, `extract_resource_arn`
  (core/iam_actions.py) finds "*" or a made-up name, so that only a policy for "*" would allow them.
- In a template, `Ref` of a secret is its ARN; `_sm_secret_create`
  (services/cloudformation/provisioners.py) gives its name, which no policy can be about.
- An error of a Python Lambda has the name of its class. `_execute_function_with_config_scope`
  (services/lambda_svc.py) calls each one Runtime.HandlerError, which no Retry or Catch names.
- A task with a token fails when its Lambda does. `_invoke_with_callback`
  (services/stepfunctions.py) forgets the error and waits for the token.

And it starts a process for every call that comes while others are at work, each of which unpacks a
hundred megabytes first; on a busy machine soon nothing else is done. So Step Functions calls
AT_ONCE Lambdas at a time here, and EventBridge each Lambda once: others wait, but for those of a
schedule, which are left out.
"""

import json
import os
import signal
import threading
import time
from collections import defaultdict
from email.utils import parseaddr
from typing import Any

from ministack import app
from ministack.core import iam_actions
from ministack.core.responses import get_account_id, get_region
from ministack.services import lambda_svc, secretsmanager, ses, stepfunctions
from ministack.services.cloudformation import provisioners

AT_ONCE = 4
_calls = threading.BoundedSemaphore(AT_ONCE)
_by_rules: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
_machines_of_tokens: dict[str, str] = {}
_here = threading.local()  # each execution has a thread of its own
_extract, _execute = iam_actions.extract_resource_arn, stepfunctions._execute_task
_wait_for_answer = stepfunctions._invoke_with_callback
_call_lambda, _run_lambda = (
    stepfunctions._call_lambda,
    lambda_svc._execute_function_with_config_scope,
)


def execute_task(state_def: Any, raw_input: Any, execution: Any, context: Any) -> Any:
    """Note which machine is at work in this thread."""
    _here.machine = execution["stateMachineArn"]
    return _execute(state_def, raw_input, execution, context)


def wait_for_answer(resource: Any, input_data: Any, token: str, state_def: Any) -> Any:
    """Note whose token it is, and which one this thread is about to wait for."""
    _machines_of_tokens[token], _here.token = _here.machine, token
    try:
        return _wait_for_answer(resource, input_data, token, state_def)
    finally:
        _here.token = None


def call_lambda(function: Any, event: Any) -> Any:
    """Answer the token of a task whose Lambda fails."""
    try:
        with _calls:
            return _call_lambda(function, event)
    except stepfunctions._ExecutionError as error:
        waiting = stepfunctions._task_tokens.get(getattr(_here, "token", None))
        if waiting:
            waiting["error"] = {"Error": error.error, "Cause": error.cause}
            waiting["event"].set()
        raise


def run_lambda(function: Any, event: Any) -> Any:
    """Run those that a rule calls (each in a thread of its own) one at a time."""
    kind = event.get("detail-type") if isinstance(event, dict) else None
    if kind is None:
        return run_named(function, event)
    lock = _by_rules[function["config"]["FunctionName"]]
    if not lock.acquire(blocking=kind != "Scheduled Event"):
        return None
    try:
        return run_named(function, event)
    finally:
        lock.release()


def run_named(function: Any, event: Any) -> Any:
    """Name an error by its class, which is in the last line of the traceback."""
    result = _run_lambda(function, event)
    body = result.get("body")
    if result.get("error") and body.get("errorType") == "Runtime.HandlerError":
        last = (result.get("log") or "").rstrip().rpartition("\n")[2]
        name = last.partition(":")[0].rpartition(".")[2]
        body["errorType"] = name if name.isidentifier() else "Runtime.HandlerError"
    return result


def resource_of(service: str, method: str, path: str, headers: Any, body: bytes, *rest: Any) -> str:
    """The ARN that a call is checked against, as AWS's Service Authorization Reference has it."""
    found = ""
    if service == "states":
        found = _of_states(json.loads(body or b"{}"))
    if service == "ses" and path == "/v2/email/outbound-emails":
        found = _of_sender(json.loads(body))
    return found or str(_extract(service, method, path, headers, body, *rest))


def _of_states(said: dict[str, Any]) -> str:
    """The machine or alias that MiniStack does not see."""
    if said.get("taskToken"):  # SendTaskSuccess, SendTaskFailure
        return _machines_of_tokens.get(said["taskToken"], "")
    if said.get("routingConfiguration") and "name" in said:  # CreateStateMachineAlias
        return str(said["routingConfiguration"][0]["stateMachineVersionArn"]).rpartition(":")[0]
    return str(said.get("stateMachineAliasArn", ""))  # Update- and DescribeStateMachineAlias


def _of_sender(said: dict[str, Any]) -> str:
    """The identity that sends: the address where it is registered itself, else its domain."""
    address = parseaddr(said.get("FromEmailAddress", ""))[1]
    own = (address, address.rpartition("@")[2])
    identity = next((name for name in own if name in ses._identities), address)
    return f"arn:aws:ses:{get_region()}:{get_account_id()}:identity/{identity}"


def mend_secrets(handlers: dict[str, Any]) -> None:
    """Let the ARN be what CloudFormation knows a secret by."""
    create, update, delete = (handlers[name] for name in ("create", "update", "delete"))

    def create_secret(*asked: Any) -> Any:
        _, attributes = create(*asked)
        return attributes["Arn"], attributes

    def update_secret(arn: str, *asked: Any, **more: Any) -> Any:
        _, attributes = update(_name_of(arn), *asked, **more)
        return attributes["Arn"], attributes

    def delete_secret(arn: str, properties: Any) -> None:
        delete(_name_of(arn), properties)

    handlers.update(create=create_secret, update=update_secret, delete=delete_secret)


def _name_of(arn: str) -> str:
    return secretsmanager._resolve(arn)[0] or arn


mend_secrets(provisioners._RESOURCE_HANDLERS["AWS::SecretsManager::Secret"])
iam_actions.extract_resource_arn = resource_of
stepfunctions._execute_task = execute_task
stepfunctions._invoke_with_callback = wait_for_answer
stepfunctions._call_lambda = call_lambda
lambda_svc._execute_function_with_config_scope = run_lambda


def end_with(parent: int) -> None:
    """End this process and those of its Lambdas when the one that started it is gone."""
    while os.getppid() == parent:
        time.sleep(1)
    os.killpg(0, signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    app.main()
