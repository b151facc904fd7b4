"""The table must not flatter: ratios are taken pair by pair, and a mark is met or not."""

from tools.bench.measures import duration, memory, speed, table


def test_speed_is_the_median_share_of_the_limit_pair_by_pair() -> None:
    measure = speed("load", rates=[50_000, 90_000, 60_000], limits=[100_000, 100_000, 200_000], at_least=0.5)
    assert (measure.limit, measure.result, measure.spread) == ("100k/s", "60k/s", "50..90")
    assert (measure.ratio, measure.is_met) == ("0.50", True)


def test_speed_below_the_mark_is_not_met() -> None:
    assert speed("load", rates=[49_000], limits=[100_000], at_least=0.5).is_met is False


def test_duration_is_how_many_times_as_long_as_the_limit() -> None:
    measure = duration("build", seconds=[1.5, 4.0, 3.0], limits=[1.0, 1.0, 1.5], at_most=1.5)
    assert (measure.ratio, measure.is_met) == ("2.00", False)
    assert duration("build", [1.5], [1.0], at_most=1.5).is_met is True


def test_duration_without_a_limit_is_information() -> None:
    measure = duration("check", [0.5, 0.7])
    assert (measure.result, measure.ratio, measure.is_met) == ("0.60 s", "", None)


def test_memory_is_judged_by_the_worst_peak() -> None:
    assert memory("load", [50_000_000, 51_000_000, 70_000_000], below=64).is_met is False
    assert memory("load", [50_000_000, 63_999_999], below=64).is_met is True


def test_table_says_which_marks_are_missed() -> None:
    lines = table([duration("check", [0.5]), memory("load", [70_000_000], below=64)]).splitlines()
    assert [line.split("|")[-2].strip() for line in lines] == ["met", "-----", "", "NO"]
    assert len({len(line) for line in lines}) == 1
