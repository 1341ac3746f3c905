"""Somebody with a key of their own, as a test of the admin API needs them."""

from typing import Any

from tests.support.world import World


def key_for(world: World, name: str, *scopes: str, key: str = "") -> str:
    """A new key with these scopes, made with the root key or another."""
    body = {"name": name, "scopes": scopes}
    answer = ask(world, "POST", "/api/keys", key or root(world), body)
    assert answer["statusCode"] == 200, answer
    return str(answer["json"]["key"])


def root(world: World) -> str:
    return world.system.keys.secret_key


def ask(
    world: World, method: str, path: str, key: str = "", body: Any = None, **headers: str
) -> dict[str, Any]:
    """One request with a key, its answer."""
    with_key = {"authorization": f"Bearer {key}"} if key else {}
    return world.request(method, path, body, with_key | headers)


def status(answer: dict[str, Any]) -> int:
    return int(answer["statusCode"])


def header(answer: dict[str, Any], name: str) -> str:
    found = {key.lower(): value for key, value in (answer.get("headers") or {}).items()}
    return str(found.get(name, ""))
