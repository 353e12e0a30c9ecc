"""Settings: what is wrong fails with its name; `edge init` writes the defaults."""

from dataclasses import fields
from pathlib import Path

import pytest

from edge.processes.systemd_unit import out_of_sight
from edge.settings import Settings, load, template
from scanside.errors import SettingError
from tests.edge.running import edge

SCANNER = "[[scanners]]\nname = 'US'\naddresses = ['10.1.2.3']\n"


def test_without_a_file_the_defaults_hold() -> None:
    settings = load(None, {})
    assert settings == Settings()
    assert (settings.host, settings.port, settings.ae_title) == ("127.0.0.1", 11112, "SCANSIDE")


def test_init_writes_the_defaults_and_never_overwrites(tmp_path: Path) -> None:
    path = tmp_path / "edge.toml"
    assert edge("init", path).returncode == 0
    text = path.read_text()
    assert load(path, {}) == Settings()
    assert all(f"{one.name} = " in text or f"[[{one.name}]]" in text for one in fields(Settings))
    assert all(f"# {setting.metadata['text'][:40]}" in text for setting in fields(Settings))
    path.write_text(text + "# mine\n")
    again = edge("init", path)
    assert again.returncode == 1 and "exists" in again.stderr and "Traceback" not in again.stderr
    assert path.read_text().endswith("# mine\n")


def test_every_line_of_the_template_can_be_changed(tmp_path: Path) -> None:
    other = {"11112": "104", "5": "7", '"SCANSIDE"': '"ROOM 3"', "# bundle = ''": "bundle = '/models/x'"}
    text = template()
    for old, new in other.items():
        assert old in text
        text = text.replace(old, new, 1)
    path = tmp_path / "edge.toml"
    path.write_text(text.replace("cine_frames = 5", "cine_frames = 7"))
    settings = load(path, {})
    assert (settings.port, settings.cine_frames, settings.ae_title) == (104, 7, "ROOM 3")
    assert settings.bundle == Path("/models/x")


def test_an_option_overrules_the_file(tmp_path: Path) -> None:
    path = tmp_path / "edge.toml"
    path.write_text("port = 104\nae_title = 'A'\n")
    assert load(path, {"port": 105, "ae_title": None}) == Settings(port=105, ae_title="A")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prot = 104", "unknown setting 'prot'. Did you mean 'port'?"),
        ("max_pdu = 1", "Did you mean 'max_pdu_bytes'?"),
        ("[port]\nx = 1", "port must be a whole number"),
        ("port = '104'", "port must be a whole number, not '104'"),
        ("port = true", "port must be a whole number"),
        ("port = 70000", "port is 70000; it must lie between 0 and 65535"),
        ("cine_frames = 0", "cine_frames is 0"),
        ("worker_timeout_s = nan", "worker_timeout_s is nan"),
        ("worker_timeout_s = 'long'", "worker_timeout_s must be a number"),
        ("host = ''", "host is empty"),
        ("ae_title = 'A TITLE THAT IS TOO LONG'", "is no AE title"),
        ("ae_title = 'A\\B'", "no backslash"),
        ("ae_title = 'Ä'", "is no AE title"),
        ("data = 3", "data must be a path, as a text"),
        ("bundle = ''", "bundle must be a path, as a text"),
        ("trusted_keys = 'key'", "trusted_keys must be a list of texts, not 'key'"),
        ("trusted_keys = [3]", "trusted_keys must be a list of texts"),
        ("trusted_keys = ['']", "trusted_keys must be a list of texts"),
        ("data = '~nobody-of-this-name/x'", "data is '~nobody-of-this-name/x'"),
        ('data = "a\\u0000b"', "control characters"),
        ("scanners = 'US'", "scanners must be tables, each under its own line [[scanners]]"),
        ("[scanners]\nname = 'US'", "scanners must be tables"),
        ("[[scanners]]\nname = 'US'", "scanner 1: it needs a name and addresses"),
        (SCANNER + "ae = 'US'", "scanner 1: unknown key 'ae'. Did you mean 'name'?"),
        (
            SCANNER + "ae_title = 'A TITLE THAT IS TOO LONG'",
            "scanner 1: 'A TITLE THAT IS TOO LONG' is no AE title",
        ),
        (SCANNER + "silent_after_h = -1", "silent_after_h must be a number of hours"),
        (SCANNER + SCANNER, "two scanners are called 'US'"),
        ("[[scanners]]\nname = ' '\naddresses = ['::1']", "name is ' '"),
        ("[[scanners]]\nname = 'US'\naddresses = 'any'", "addresses must be a list of texts"),
        ("colour = 1", "unknown setting 'colour'. docs/edge-settings.md lists all."),
        ("port = ", "is not a TOML file"),
    ],
)
def test_what_is_wrong_is_named(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "edge.toml"
    path.write_text(text)
    with pytest.raises(SettingError) as error:
        load(path, {})
    assert message in str(error.value) and str(path) in str(error.value)


def test_numbers_may_be_whole_where_fractions_are_allowed(tmp_path: Path) -> None:
    path = tmp_path / "edge.toml"
    path.write_text("worker_timeout_s = 5")
    assert load(path, {}).worker_timeout_s == 5.0


def test_a_missing_or_binary_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"nowhere.toml can't be read"):
        load(tmp_path / "nowhere.toml", {})
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingError, match="not a TOML file"):
        load(tmp_path / "binary.toml", {})


def test_the_unit_needs_a_python_that_the_service_can_see() -> None:
    inside, hidden = Path("/opt/scanside/bin/python"), Path("/tmp/scanside/bin/python")
    assert out_of_sight([inside]) is None
    assert out_of_sight([inside, hidden]) == hidden


def test_init_writes_a_unit_that_lets_the_agent_stop_in_order(tmp_path: Path) -> None:
    done = edge("init", "--systemd", tmp_path / "scanside.service")
    assert done.returncode == 0 and "systemctl enable" in done.stdout
    lines = (tmp_path / "scanside.service").read_text().splitlines()
    assert {"Type=notify", "KillMode=mixed", "UMask=0077", "NoNewPrivileges=yes"} <= set(lines)
    limit_s = next(int(line.partition("=")[2]) for line in lines if line.startswith("TimeoutStopSec="))
    assert limit_s > Settings().drain_s + Settings().worker_timeout_s
    assert edge("init", "--systemd", tmp_path / "scanside.service").returncode == 1
