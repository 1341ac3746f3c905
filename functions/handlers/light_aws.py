"""AWS's JSON services, called and signed with the standard library alone, where a start must be
quick.

Signature Version 4 as in
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from time import monotonic_ns, sleep

from functions.handlers.light_http import Answer, Connection
from functions.light_settings import Account, account

TYPE_CHECKING = False  # as in `typing`, whose import costs a tenth of the start
if TYPE_CHECKING:
    from typing import Any

# service -> (what its targets begin with, the version of the JSON protocol)
PROTOCOLS = {
    "sqs": ("AmazonSQS", "1.0"),
    "dynamodb": ("DynamoDB_20120810", "1.0"),
    "secretsmanager": ("secretsmanager", "1.1"),
}
BUSY = ("Throttl", "TooManyRequests", "RequestLimitExceeded", "ProvisionedThroughputExceeded")
LONGEST_NAP = 0.2  # seconds before the one other try, by chance: not all come back at once
_kept: dict[tuple[str, int], Connection] = {}


class AwsError(Exception):
    """A service said no; `code` is its name for that, such as ConditionalCheckFailedException."""

    def __init__(self, code: str, message: str, status: int = 0) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.status = code, status


class Unreachable(AwsError):
    """No answer came, twice; whether it was done nobody knows."""

    def __init__(self, reason: str) -> None:
        super().__init__("Unreachable", reason)


def call(
    service: str,
    target: str,
    body: Mapping[str, Any],
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    nap: Callable[[float], None] = sleep,
) -> dict[str, Any]:
    """One call, such as `call("sqs", "SendMessage", {"QueueUrl": ..., "MessageBody": ...})`.

    Tried once more when the connection breaks, the service is busy, or fails: what is asked for
    must bear being done twice. Raises AwsError.
    """
    who = account()
    secure, host, port = _endpoint(service, who)
    raw = json.dumps(body, separators=(",", ":")).encode()
    prefix, version = PROTOCOLS[service]
    last: AwsError
    for attempt in (1, 2):
        headers = {
            "content-type": f"application/x-amz-json-{version}",
            "host": host if port in (80, 443) else f"{host}:{port}",
            "x-amz-target": f"{prefix}.{target}",
        }
        headers = signed(headers, raw, service, who, now())
        try:
            answer = _post(secure, host, port, headers, raw)
        except OSError as error:
            last = Unreachable(f"{service}: {error}")
        else:
            if answer.status == 200:
                return dict(json.loads(answer.body or b"{}"))
            last = _error(answer)
            if answer.status < 500 and not any(word in last.code for word in BUSY):
                raise last
        if attempt == 1:
            nap(LONGEST_NAP * (monotonic_ns() // 1000 % 1000) / 1000)
    raise last


def signed(
    headers: Mapping[str, str], body: bytes, service: str, who: Account, now: datetime
) -> dict[str, str]:
    """The headers of a POST to "/" (names in small letters) with those that sign all of them."""
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    token = {"x-amz-security-token": who.session_token} if who.session_token else {}
    said = dict(sorted({**headers, "x-amz-date": stamp, **token}.items()))
    names = ";".join(said)
    lines = "".join(f"{name}:{' '.join(value.split())}\n" for name, value in said.items())
    request = f"POST\n/\n\n{lines}\n{names}\n{sha256(body).hexdigest()}"
    scope = f"{stamp[:8]}/{who.region}/{service}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{sha256(request.encode()).hexdigest()}"
    key = f"AWS4{who.secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    said["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={who.key_id}/{scope}, SignedHeaders={names}, "
        f"Signature={signature}"
    )
    return said


def _endpoint(service: str, who: Account) -> tuple[bool, str, int]:
    """Whether by TLS, the host, the port."""
    if not who.endpoint_url:
        ending = "amazonaws.com.cn" if who.region.startswith("cn-") else "amazonaws.com"
        return True, f"{service}.{who.region}.{ending}", 443
    scheme, _, rest = who.endpoint_url.partition("://")
    host, _, port = rest.partition("/")[0].partition(":")
    secure = scheme == "https"
    return secure, host, int(port) if port else 443 if secure else 80


def _post(secure: bool, host: str, port: int, headers: dict[str, str], body: bytes) -> Answer:
    """By the connection that is open, else by a new one. Raises OSError."""
    connection = _kept.pop((host, port), None) or Connection(host, port, secure)
    try:
        answer = connection.post("/", headers, body)
    except (OSError, ValueError) as error:
        connection.close()
        raise OSError(str(error)) from None
    if answer.stays:
        _kept[(host, port)] = connection
    else:
        connection.close()
    return answer


def _error(answer: Answer) -> AwsError:
    try:
        said = json.loads(answer.body)
    except ValueError:
        said = {}
    said = said if isinstance(said, dict) else {}
    code = str(said.get("__type") or said.get("code") or f"HTTP {answer.status}").split("#")[-1]
    return AwsError(code, str(said.get("message") or said.get("Message") or ""), answer.status)
