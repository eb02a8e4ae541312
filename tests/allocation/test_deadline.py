"""One time limit for all solves, and a solver that can be interrupted whatever it does."""

from __future__ import annotations

import threading
import time
from itertools import pairwise
from typing import Any

import pytest

from melange_cloud.allocation import deadline as deadlines
from melange_cloud.allocation.baselines import baselines
from melange_cloud.allocation.cheapest import cheapest_cost
from melange_cloud.allocation.deadline import Deadline, GivenUp, abandoned, run_highs
from melange_cloud.allocation.infeasibility import explain
from melange_cloud.allocation.problem import Cap, Column, Problem
from melange_cloud.allocation.solve import solve
from melange_cloud.errors import OutsideError


class Callback:
    """What a HiGHS object has of one."""

    def subscribe(self, _ask: Any) -> None: ...
    def unsubscribe(self, _ask: Any) -> None: ...


class Stubborn:
    """A solver that does not stop before it is let go."""

    cbMipInterrupt = cbSimplexInterrupt = cbIpmInterrupt = Callback()

    def __init__(self) -> None:
        self.let_go = threading.Event()

    def getRunTime(self) -> float:
        return 0.0

    def setOptionValue(self, name: str, value: float) -> None:
        assert name == "time_limit"
        assert value > 0

    def run(self) -> None:
        self.let_go.wait(30)


class Failing(Stubborn):
    def run(self) -> None:
        raise MemoryError


def test_a_solver_that_does_not_stop_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "PATIENCE_S", 0.1)
    solver, began = Stubborn(), time.monotonic()
    with pytest.raises(GivenUp):
        run_highs(solver, Deadline(0.1))
    assert time.monotonic() - began < 20  # the solver would take 30
    assert abandoned()
    solver.let_go.set()
    for thread in deadlines._left_behind:
        thread.join()
    assert not abandoned()


def test_what_a_solver_raises_is_raised() -> None:
    with pytest.raises(MemoryError):
        run_highs(Failing(), Deadline(None))


def test_deadlines() -> None:
    none, short, over = Deadline(None), Deadline(5), Deadline(-1)
    assert (none.left, none.passed) == (None, False)
    assert short.left is not None
    assert 4 < short.left <= 5
    assert over.passed
    assert over.left == 0.1
    assert Deadline.of(short) is short
    assert not over.or_in(1).passed
    assert none.or_in(1).left is None
    later = short.or_in(1).left
    assert later is not None
    assert later > 4


def test_nothing_is_solved_after_the_deadline() -> None:
    columns = tuple(Column(f"o{c}", c, 1, 1.0 + c, gpu=f"G{c}") for c in range(3))
    problem = Problem((5.0, 3.0), tuple((1.0 + c, 2.0) for c in range(3)), columns)
    over = Deadline(-1)
    with pytest.raises(OutsideError, match="before any fleet"):
        solve(problem, time_limit=over)
    with pytest.raises(OutsideError, match="before the cheapest cost"):
        cheapest_cost(problem, time_limit=over)
    assert baselines(problem, time_limit=over) == {"G0": None, "G1": None, "G2": None}
    short = Problem(problem.rates, problem.throughputs, columns, caps=(Cap("a", 1, {0: 1, 1: 1}),))
    assert explain(short, over).cut_short


def hard_problem() -> Problem:
    """Sliced so finely that no solver proves an optimum soon."""
    rates = tuple(1.0 + 0.137 * b for b in range(24))
    throughputs = tuple(
        tuple(1.0 + ((7 * b + 11 * c) % 13) / 9 for b in range(24)) for c in range(6)
    )
    columns = tuple(
        Column(f"o{c}", c, 1, price, gpu=f"G{c}")
        for c, price in enumerate((1.0, 1.09, 1.23, 1.37, 1.51, 1.71))
    )
    return Problem(rates, throughputs, columns, slices=32)


def test_the_limit_holds_for_everything_together() -> None:
    problem = hard_problem()
    times = [time.monotonic()]
    deadline = Deadline(1.0)
    solution = solve(problem, time_limit=deadline)
    times.append(time.monotonic())
    assert solution is not None
    assert solution.status == "feasible"
    assert 0 < solution.lower_bound < solution.usd_per_hour
    baselines(problem, time_limit=deadline)
    times.append(time.monotonic())
    first, rest = (b - a for a, b in pairwise(times))
    assert first < 4  # the programme is also built, and its shares read
    assert rest < 1
