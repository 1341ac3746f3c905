"""The shipped journeys from the first event to the last."""

from tests.support.world import World


def test_a_click_on_the_guide_leads_from_onboarding_to_upsell_and_a_task(world: World) -> None:
    world.customer("ada", firstName="Ada", language="en")
    world.order("ada", "o1", "basic-1y")
    assert world.sent("ada") == ["welcome"]
    world.advance("5 days")
    assert world.sent("ada") == ["welcome", "guide"]
    world.advance("9 days")
    world.advance("1 minute")
    world.click(world.outbox()[1], "guide-video")
    assert world.outcomes("onboarding") == ["finished"]
    assert world.sent("ada") == ["welcome", "guide", "hacks", "five-reasons"]
    world.click(world.outbox()[-1], "premium")
    assert world.outcomes("upsell") == ["finished"]
    tasks = world.api("/api/tasks")["tasks"]
    assert [task["owner"] for task in tasks] == ["sales"]
    world.advance("76 days")
    assert world.sent("ada")[-1] == "win-back"
