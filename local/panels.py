"""Where each command of `tante --help` stands, so that a newcomer finds the one they need."""

from typing import Any

from typer.core import TyperGroup

PANELS = {
    "Journeys": (
        *("new", "check", "test", "show", "preview", "diff"),
        *("forecast", "publish", "journeys", "why", "schema"),
    ),
    "People": ("people", "segments", "clusters", "lifecycle", "stages", "accounts", "suppressions"),
    "Sales": ("brief", "tasks", "leads", "deals", "score", "scoring"),
    "Data": ("import", "products", "codes", "forms", "keys"),
    "Operations": (
        *("run", "demo", "doctor", "cost", "breaker", "messages", "dead-letters"),
        *("audit", "restore", "register"),
    ),
}


class InPanels(TyperGroup):
    """Lists the commands by panels, those that stand in none at the end."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names in the order of the panels."""
        order = [name for names in PANELS.values() for name in names if name in self.commands]
        return order + [name for name in self.commands if name not in order]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command, which knows its panel."""
        command: Any = super().get_command(ctx, cmd_name)
        if command is not None:
            command.rich_help_panel = panel_of(cmd_name)
        return command


def panel_of(command: str) -> str | None:
    """The panel of a command; None where it stands in none."""
    return next((panel for panel, names in PANELS.items() if command in names), None)
