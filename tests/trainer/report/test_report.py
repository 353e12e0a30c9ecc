"""What `trainer run` and `trainer report` leave behind, after a run of real arms."""

import json
import shutil
from pathlib import Path

import pytest

from scanside.errors import InputError
from tests.trainer.conftest import command
from trainer.cli import main
from trainer.report import charts
from trainer.report.page import Section, load_section, save_section, write_report
from trainer.report.table import TextTable


def test_the_report_shows_tables_curves_and_examples(runs: Path) -> None:
    page = (runs / "smoke" / "reports" / "table7" / "report.html").read_text()
    assert "Research use only" in page and "These figures mean nothing" in page
    for words in ("Cascade + clinical", "paper 0.893", "Confusion matrices", "Holm", "Calibration"):
        assert words in page, words
    assert "a synthetic cohort: drawn by scanside" in page
    assert page.count("data:image/jpeg;base64,") == 3 and page.count("<svg") == 2
    text = (runs / "smoke" / "reports" / "table7" / "report.md").read_text()
    assert text.startswith("# Results") and "| arm | AUC |" in text


def test_results_are_there_for_programs(runs: Path) -> None:
    content = json.loads((runs / "smoke" / "results" / "table7.json").read_text())
    assert len(content["arms"]) == 3 and content["left_out"] == {}
    cascade = content["arms"]["hospital-denoised-cascade-cls-clinical-pretrained"]
    assert set(cascade["made"]["builds_on"]) == {
        "mmotu-denoised-efficientnet-cls",
        "hospital-denoised-efficientnet-seg-pretrained",
    }
    assert 0 <= cascade["figures"]["auc"]["by_seed"][0] <= 1
    counts = cascade["decisions"]["at 0.5"]["confusion"][0]
    assert sum(counts.values()) > 0 and len(content["comparisons"]) == 2


def test_the_report_is_made_again_without_data(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "runs"
    shutil.copytree(runs, copy)
    shutil.rmtree(copy / "smoke" / "reports")
    assert main(["report", "--out", str(copy), "--scale", "smoke"]) == 0
    page = (copy / "smoke" / "reports" / "everything" / "report.html").read_text()
    for title in ("table6:", "table7:", "figure4:", "clinical-toggle:", "branch-shares:"):
        assert title in page, title
    assert "EfficientNet seg: not trained yet." not in page and "EfficientNet MTL: not trained yet." in page
    assert main(["report", "--out", str(tmp_path)]) == 1
    assert "holds no finished full run" in capsys.readouterr().err


def test_finished_arms_are_skipped_and_the_tables_are_printed(
    runs: Path, mmotu_like: Path, tiny_cohort: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command("table7", runs, mmotu_like, tiny_cohort)) == 0
    printed = capsys.readouterr().out
    assert "epoch 1" not in printed and printed.count("done before") == 6
    assert "Cascade" in printed and "Research use only" in printed


def test_damaged_files_are_named(
    runs: Path, mmotu_like: Path, tiny_cohort: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "runs"
    shutil.copytree(runs, copy)
    folder = next((copy / "smoke" / "arms").glob("hospital-*cascade-cls-pretrained/seed-0"))
    (folder / "test.npz").write_bytes(b"PK\x03\x04 no archive")
    assert main(["report", "--out", str(copy), "--scale", "smoke"]) == 1
    assert "test.npz holds no predictions" in capsys.readouterr().err
    (folder / "run.json").write_text('{"arm": {"encoder": 7}}')
    assert main(command("table7", copy, mmotu_like, tiny_cohort)) == 1
    assert "run.json tells of no training" in capsys.readouterr().err


def test_curves_are_of_what_lightning_logs(tmp_path: Path) -> None:
    log = tmp_path / "metrics.csv"
    log.write_text("epoch,step,train/loss,validation/loss\n0,3,,0.5\n0,3,0.7,\n1,7,,0.25\n1,7,0.5,\n")
    epoch, loss = charts._read_log(log, "validation/loss")
    assert epoch.tolist() == [0, 1] and loss.tolist() == [0.5, 0.25]
    assert "<svg" in charts.draw_training([("arm", log)])
    for damaged in ("epoch,step\n0,1\n", "epoch,train/loss\n0\n1,2,3\n"):
        log.write_text(damaged)
        with pytest.raises(InputError, match=r"metrics\.csv holds no train/loss"):
            charts.draw_training([("arm", log)])
    log.unlink()
    with pytest.raises(InputError, match=r"metrics\.csv holds no"):
        charts.draw_training([("arm", log)])


def test_text_is_escaped_in_both_pages(tmp_path: Path) -> None:
    table = TextTable("<t>", ("a|b",), (("<script>\nline",),), ("<n>",))
    section = Section("<s>", [table], [("<c>", b"jpeg")], ["<note>"])
    page, text = write_report(tmp_path, [section], "full")
    assert "<script>" not in page.read_text() and "&lt;script&gt;<br><small>line" in page.read_text()
    assert "<script>" not in text.read_text() and "a\\|b" in text.read_text()
    assert "mean nothing" not in page.read_text()


def test_a_section_is_kept_and_read_back(tmp_path: Path) -> None:
    section = Section("s", [TextTable("t", ("a",), (("1",),), ("n",))], [("c", "<svg/>")], ["note"])
    save_section(section, tmp_path / "s.json")
    assert load_section(tmp_path / "s.json") == section
