"""One deployment for all of these tests; only `make e2e` collects them."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

collect_ignore_glob = [] if os.environ.get("TANTE_E2E") else ["test_*.py"]

LONGEST = 600  # seconds for a test with the deployment that it is the first to ask for


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(LONGEST))


@pytest.fixture(scope="session")
def cloud(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    """Tante, deployed into MiniStack."""
    from tests.e2e.cloud import Cloud
    from tests.e2e.own_cloud import OwnCloud

    folder = tmp_path_factory.mktemp("cloud")
    own = OwnCloud(folder)
    request.config.stash[_own] = own
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    capture = request.config.pluginmanager.get_plugin("capturemanager")

    def say(line: str) -> None:
        with capture.global_and_fixture_disabled():
            reporter.ensure_newline()
            reporter.write_line(f"  {line}")

    patch = pytest.MonkeyPatch()
    try:
        own.start()
        for name, value in own.environment().items():
            patch.setenv(name, value)
        say(f"MiniStack at {own.url}, its log in {own.log}")
        made = Cloud(folder, own, say)
        made.cdk.bootstrap()
        made.outputs = made.cdk.deploy()
        yield made
    finally:
        patch.undo()
        own.stop()


_own = pytest.StashKey[Any]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """A failure shows what MiniStack and its Lambdas wrote last."""
    report = yield
    own = item.config.stash.get(_own, None)
    if report.failed and own:
        report.sections.append((f"MiniStack's log ({own.log})", own.last_words()))
    return report
