"""One site for all tests with the whole stack: started once by `make run`'s tool, ended once."""

import shutil
import signal
import subprocess
import sys
import time

import pytest

from host_tests.e2e.site import ROOT, Run, Site, alive, descendants, free_ports
from tools.run.__main__ import folder_of

READY_S = 30
# Shorter than the defaults where a table of the design is only stretched by waiting.
SETTINGS = {"all_silent_ms": 10_000, "pcs_silent_trip_ms": 3000, "unconfirmed_trip_ms": 2000,
            "pcs_revert_ms": 6000, "stop_open_ms": 3000, "door_input": "closed"}


@pytest.fixture(scope="session")
def run(request):
    """The running tool, ready. At the end SIGTERM comes twice and nothing may be left.

    The run's folder with its logs stays when a test failed.
    """
    # The first build of a fresh clone is not part of what is timed: other work slows it.
    subprocess.run([sys.executable, "-m", "tools.build", "virtual"], cwd=ROOT, check=True,
                   stdout=subprocess.DEVNULL)
    options = [word for key, value in SETTINGS.items() for word in ("--set", f"{key}={value}")]
    run = Run(free_ports(), "--seed", "7", *options)
    started = set()
    try:
        run.ready_s = run.wait_line("ready", READY_S)
        started = descendants(run.process.pid)
        assert len(started) >= 3, "site, board and the interpreter on it"
        yield run
    finally:
        code = run.end(signal.SIGTERM, twice=True)
    time.sleep(0.1)
    assert code == 0 and run.lines[-1] == "ended", run.lines[-5:]
    assert not [pid for pid in started if alive(pid)], "processes are left"
    if not request.session.testsfailed:
        shutil.rmtree(folder_of(run.ports.modbus))


@pytest.fixture(scope="session")
def site(run):
    site = Site(run, folder_of(run.ports.modbus))
    yield site
    site.close()
