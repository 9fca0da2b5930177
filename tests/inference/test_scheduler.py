"""Places at a server: how many, whose turn, who is sent away."""

import threading
from collections.abc import Callable

import pytest

from parvis.errors import ModelOverloaded
from parvis.inference.scheduler import FairSlots


class Crowd:
    """Threads that wait for a place and note in which order they got it."""

    def __init__(self, slots: FairSlots) -> None:
        self._slots = slots
        self._changed = threading.Condition()
        self.served: list[str] = []
        self.refused: list[str] = []
        self._threads: list[threading.Thread] = []

    def send(self, name: str) -> None:
        """One more call; returns when it stands in line."""
        before = self._slots.waiting
        thread = threading.Thread(target=self._call, args=(name,))
        self._threads.append(thread)
        thread.start()
        wait_until(lambda: self._slots.waiting > before)

    def wait_for_served(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.served) >= count, 20)

    def join(self) -> None:
        for thread in self._threads:
            thread.join(timeout=20)
            assert not thread.is_alive()

    def _call(self, name: str) -> None:
        """`b:3` is a call of b for three places."""
        tenant, _, places = name.partition(":")
        try:
            self._slots.acquire(tenant, int(places or 1))
        except ModelOverloaded:
            self.refused.append(name)
            return
        with self._changed:
            self.served.append(name)
            self._changed.notify_all()


def wait_until(reached: Callable[[], bool]) -> None:
    tick = threading.Event()
    for _ in range(4000):
        if reached():
            return
        tick.wait(0.005)
    raise AssertionError("waited in vain")


def make_slots(limit: int = 1, **changes: float) -> FairSlots:
    settings = {"max_waiting": 100, "max_per_tenant": 100, "wait_s": 60, **changes}
    return FairSlots(limit, **settings)  # type: ignore[arg-type]


def test_agency_with_one_question_passes_an_agency_with_many() -> None:
    slots = make_slots()
    crowd = Crowd(slots)
    slots.acquire("busy")
    for name in ["busy"] * 5 + ["calm", "third"]:
        crowd.send(name)
    holder = "busy"
    for count in range(1, 8):
        slots.release(holder)
        crowd.wait_for_served(count)
        holder = crowd.served[-1]
    crowd.join()
    assert crowd.served == ["calm", "third", "busy", "busy", "busy", "busy", "busy"]


def test_two_agencies_with_many_questions_take_turns() -> None:
    slots = make_slots()
    crowd = Crowd(slots)
    slots.acquire("a")
    for name in ["a"] * 3 + ["b"] * 3:
        crowd.send(name)
    holder = "a"
    for count in range(1, 7):
        slots.release(holder)
        crowd.wait_for_served(count)
        holder = crowd.served[-1]
    crowd.join()
    assert crowd.served == ["b", "a", "b", "a", "b", "a"]


def test_free_place_goes_to_the_agency_with_fewest_running() -> None:
    slots = make_slots(limit=3)
    crowd = Crowd(slots)
    for name in ("a", "a", "b"):
        slots.acquire(name)
    for name in ("a", "b"):
        crowd.send(name)
    slots.release("a")
    crowd.wait_for_served(1)
    # one of each runs now, and `a` was served longest ago
    slots.release("b")
    crowd.wait_for_served(2)
    crowd.join()
    assert sorted(crowd.served) == ["a", "b"]
    assert slots.running == 3


def test_line_is_bounded_for_all_and_for_each() -> None:
    slots = make_slots(max_waiting=3, max_per_tenant=2)
    crowd = Crowd(slots)
    slots.acquire("a")
    crowd.send("a")
    crowd.send("a")
    with pytest.raises(ModelOverloaded) as caught:
        slots.acquire("a")
    assert caught.value.retry_after == 3
    crowd.send("b")
    with pytest.raises(ModelOverloaded):
        slots.acquire("c")
    slots.close()
    crowd.join()


def test_waiting_too_long_is_refused_and_leaves_the_line() -> None:
    slots = make_slots(wait_s=0.05)
    slots.acquire("a")
    with pytest.raises(ModelOverloaded) as caught:
        slots.acquire("b")
    assert caught.value.retry_after == 1
    assert slots.waiting == 0
    slots.release("a")
    slots.acquire("b")
    assert slots.running == 1


def test_closing_sends_everybody_in_line_away() -> None:
    slots = make_slots()
    crowd = Crowd(slots)
    slots.acquire("a")
    crowd.send("a")
    crowd.send("b")
    slots.close()
    crowd.join()
    assert sorted(crowd.refused) == ["a", "b"]
    assert crowd.served == []
    slots.release("a")
    with pytest.raises(ModelOverloaded):
        slots.acquire("c")


def test_many_callers_never_exceed_the_limit_and_all_are_served() -> None:
    slots = make_slots(limit=3)
    most, lock, served = [0], threading.Lock(), []

    def call(number: int) -> None:
        tenant = f"t{number % 5}"
        slots.acquire(tenant)
        with lock:
            most[0] = max(most[0], slots.running)
            served.append(number)
        slots.release(tenant)

    threads = [threading.Thread(target=call, args=(n,)) for n in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert sorted(served) == list(range(60))
    assert most[0] <= 3
    assert (slots.running, slots.waiting) == (0, 0)


def test_a_call_for_several_answers_takes_as_many_places_and_is_not_overtaken() -> None:
    slots = make_slots(limit=4)
    crowd = Crowd(slots)
    assert slots.acquire("a", 3) == 3
    crowd.send("b:3")
    crowd.send("c")  # there is a place, but b came first
    assert slots.running == 3
    slots.release("a", 3)
    crowd.wait_for_served(2)
    assert slots.running == 4
    crowd.join()


def test_a_call_for_more_answers_than_there_are_places_takes_all_of_them() -> None:
    slots = make_slots(limit=2)
    assert slots.acquire("a", 4) == 2
    slots.release("a", 2)
    assert slots.running == 0


def test_one_who_gives_up_waiting_for_several_lets_the_next_go() -> None:
    slots = make_slots(limit=2, wait_s=0.05)
    crowd = Crowd(slots)
    assert slots.acquire("a") == 1
    crowd.send("b:2")
    crowd.join()
    assert crowd.refused == ["b:2"]
    assert slots.acquire("c") == 1
