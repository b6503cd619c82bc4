"""What the documents show runs, and prints what they say."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def test_the_program_of_the_power_managers_page():
    """Its last line, and the mode of each two seconds: STANDBY, ready, then DISCHARGE."""
    page = (ROOT / "docs" / "power_manager.md").read_text()
    program = page.split("```python\n")[1].split("```")[0]
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True,
                         timeout=30)
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    assert [line.split()[1] for line in lines] == ["0", "3", "3", "2", "2", "2", "2"]
    assert "`" + lines[-1] + "`" in page
