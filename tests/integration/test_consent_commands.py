"""`tante forms` and `tante people consent`, as they are typed."""

from pathlib import Path

from click.testing import Result
from typer.testing import CliRunner

from local.app import App
from local.command_line import app
from local.http_server import application, serving
from tests.journeys.test_sign_up import ADA, chain, click, link_in, send, world
from tests.support.world import World

__all__ = ["world"]  # the fixture


def test_a_snippet_is_the_form_for_a_page_of_the_website(world: World, tmp_path: Path) -> None:
    where = ["--journeys", str(tmp_path / "journeys")]
    listed = CliRunner().invoke(app, ["forms", *where])
    assert "newsletter: email for offers; fields email, firstName" in listed.output
    wanted = ["forms", "snippet", "newsletter", "--in", "en", "--at", "https://t.example/", *where]
    html = CliRunner().invoke(app, wanted).output
    assert 'action="https://t.example/forms/newsletter"' in html
    assert "Send me offers." in html
    assert "<style" not in html
    assert "<script" not in html
    missing = CliRunner().invoke(app, ["forms", "snippet", "nothing", *where])
    assert (missing.exit_code, "there are: newsletter, both" in missing.output) == (1, True)


def test_the_proof_is_printed_and_a_broken_one_ends_with_1(world: World, tmp_path: Path) -> None:
    send(world, email=ADA)
    world.advance("1 minute")
    click(world, link_in(world))
    page = tmp_path / "ada.html"

    def typed(*words: str) -> Result:
        where = ["--at", url, "--key", world.system.keys.secret_key]
        return CliRunner().invoke(app, ["people", *words, ADA, *where])

    with serving(application(App(world.system).route)) as url:
        shown, written = typed("consent"), typed("consent", "--in", "de", "--html", str(page))
        first = chain(world)[0]
        first.wording = "Send me everything."
        world.store.put(first)
        broken = typed("consent")
    assert (shown.exit_code, written.exit_code, broken.exit_code) == (0, 0, 1)
    assert "From then on it was permitted (double opt-in)" in shown.stdout
    assert "THE CHAIN IS BROKEN at record 1" in broken.stdout
    assert "Der gezeigte Wortlaut: Send me offers." in page.read_text("utf-8")
