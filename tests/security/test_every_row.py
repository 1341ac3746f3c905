"""Every surface has a test that tries what it must withstand."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]

# The rows of the list of threats, and the tests elsewhere that try more of each.
ROWS: dict[str, tuple[str, ...]] = {
    "click redirect": (
        "tests/unit/test_templates.py::"
        "test_a_link_that_is_not_an_address_of_the_web_mail_or_telephone_is_refused",
    ),
    "unsubscribe and opt-in tokens": (
        "tests/security/test_parsers.py::test_no_token_but_ours_is_read",
        "tests/unit/test_leaving.py::test_looking_at_the_page_changes_nothing",
    ),
    "one-click": (
        "tests/unit/test_email_and_sms.py::"
        "test_a_mail_program_reads_the_one_click_headers_as_they_are",
    ),
    "keys": (
        "tests/integration/test_admin_api.py::test_without_the_secret_key_nothing_is_told",
        "tests/integration/test_admin_api.py::test_no_answer_shows_a_secret_of_the_machine",
    ),
    "rate limits": (
        "tests/infra/test_stack.py::"
        "test_the_access_log_says_nothing_of_the_caller_and_the_api_is_throttled",
    ),
    "templates": (
        "tests/unit/test_templates.py::test_loops_output_and_names_are_bounded",
        "tests/unit/test_templates.py::test_no_text_of_a_person_makes_a_tag_or_an_attribute",
        "tests/unit/test_templates.py::test_liquid_s_own_ways_to_read_files_are_refused",
    ),
    "mail headers": ("tests/unit/test_email_and_sms.py::test_no_field_smuggles_a_header_in",),
    "exports": (),
    "webhooks out": (
        "tests/unit/test_webhooks.py::"
        "test_a_name_that_leads_to_an_address_inside_is_refused_and_never_called",
        "tests/unit/test_webhooks.py::"
        "test_it_connects_to_the_address_that_was_looked_at_and_asks_for_no_other",
    ),
    "callbacks in": (
        "tests/unit/test_email_and_sms.py::test_a_website_cannot_pass_for_ses",
        "tests/infra/test_permissions.py::"
        "test_only_the_topic_of_receipts_may_send_to_the_event_queue",
    ),
    "SMS pumping": (),
    "races": ("tests/unit/test_leaving.py::test_leaving_at_the_very_moment_of_a_claim_wins",),
    "logging": (
        "tests/infra/test_stack.py::"
        "test_the_access_log_says_nothing_of_the_caller_and_the_api_is_throttled",
    ),
    "roles and encryption": (
        "tests/infra/test_permissions.py::test_no_action_is_a_pattern",
        "tests/infra/test_permissions.py::test_no_resource_is_a_pattern_unless_aws_forces_it",
        "tests/infra/test_permissions.py::test_each_lambda_may_do_what_its_line_in_the_table_says",
    ),
    "data protection": (),
    "Germany": (),
}
# Rows whose surface another part of the product does not have yet: no test, and none elsewhere.
NOT_YET: set[str] = set()


def marked() -> Iterator[tuple[str, str]]:
    """(topic, file) of every mark `security` in the tests, without importing them."""
    for path in (ROOT / "tests").rglob("test_*.py"):
        text = path.read_text("utf-8")
        if "mark.security(" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.security":
                yield ast.literal_eval(node.args[0]), path.name


def test_every_row_has_a_test_that_tries_it() -> None:
    topics = {topic for topic, _ in marked()}
    assert topics | NOT_YET == ROWS.keys()
    assert not topics & NOT_YET, "it has one now: take it out of NOT_YET"


def test_the_tests_elsewhere_that_a_row_leans_on_are_there() -> None:
    for place in (place for places in ROWS.values() for place in places):
        file, _, name = place.partition("::")
        assert f"def {name}(" in (ROOT / file).read_text("utf-8"), place
