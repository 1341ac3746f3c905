"""MiniStack, AWS on this machine: started on a free port of 127.0.0.1, with IAM enforced."""

import os
import signal
import socket
import subprocess
import urllib.request
from pathlib import Path
from ssl import create_default_context
from urllib.error import URLError

from tests.e2e import certificate
from tests.e2e.patience import eventually

ROOT = Path(__file__).parents[2]
# -P: the script's folder is not searched for modules.
PROGRAM = [
    ROOT / ".venv-e2e" / "bin" / "python",
    "-P",
    Path(__file__).with_name("run_ministack.py"),
]
REGION, ACCOUNT = "eu-central-1", "000000000000"
LOG_SHOWN = 60  # lines


class OwnCloud:
    """One process and the environment in which clients speak to it.

    It speaks TLS and enforces IAM: the policies that CDK writes (its own bucket's, our queues'
    and topics') refuse plain HTTP, and every Lambda calls with the role that the stack gave it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = _free_port()
        self.url = f"https://localhost:{self.port}"
        self.log = folder / "ministack.log"
        self.certificate, self._key = certificate.make(folder)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [str(part) for part in PROGRAM],
                cwd=self.folder,
                env=self._own_environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # with the Lambdas' processes, to be ended as one
            )
        eventually(f"MiniStack to answer (see {self.log})", self._answers, within=30)

    def stop(self) -> None:
        """End it and the processes of its Lambdas."""
        if self._process is None:
            return
        for how, patience in ((signal.SIGTERM, 10), (signal.SIGKILL, 10)):
            try:
                os.killpg(self._process.pid, how)
                self._process.wait(patience)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue
        # Two gigabytes of zips, unpacked for each Lambda process; nobody need wait for that.
        unpacked = [str(path) for path in self.folder.glob("ministack-lambda-*")]
        subprocess.Popen(["rm", "-rf", *unpacked], start_new_session=True)

    def environment(self) -> dict[str, str]:
        """What makes any AWS client, CDK and boto3 alike, speak to this one and to nobody else."""
        nobody = str(self.folder / "no-such-file")
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",  # MiniStack's name for the account's root
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": nobody,
            "AWS_SHARED_CREDENTIALS_FILE": nobody,
            "AWS_EC2_METADATA_DISABLED": "true",
            **self._trust(),
        }

    def last_words(self) -> str:
        """The end of its log."""
        lines = self.log.read_text("utf-8", "replace").splitlines() if self.log.exists() else []
        return "\n".join(lines[-LOG_SHOWN:])

    def _own_environment(self) -> dict[str, str]:
        return {
            **without_aws(),
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "MINISTACK_REGION": REGION,
            "TMPDIR": str(self.folder),
            "AUTH": "true",
            "USE_SSL": "1",
            "MINISTACK_SSL_CERT": str(self.certificate),
            "MINISTACK_SSL_KEY": str(self._key),
            "LAMBDA_EXECUTOR": "local",
            "LAMBDA_WARM_TTL_SECONDS": "3600",
            **self._trust(),  # its Lambdas inherit it
        }

    def _trust(self) -> dict[str, str]:
        readers = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")
        return dict.fromkeys(readers, str(self.certificate))

    def _answers(self) -> bool:
        assert self._process
        if self._process.poll() is not None:
            raise AssertionError(f"MiniStack ended at once:\n{self.last_words()}")
        trust = create_default_context(cafile=str(self.certificate))
        address = f"{self.url}/_ministack/health"
        try:
            with urllib.request.urlopen(address, timeout=2, context=trust) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False


def without_aws() -> dict[str, str]:
    """The environment without what might lead to a real account."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
