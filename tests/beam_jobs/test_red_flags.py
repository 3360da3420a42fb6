"""What raises a red flag and what does not."""

from datetime import timedelta

import pytest
from tfx_vigil.beam_jobs.red_flags import is_error, red_flags
from tfx_vigil.beam_jobs.reports import (
    FileClock,
    FileCounts,
    IngestReport,
    read_report,
    write_report,
)

from .simulated_windows import DAY, START, Service, window

HOUR = timedelta(hours=1)


def kinds(report, earlier):
    return [flag.kind for flag in red_flags(report, earlier)]


def history(windows=10, **fields):
    return [window(START + n * DAY, **fields) for n in range(windows)]


TODAY = START + 10 * DAY


@pytest.mark.parametrize(
    "service",
    [
        {},
        {"noise": 0.2},
        {"requests": 100},
        {"requests": 3},
        {"requests": 200, "batch": 50},
        {"week": (1, 1, 1, 1, 1, 0.1, 0.1)},
        {"length": 7 * DAY, "noise": 0.2},
        {"length": HOUR},
    ],
    ids=str,
)
def test_chance_alone_raises_hardly_any_flag(service):
    windows = Service(0, **service).windows(90)
    raised = [kind for n, report in enumerate(windows) for kind in kinds(report, windows[:n])]
    assert len(raised) <= 1


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("traffic", {"traffic": 1 / 3}),
        ("traffic", {"traffic": 3}),
        ("error_rate", {"errors": 0.1}),
        ("duplicates", {"duplicates": 0.05}),
    ],
)
@pytest.mark.parametrize("service", [{}, {"length": 7 * DAY}, {"requests": 1_000}], ids=str)
def test_gross_failures_are_flagged(kind, wrong, service):
    flagged = 0
    for seed in range(10):
        drawn = Service(seed, **service)
        earlier = drawn.windows(24)
        flagged += kinds(drawn.window(24, **wrong), earlier) == [kind]
    assert flagged >= 9


def test_after_one_window_only_gross_changes_are_flagged():
    (usual,) = history(1)
    tomorrow = START + DAY
    assert kinds(window(tomorrow, 3_333), [usual]) == []
    assert kinds(window(tomorrow, 300), [usual]) == ["traffic"]
    assert kinds(window(tomorrow, duplicates=20), [usual]) == []
    assert kinds(window(tomorrow, duplicates=500), [usual]) == ["duplicates"]


def test_a_quiet_weekend_is_none_from_the_first_on():
    week = (1, 1, 1, 1, 1, 0.1, 0.1)
    windows = Service(1, noise=0.05, week=week).windows(35)
    assert not any(kinds(report, windows[:n]) for n, report in enumerate(windows))


def test_a_workday_as_quiet_as_a_weekend_is_flagged():
    service = Service(1, noise=0.05, week=(1, 1, 1, 1, 1, 0.1, 0.1))
    earlier = service.windows(28)
    assert kinds(service.window(28, traffic=0.1), earlier) == ["traffic"]


def test_nights_are_compared_with_nights():
    service = Service(1, length=HOUR)
    friday_noon = 24 * 4 + 12
    earlier = service.windows(friday_noon)
    assert not any(kinds(report, earlier[:n]) for n, report in enumerate(earlier))
    assert kinds(service.window(friday_noon, traffic=0.1), earlier) == ["traffic"]


def test_windows_of_another_length_or_later_are_not_compared_with():
    today = window(TODAY, 100)
    other = [window(START + n * HOUR, 10_000, length=HOUR) for n in range(200)]
    later = [window(TODAY + n * DAY, 10_000) for n in range(1, 20)]
    assert kinds(today, other + later) == []
    assert kinds(today, history() + other + later) == ["traffic"]


def test_months_are_as_long_as_each_other():
    months = [
        window(START + n * 30 * DAY, 10_000, length=length * DAY)
        for n, length in enumerate((28, 30, 29, 30, 28))
    ]
    assert kinds(window(START + 150 * DAY, 1_000, length=31 * DAY), months) == ["traffic"]


def test_the_order_of_earlier_reports_does_not_matter():
    today = window(TODAY, 1_000, duplicates=900, statuses={"503": 900, "200": 100})
    assert red_flags(today, history()[::-1]) == red_flags(today, history())


def test_a_flag_says_what_was_found_and_what_to_do():
    today = window(TODAY, 1_000, statuses={"200": 600, "500": 100, "no_response": 300})
    traffic, errors = red_flags(today, history(statuses={"200": 9_900, "500": 100}))
    assert traffic.subject is None
    assert traffic.found == (
        "There were 1,000 requests; after 8 earlier windows, 10,000 were to be expected."
    )
    assert "run the window again" in traffic.recommendation
    assert errors.subject == "no_response"
    assert errors.found == (
        "400 of 1,000 requests failed (40.0%, usually 1.0%), 300 of them with this status."
    )


def test_duplicates_name_the_file_that_most_are_in():
    files = [
        FileCounts(file="a.jsonl", rows=10_000, rows_written=10_000),
        FileCounts(file="b.jsonl", rows=900, rows_duplicate=900),
    ]
    (flag,) = red_flags(window(TODAY, duplicates=900, files=files), history())
    assert flag.subject == "b.jsonl"
    assert flag.found == (
        "900 rows (8.3%, usually 0.0%) repeat another one, 900 of them in this file."
    )


def test_rows_of_one_request_that_come_again_are_one_accident():
    batches = {"requests": 20, "batch": 500}
    earlier = history(20, **batches)
    assert kinds(window(START + 20 * DAY, duplicates=500, **batches), earlier) == []
    assert kinds(window(START + 20 * DAY, duplicates=5_000, **batches), earlier) == ["duplicates"]


@pytest.mark.parametrize("status", ["200", "201", "204 No Content", "OK", "ok", "0", "success"])
def test_good_statuses(status):
    assert not is_error(status)


@pytest.mark.parametrize(
    "status", ["no_response", "500", "404", "2000", "20", "UNAVAILABLE", "14", "", "not ok"]
)
def test_bad_statuses(status):
    assert is_error(status)


def test_logs_without_statuses_have_no_error_rate():
    today = window(TODAY, statuses={})
    assert kinds(today.model_copy(update={"traffic": []}), history()) == []


def test_a_new_model_version_is_flagged():
    today = window(TODAY, versions={"v2": 400, "v1": 9_600}, statuses={"200": 380, "503": 20})
    (flag,) = red_flags(today, history())
    assert (flag.kind, flag.subject) == ("new_model_version", "v2")
    assert flag.found == (
        "It got 400 requests (4.0%), of which 20 failed, and none in 10 earlier windows."
    )
    assert red_flags(today, []) == []
    assert red_flags(window(TODAY + DAY, versions={"v2": 400, "v1": 9_600}), [today]) == []


def test_a_version_that_older_reports_know_is_not_new():
    old = history(1)[0].model_copy(update={"traffic": [], "model_versions": {"v1": 10_000}})
    assert kinds(window(TODAY), [old]) == []


def test_versions_without_end_raise_few_flags():
    versions = {f"build-{n}": 10 for n in range(1_000)}
    assert kinds(window(TODAY, versions=versions), history()) == ["new_model_version"] * 10


def features(**by_quarter):
    return {"features": by_quarter}


FARE = features(fare=[2_500] * 4)


def test_a_feature_that_stopped_before_the_window_is_flagged():
    (flag,) = red_flags(window(TODAY), history(**FARE))
    assert (flag.kind, flag.subject) == ("feature_stopped", "fare")
    assert flag.found == "0 of the 10,000 rows have a value; usually 100.0% have one."


def test_a_feature_that_stops_in_the_midst_of_the_window_is_flagged_without_a_history():
    today = window(TODAY, **features(fare=[2_500, 2_500, 900, 3], company=[2_000] * 4))
    for earlier in ([], history(**features(fare=[2_500] * 4, company=[2_000] * 4))):
        (flag,) = red_flags(today, earlier)
        assert flag.subject == "fare"
        assert flag.found == (
            "3 of the 2,500 rows of the window's last quarter have a value; usually "
            f"{'100.0%' if earlier else '78.7%'} have one."
        )


def test_a_feature_that_never_comes_late_in_the_day_is_none():
    today = features(fare=[2_500, 2_500, 2_500, 0])
    assert kinds(window(TODAY, **today), history(**today)) == []


def test_fewer_values_are_a_matter_of_drift():
    assert kinds(window(TODAY, **features(fare=[500] * 4)), history(**FARE)) == []


def test_a_rare_feature_may_be_absent_by_chance():
    rare = features(fare=[1] * 4)
    assert kinds(window(TODAY), history(**rare)) == []


def test_a_feature_that_often_is_absent_is_none():
    earlier = [window(START + n * DAY, **(FARE if n % 3 else {})) for n in range(10)]
    assert kinds(window(TODAY), earlier) == []


def test_a_feature_stays_stopped_and_may_be_young():
    earlier = [window(START + n * DAY, **(FARE if 4 <= n < 8 else {})) for n in range(10)]
    assert kinds(window(TODAY), earlier) == ["feature_stopped"]


def test_no_rows_late_in_the_window_say_nothing_of_features():
    today = window(TODAY, by_quarter=[5_000, 5_000, 0, 0], **features(fare=[5_000, 5_000, 0, 0]))
    assert kinds(today, []) == []
    assert kinds(today, history(**FARE)) == []


def clock(file="a.jsonl", **facts):
    nothing = {
        "ahead": 0,
        "largest_lead_seconds": 0.0,
        "jumps_back": 0,
        "largest_jump_back_seconds": 0.0,
    }
    return FileClock(file=file, **nothing | facts)


def test_records_of_the_future_are_flagged_always():
    ahead = [
        clock("a.jsonl", ahead=5, largest_lead_seconds=7_200.0),
        clock("b.jsonl", ahead=60, largest_lead_seconds=3_540.0),
    ]
    for earlier in ([], history(clocks=ahead)):
        (flag,) = red_flags(window(TODAY, clocks=ahead), earlier)
        assert (flag.kind, flag.subject) == ("clock_jump", "b.jsonl")
        assert flag.found == (
            "65 records, 60 of them in this file, are stamped up to 120 minutes later than their "
            "file was last written."
        )


def test_a_few_records_of_the_future_are_some_clients_clocks():
    ahead = [clock(ahead=10, largest_lead_seconds=7_200.0)]
    assert kinds(window(TODAY, clocks=ahead), []) == []


def test_a_clock_that_jumps_back_is_flagged_unless_it_often_does():
    jump = [clock(jumps_back=1, largest_jump_back_seconds=3_600.0)]
    today = window(TODAY, clocks=jump)
    for earlier in ([], history()):
        (flag,) = red_flags(today, earlier)
        assert (flag.kind, flag.subject) == ("clock_jump", "a.jsonl")
        assert flag.found == (
            "Time jumps back in 1 of 1 files, in 1 places, and most in this one: by 60 minutes."
        )
    assert kinds(today, history(clocks=jump)) == []


def test_reports_keep_their_flags_and_older_reports_still_load(tmp_path):
    today = window(TODAY, 100)
    today = today.model_copy(update={"red_flags": red_flags(today, history())})
    write_report(str(tmp_path), today)
    assert read_report(str(tmp_path), IngestReport) == today
    added = {"traffic", "rows_by_quarter", "feature_rows", "clocks", "red_flags"}
    old = IngestReport.model_validate_json(today.model_dump_json(exclude=added))
    earlier = [
        old.model_copy(
            update={"window_start": TODAY - n * DAY, "window_end": TODAY - (n - 1) * DAY}
        )
        for n in range(1, 9)
    ]
    assert kinds(window(TODAY, 10, duplicates=5), earlier) == [
        "new_model_version",
        "traffic",
        "duplicates",
    ]


def test_the_first_window_has_no_flags():
    assert red_flags(window(**FARE), []) == []
    assert red_flags(window(requests=0), []) == []
    assert kinds(window(TODAY, requests=0), history(**FARE)) == ["traffic"]
