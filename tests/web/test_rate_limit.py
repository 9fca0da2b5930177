"""A stranger's noise is admitted into a log only so often."""

from parvis.web.rate_limit import RateLimit


def test_so_many_are_admitted_and_no_more_while_the_time_lasts() -> None:
    limit = RateLimit(3, per_s=3600)
    assert [limit.admit() for _ in range(5)] == [True, True, True, False, False]


def test_when_the_time_is_over_there_is_room_again() -> None:
    limit = RateLimit(1, per_s=0)
    assert limit.admit()
    assert limit.admit()
