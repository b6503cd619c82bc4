"""Rows of pieces against the plain definition: the best of all at every point."""

from bess.core.market.branches import Piece, append, upper, within
from host_tests.sim.rng import Rng

GRID = 512


class Steps:
    """Stands for a stage with one branch."""

    def __init__(self, rng, count, start, worth):
        self.keys, self.lengths = steps(rng, count)
        self.ends, self.starts, self.worths = (0, count), (start,), (worth,)


def steps(rng, count):
    keys = sorted([2 * (rng.below(100) - 50) * 1000 for _ in range(count)], reverse=True)
    return keys, [rng.between(1, 6) * 1024 for _ in keys]


def row(rng):
    """Pieces side by side, worth more at the right end of each where two meet."""
    pieces, left, worth = [], 0, 0
    for _ in range(rng.between(1, 4)):
        keys, lengths = steps(rng, rng.between(1, 4))
        piece = Piece(left, left + sum(lengths), (keys, lengths), worth)
        pieces.append(piece)
        left = piece.right
        worth = piece.at(left)[2] + (40_000 if rng.one_in(3) else 0)
    return pieces


def copies(pieces):
    return [piece.copy() for piece in pieces]


def best(pieces, x):
    found = [piece.at(x)[2] for piece in pieces if piece.left <= x <= piece.right]
    return max(found) if found else None


def same(a, b, seed):
    """Both rows are worth the same everywhere but for rounding."""
    for x in range(min(piece.left for piece in a), max(piece.right for piece in a) + 1, GRID):
        here, there = best(a, x), best(b, x)
        assert here is not None and there is not None and abs(here - there) < 100, (
            seed, x, here, there)


def envelope(f, g):
    found = []

    def run():
        found.extend((yield from upper(f, g)))

    for _ in run():
        pass
    return found


def added(pieces, stage):
    kept = []
    for piece in copies(pieces):
        piece.add(stage, 0)
        kept.append(piece)
    return kept


def test_append_keeps_the_best_of_every_piece():
    for seed in range(80):
        rng = Rng(seed)
        pieces, stage = row(rng), Steps(rng, 3, -4096, 0)
        everything = added(pieces, stage)
        kept = []
        for piece in copies(everything):
            append(kept, piece)
        same(everything, kept, seed)
        assert len(kept) <= len(everything)


def test_upper_keeps_the_best_of_both_rows():
    for seed in range(80):
        rng = Rng(seed, 1)
        pieces = row(rng)
        rows = []
        for _ in range(2):
            stage, kept = Steps(rng, 2, -3072, (rng.below(9) - 4) * 30_000), []
            for piece in added(pieces, stage):
                append(kept, piece)
            rows.append(kept)
        everything = copies(rows[0]) + copies(rows[1])
        same(everything, envelope(rows[0], rows[1]), seed)


def test_within_cuts_to_the_limits():
    for seed in range(40):
        rng = Rng(seed, 2)
        pieces = row(rng)
        left = rng.below(8) * 1024
        right = left + rng.below(8) * 1024
        before = copies(pieces)
        kept = within(pieces, left, right)
        for piece in kept:
            assert left <= piece.left <= piece.right <= right
        for x in range(left, min(right, before[-1].right) + 1, GRID):
            assert abs(best(kept, x) - best(before, x)) < 100 or x == left, (seed, x)


def test_within_keeps_a_better_point_at_the_right_end():
    low, full = Piece(0, 1024, ([0], [1024])), Piece(1024, 2048, ([0], [1024]), 500)
    kept = within([low, full], 0, 1024)
    assert best(kept, 1024) == 500 and best(kept, 1023) == 0
    assert within([Piece(0, 10, ([0], [10]))], 20, 30) == []


def test_prune_cuts_only_what_is_worth_less():
    for seed in range(80):
        rng = Rng(seed, 3)
        piece = row(rng)[0]
        price, x = 1000 * (rng.below(100) - 50), piece.left
        excess = {at: piece.at(at)[2] - price * at // 1024
                  for at in range(x, piece.right + 1, GRID)}
        peak = max(excess.values())
        least = peak - rng.below(300_000) + 30_000
        kept = piece.copy()
        if kept.prune(price, least):
            assert abs(kept.peak - peak) < 100, seed
            for at in excess:
                if kept.left <= at <= kept.right:
                    assert abs(kept.at(at)[2] - piece.at(at)[2]) < 100, (seed, at)
                else:
                    assert excess[at] < least + 100, (seed, at)
            assert kept.lengths == piece.lengths or least > min(excess.values()) - 100, seed
        else:
            assert peak < least + 100, seed


def test_prune_keeps_the_step_that_crosses():
    piece = Piece(0, 3072, ([40_000, 0, -40_000], [1024, 1024, 1024]))
    for least, left, right in ((-1, 0, 3072), (1, 0, 3072), (20_000, 0, 3072), (20_001, None, 0)):
        cut = piece.copy()
        assert cut.prune(0, least) == (left is not None), least
        assert left is None or (cut.left, cut.right) == (left, right), (least, cut.left)
    steep = Piece(0, 4096, ([40_000, 20_000, -20_000, -40_000], [1024] * 4))
    assert steep.prune(0, 25_000) and (steep.left, steep.right) == (1024, 3072)
    assert steep.peak == 30_000 and steep.worth == 20_000
