"""Five kills on each change; `make chaos` does two hundred."""

import random
from pathlib import Path

import pytest
from chaos.harness import stage, trial

pytestmark = pytest.mark.pipeline

KILLS = 5


def test_a_run_that_is_killed_ends_as_one_that_was_not(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(10**6)
    with stage(tmp_path) as scenes:
        trials = [
            trial(number, scenes[number % len(scenes)], random.Random(f"{seed} {number}"), tmp_path)
            for number in range(KILLS)
        ]
    differing = [str(this) for this in trials if this.faults]
    assert not differing, f"seed {seed}"
