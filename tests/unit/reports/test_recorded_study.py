"""The recorded study and the README that quotes it, against each other."""

from __future__ import annotations

from pathlib import Path

from hpo.reports.data import load_data
from hpo.reports.gain_sentences import changes


def test_the_recorded_study_and_the_readme_say_what_the_gain_rests_on() -> None:
    root = Path(__file__).parents[3]
    data = load_data(root / "reports" / "two-cores" / "study.json")
    cnn, resnet50, xception = data.architectures
    assert cnn["best"]["origin"] == "enqueued"
    assert cnn["sampler"]["best"]["number"] == 4
    assert {d["name"] for d in cnn["gain"]["unsearched"]} == {"channels", "preprocessing"}
    assert {d["name"] for d in xception["gain"]["unsearched"]} == {
        "plateau_minimum",
        "preprocessing",
    }
    assert resnet50["gain"]["same_trial"]
    readme = (root / "README.md").read_text(encoding="utf-8")
    for entry in (cnn, xception):
        assert changes(entry["gain"]["unsearched"]) in readme
    assert "by hand" in readme
    assert f"{100 * cnn['sampler']['best']['value']:.2f} %" in readme
    tuned = data.comparison["tuning"]
    for found, unit in ((tuned["mean_whole"], "points "), (tuned["mean_share"], "% ")):
        digits = 1 if unit == "points " else 0
        point, low, high = (f"{100 * found[k]:.{digits}f}" for k in ("point", "low", "high"))
        assert f"{point} {unit}[{low}, {high}]" in readme
