"""Rates, timings and counts of a stream, by a clock the tests turn."""

from __future__ import annotations

import threading

import pytest

from mtl_perception.stream_statistics import StreamStatistics, Timing


def timing(network: float, end_to_end: float | None = None, age: float = 0.0) -> Timing:
    return Timing(network, network + 1 if end_to_end is None else end_to_end, age)


def test_before_the_first_frame_there_is_nothing_to_say():
    summary = StreamStatistics(5.0).summary(100.0)
    assert (summary.rate_in, summary.rate_out, summary.received, summary.published) == (0.0, 0.0, 0, 0)
    assert summary.median is None and summary.p95 is None and summary.dropped == {}


@pytest.mark.parametrize("rate", [2.0, 30.0])
def test_rates_are_those_of_the_stream(rate):
    statistics = StreamStatistics(5.0)
    for i in range(int(rate * 20)):
        statistics.frame_received(100 + i / rate)
        if i % 2:
            statistics.frame_published(100 + i / rate + 0.01, timing(10))
    summary = statistics.summary(100 + (rate * 20 - 1) / rate + 0.01)
    assert summary.rate_in == pytest.approx(rate, rel=0.1)
    assert summary.rate_out == pytest.approx(rate / 2, rel=0.15)


def test_a_stream_that_stops_fades_to_nothing():
    statistics = StreamStatistics(5.0)
    for i in range(100):
        statistics.frame_received(i / 10)
        statistics.frame_published(i / 10, timing(10))
    rates = [statistics.summary(now).rate_in for now in (9.9, 12.0, 14.0, 15.0)]
    assert rates == sorted(rates, reverse=True) and rates[0] == pytest.approx(10, rel=0.05) and rates[-1] == 0
    late = statistics.summary(15.0)
    assert late.median is None and late.p95 is None and late.published == late.received == 100


def test_timings_are_of_the_window_only():
    statistics = StreamStatistics(5.0)
    statistics.frame_published(0.0, timing(1000))
    for i in range(1, 101):
        statistics.frame_published(10 + i / 100, timing(i, 2 * i, 3 * i))
    summary = statistics.summary(11.0)
    assert summary.median == Timing(50.5, 101.0, 151.5)
    assert summary.p95 == Timing(pytest.approx(95.05), pytest.approx(190.1), pytest.approx(285.15))
    assert summary.published == 101


def test_drops_are_counted_by_reason_for_good():
    statistics = StreamStatistics(5.0)
    for reason, count in (("disabled", 2), ("bad message", 1)):
        for _ in range(count):
            statistics.frame_dropped(reason)
    first = statistics.summary(0.0).dropped
    assert first == {"disabled": 2, "bad message": 1} == statistics.summary(1e6).dropped
    statistics.frame_dropped("disabled")
    assert first["disabled"] == 2  # a summary does not change afterwards


def test_all_threads_are_counted():
    statistics = StreamStatistics(5.0)

    def stream() -> None:
        for _ in range(100):
            statistics.frame_received(1.0)
            statistics.frame_published(1.0, timing(1))
            statistics.frame_dropped("disabled")
            statistics.summary(1.0)

    threads = [threading.Thread(target=stream) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    summary = statistics.summary(1.0)
    assert (summary.received, summary.published, summary.dropped) == (400, 400, {"disabled": 400})
