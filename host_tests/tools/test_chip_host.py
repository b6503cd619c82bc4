"""The bench's programs on the modules as they ship; how fast they are: test_bench_host.py."""

from tools.bench import chip
from tools.bundle import PATH


def test_a_tick_of_the_image_allocates_nothing(tmp_path):
    tree = chip.install(tmp_path)
    assert (tree / PATH).with_suffix(".mpy").is_file()
    assert not (tree / "bess" / "core" / "control" / "manager.mpy").exists(), "a part of it"
    *_, allocated, _, tripped = chip.run(tree, "tick_program.py", 16, 2, 200, heap="2M")
    assert allocated == 0 and not tripped
