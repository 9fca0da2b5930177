"""What threads wait for: one value, for all of them, however late."""

import threading

import pytest

from parvis.audit.pending import Pending
from parvis.errors import AuditUnavailable


def test_all_who_wait_get_the_value_and_whoever_asks_later_too() -> None:
    pending = Pending[int]()
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(pending.result())) for _ in range(8)]
    for thread in threads:
        thread.start()
    pending.settle(7)
    for thread in threads:
        thread.join(10)
    assert found == [7] * 8
    assert pending.result(0) == 7


def test_who_waits_in_vain_is_told_and_may_ask_again() -> None:
    pending = Pending[int]()
    for patience_s in (0, -1.0, 0.01):
        with pytest.raises(TimeoutError):
            pending.result(patience_s)
    pending.settle(7)
    assert pending.result(-1.0) == 7


def test_an_error_is_raised_for_each_who_waits() -> None:
    pending = Pending[int]()
    pending.settle(AuditUnavailable(retry_after=3))
    for _ in range(2):
        with pytest.raises(AuditUnavailable) as caught:
            pending.result(1)
        assert caught.value.retry_after == 3
