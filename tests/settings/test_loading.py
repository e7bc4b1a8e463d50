"""tracker.toml: all that it may say, and what is said when it says something else."""

import json
import os
from pathlib import Path

import msgspec
import pytest

from tracker.errors import SettingsError
from tracker.settings.loading import load, locate, parse, secret, store_despite_errors
from tracker.settings.schema import FILE_NAME

EVERYTHING = """
[tracker]
store = "tracker.db"
time_zone = "Europe/Berlin"
prefix = "OPS"

[prometheus]
url = "http://127.0.0.1:9090"
step_seconds = 30
bearer_token_env = "PROM_TOKEN"
username = "ada"
password_env = "PROM_PASSWORD"
ca_file = "ca.pem"

[alertmanager]
url = "http://127.0.0.1:9093"
token_env = "TRACKER_HOOK_TOKEN"

[sentry]
url = "https://sentry.io"
organization = "acme"
token_env = "SENTRY_TOKEN"
client_secret_env = "SENTRY_HOOK_SECRET"
dsn_key_env = "TRACKER_DSN_KEY"

[github]
url = "https://github.example/api/v3"
token_env = "GITHUB_TOKEN"
hook_secret_env = "GITHUB_HOOK_SECRET"

[gitlab]
url = "https://gitlab.example"
token_env = "GITLAB_TOKEN"
hook_token_env = "GITLAB_HOOK_TOKEN"

[hooks]
token_env = "TRACKER_EVENTS_TOKEN"

[slack]
webhook_url_env = "SLACK_URL"

[services.checkout]
repositories = ["../checkout"]
github_repository = "acme/checkout"
gitlab_project = "shop/checkout"
sentry_projects = ["checkout"]
alert_labels = { service = "checkout" }
auto_declare = "critical"
rollback_command = "kubectl rollout undo deployment/checkout"
settling = "2m"

[services.checkout.metrics.error_ratio]
query = 'sum(rate(http_requests_total{service="checkout",code=~"5.."}[1m])) / sum(rate(http_requests_total{service="checkout"}[1m]))'
unit = "ratio"
better = "lower"
threshold = 0.01

[services.checkout.metrics.orders]
query = "orders_per_second"

[services.billing-2]

[procedure]
production_branch = "main"
integration_branch = "develop"
branch_pattern = "hotfix/.+"
generic_branch_names = ["critical-bug", "bug", "fix", "hotfix"]
alert_team_within = "5m"
update_every = "5m"
fix_deployed_within = "30m"
merged_back_within = "1h"
maximum_fix_commits = 3
report_within = "5d"
maintained_branches = ["release/1.0", "release/1.1"]
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    """Work in an empty folder with no tracker.toml above it."""
    monkeypatch.chdir(tmp_path)


def write(text, folder=Path()):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE_NAME
    path.write_text(text, encoding="utf-8")
    return path


def refusal(text):
    """What is said of a file, and the hint."""
    with pytest.raises(SettingsError) as refused:
        parse(text.encode(), "tracker.toml")
    assert refused.value.message.startswith("tracker.toml: ")
    assert "\n" not in refused.value.message
    assert refused.value.hint
    return refused.value.message.removeprefix("tracker.toml: "), refused.value.hint


def test_everything_that_is_promised_can_be_said():
    """
    The whole example of the interface.
    """
    file = parse(EVERYTHING.encode(), "tracker.toml")

    assert (file.tracker.prefix, file.tracker.time_zone) == ("OPS", "Europe/Berlin")
    assert (file.prometheus.step_seconds, file.prometheus.ca_file) == (30, "ca.pem")
    assert file.sentry.dsn_key_env == "TRACKER_DSN_KEY"
    assert file.gitlab.hook_token_env == "GITLAB_HOOK_TOKEN"
    assert (file.github.url, file.gitlab.url) == ("https://github.example/api/v3", "https://gitlab.example")
    assert file.services["checkout"].gitlab_project == "shop/checkout"
    assert list(file.services) == ["checkout", "billing-2"]
    checkout = file.services["checkout"]
    assert checkout.alert_labels == {"service": "checkout"}
    assert checkout.metrics["error_ratio"].threshold == 0.01
    assert (checkout.metrics["orders"].better, checkout.metrics["orders"].unit) == ("neither", None)
    assert file.procedure.maintained_branches == ("release/1.0", "release/1.1")
    assert file.procedure.generic_branch_names == ("critical-bug", "bug", "fix", "hotfix")


def test_nothing_needs_to_be_said():
    """
    With a store alone the defaults hold.
    """
    found = load(store="tracker.db")

    assert found.path is None
    assert found.store == str(Path.cwd() / "tracker.db")
    assert found.folder == Path.cwd()
    assert (found.tracker.prefix, found.prometheus.step_seconds) == ("INC", 15)
    assert found.procedure.report_within == "5d"
    assert parse(b"", "tracker.toml") == found.file


@pytest.mark.parametrize(
    ("text", "said", "nearest"),
    [
        ("[traker]", "'traker' is not a setting", "'tracker'"),
        ('[tracker]\nstor = "x"', "'tracker.stor' is not a setting", "'tracker.store'"),
        ("[prometheus]\nstep = 5", "'prometheus.step' is not a setting", "'prometheus.step_seconds'"),
        ("[services.a]\nrepos = []", "'services.a.repos' is not a setting", "'services.a.repositories'"),
        (
            '[services.a.metrics.m]\nquery = "x"\ntreshold = 1',
            "'services.a.metrics.m.treshold' is not a setting",
            "'services.a.metrics.m.threshold'",
        ),
        (
            "[procedure]\nupdate_evry = 5",
            "'procedure.update_evry' is not a setting",
            "'procedure.update_every'",
        ),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest_known_one(text, said, nearest):
    """
    With the whole way to it.
    """
    message, hint = refusal(text)

    assert message == said
    assert nearest in hint


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[tracker]\nstore = 5", "tracker.store"),
        ('[prometheus]\nstep_seconds = "15"', "prometheus.step_seconds"),
        ("tracker = 5", "tracker"),
        ("services = 5", "services"),
        ("[services]\na = 5", "services.a"),
        ("[services.a]\n[services.b]\nrepositories = 5", "services.b.repositories"),
        ("[services.b]\nrepositories = [5]", "services.b.repositories[0]"),
        ('[services.a]\nalert_labels = "x"', "services.a.alert_labels"),
        (
            '[services.a.metrics.good]\nquery = "x"\n[services.a.metrics.bad]\nquery = "x"\nthreshold = "high"',
            "services.a.metrics.bad.threshold",
        ),
        ("[services.a.metrics.m]", "services.a.metrics.m"),
        ("[procedure]\nmaximum_fix_commits = 1.5", "procedure.maximum_fix_commits"),
    ],
)
def test_a_wrong_type_is_told_with_its_place(text, place):
    """
    The service and the metric by their names.
    """
    message, _ = refusal(text)

    assert message.startswith(f"{place}: ")


@pytest.mark.parametrize(
    ("text", "place", "hint"),
    [
        (
            '[services.a.metrics.m]\nquery = "x"\nunit = "ms"',
            "services.a.metrics.m.unit: 'ms' is not a unit",
            "seconds",
        ),
        ('[services.a.metrics.m]\nquery = "x"\nbetter = "up"', "services.a.metrics.m.better", "higher"),
        ('[services.a.metrics.m]\nquery = " "', "services.a.metrics.m.query: is empty", "PromQL"),
        ('[services.a.metrics.m]\nquery = "x"\nthreshold = nan', "services.a.metrics.m.threshold", "0.01"),
        ('[services.a.metrics.m]\nquery = "x"\nthreshold = inf', "services.a.metrics.m.threshold", "0.01"),
        ('[services.a.metrics."a/b"]\nquery = "x"', "services.a.metrics.a/b", "error_ratio"),
        ('[services."a b"]', "services.a b", "[services.checkout]"),
        ('[services.a]\nsettling = "soon"', "services.a.settling: 'soon' is not a duration", "2m"),
        ('[procedure]\nreport_within = "5"', "procedure.report_within: '5' is not a duration", "5d"),
        ('[procedure]\nbranch_pattern = "("', "procedure.branch_pattern: is not a pattern", "hotfix"),
        (
            '[tracker]\ntime_zone = "Berlin"',
            "tracker.time_zone: 'Berlin' is not a time zone",
            "Europe/Berlin",
        ),
        ('[tracker]\nprefix = "INC-"', "tracker.prefix: 'INC-' is not a prefix", "INC"),
        ("[prometheus]\nstep_seconds = 0", "prometheus.step_seconds: must be at least 1", "15"),
        ("[tracker", "this is not TOML", "tracker.toml"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_with_one_that_can(text, place, hint):
    """
    Where, what, and an example.
    """
    message, hinted = refusal(text)

    assert message.startswith(place)
    assert hint in hinted


def test_bytes_that_are_no_text_are_refused():
    """
    As a file that is no TOML.
    """
    with pytest.raises(SettingsError, match="not TOML"):
        parse(b"\xff\xfe", "tracker.toml")


# ── where it is, and where the log is ────────────────────────────────────────


def test_the_file_is_looked_for_upwards(tmp_path, monkeypatch):
    """
    The nearest one holds, and paths in it are relative to it.
    """
    write('[tracker]\nstore = "data/log.db"', tmp_path / "project")
    below = tmp_path / "project" / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)

    found = load()

    assert found.path == tmp_path / "project" / FILE_NAME
    assert found.folder == tmp_path / "project"
    assert found.store == str(tmp_path / "project" / "data" / "log.db")


def test_another_file_can_be_named(tmp_path):
    """
    --config FILE; a missing one is an error, not the defaults.
    """
    path = write('[tracker]\nprefix = "OPS"', tmp_path / "elsewhere")

    assert load(str(path)).tracker.prefix == "OPS"
    assert load(str(path)).store == str(tmp_path / "elsewhere" / "tracker.db")
    with pytest.raises(SettingsError, match=r"missing\.toml: cannot be read: No such file") as refused:
        load("missing.toml")
    assert "tracker init" in refused.value.hint


def test_the_store_is_what_the_command_says_else_the_environment_else_the_file(tmp_path, monkeypatch):
    """
    Typed paths are relative to where one types; an empty variable is none.
    """
    write('[tracker]\nstore = "file.db"', tmp_path / "project")
    work = tmp_path / "project" / "work"
    work.mkdir()
    monkeypatch.chdir(work)

    monkeypatch.setenv("TRACKER_STORE", "")
    assert load().store == str(tmp_path / "project" / "file.db")
    monkeypatch.setenv("TRACKER_STORE", "env.db")
    assert load().store == str(work / "env.db")
    assert load(store="typed.db").store == str(work / "typed.db")
    monkeypatch.setenv("TRACKER_STORE", "postgresql://ada@db.example/tracker")
    assert load().store == "postgresql://ada@db.example/tracker"


def test_a_home_is_a_home(monkeypatch, tmp_path):
    """
    ~ in the file and in what is typed.
    """
    monkeypatch.setenv("HOME", str(tmp_path))
    write('[tracker]\nstore = "~/log.db"')

    assert load().store == str(tmp_path / "log.db")
    assert load(store="~/other.db").store == str(tmp_path / "other.db")


@pytest.mark.parametrize("address", ["mysql://ada@db.example/tracker", "sqlite:///tracker.db"])
def test_another_kind_of_store_is_refused(address):
    """
    Rather than made as a file of that name.
    """
    with pytest.raises(SettingsError, match="is not supported") as refused:
        load(store=address)

    assert "postgresql://" in refused.value.hint
    assert "ada" not in refused.value.message


# ── secrets and facts ────────────────────────────────────────────────────────


def test_a_secret_is_in_the_environment_or_in_a_file(monkeypatch, tmp_path):
    """
    @FILE reads a file; a name that the environment lacks is told.
    """
    (tmp_path / "token").write_text("from the file\n")
    monkeypatch.setenv("A_TOKEN", "plain")
    monkeypatch.setenv("B_TOKEN", f"@{tmp_path / 'token'}")
    monkeypatch.setenv("C_TOKEN", "@/nowhere/token")

    assert secret(None) is None
    assert secret("A_TOKEN") == "plain"
    assert secret("B_TOKEN") == "from the file"
    with pytest.raises(SettingsError, match="names the file /nowhere/token"):
        secret("C_TOKEN")
    with pytest.raises(SettingsError, match="the environment has no D_TOKEN"):
        secret("D_TOKEN")


def test_facts_hold_what_answers_depend_on_and_no_secret_or_address():
    """
    They go into the log, which is bundled and sent.
    """
    write(EVERYTHING)

    facts = load().facts()

    assert list(facts) == [None, "checkout", "billing-2"]
    assert facts["checkout"]["settling_seconds"] == 120.0
    assert facts["checkout"]["metrics"]["error_ratio"]["threshold"] == 0.01
    assert facts[None]["procedure"]["maximum_fix_commits"] == 3
    told = json.dumps([*facts.values()])
    for private in (
        "127.0.0.1",
        "sentry.io",
        "TOKEN",
        "_env",
        "ca.pem",
        "tracker.db",
        "SECRET",
        str(Path.cwd()),
    ):
        assert private not in told


def test_facts_that_were_recorded_equal_the_same_settings():
    """
    Else each command would record them anew.
    """
    write(EVERYTHING)

    for facts in load().facts().values():
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(facts)) == facts


def test_one_service_s_change_changes_no_other_s_facts():
    """
    So that a report of another stays as it is.
    """
    write(EVERYTHING)
    before = load().facts()
    write(EVERYTHING.replace("threshold = 0.01", "threshold = 0.02"))

    after = load().facts()

    assert [name for name in after if after[name] != before[name]] == ["checkout"]


def test_reading_settings_changes_nothing():
    """
    Neither a file nor the environment.
    """
    before = dict(os.environ)

    load(store="tracker.db")

    assert list(Path().iterdir()) == []
    assert dict(os.environ) == before


@pytest.mark.parametrize(
    ("rules", "place", "hint"),
    [
        ('merged_back_within = "10m"', "procedure.merged_back_within: '10m' is less than fix_deployed_within '30m'", '"30m"'),
        ('alert_team_within = "40m"', "procedure.fix_deployed_within: '30m' is less than alert_team_within", '"40m"'),
        ('update_every = "0m"', "procedure.update_every: must be longer than 0", '"5m"'),
        ('report_within = "0d"', "procedure.report_within: must be longer than 0", '"5d"'),
        ('maintained_branches = ["main"]', "procedure.maintained_branches: names 'main', which is production_branch", "release/"),
        ('maintained_branches = ["release/1.0", "develop"]', "procedure.maintained_branches: names 'develop'", "release/"),
        ("maximum_fix_commits = 0", "procedure.maximum_fix_commits: must be at least 1", "3"),
        ('integration_branch = "main"', "procedure.integration_branch: is 'main', the same as production_branch", '""'),
        ('production_branch = ""', "procedure.production_branch: is empty", "main"),
        ('branch_pattern = "develop|hotfix/.+"', "procedure.branch_pattern: 'develop|hotfix/.+' matches integration_branch", "hotfix/"),
        ('branch_pattern = ".+"', "procedure.branch_pattern: '.+' matches production_branch 'main'", "hotfix/"),
        ('branch_pattern = ""', "procedure.branch_pattern: is empty", "hotfix/"),
        ('branch_pattern = "hotfix/bug"', "procedure.branch_pattern: 'hotfix/bug' matches one name only", "hotfix/"),
    ],
)  # fmt: skip
def test_rules_that_contradict_each_other_are_refused(rules, place, hint):
    """
    No incident could keep them: where, why, and what to write instead.
    """
    message, hinted = refusal(f"[procedure]\n{rules}")

    assert message.startswith(place)
    assert hint in hinted


@pytest.mark.parametrize(
    "rules",
    [
        'merged_back_within = "30m"',
        'update_every = "2h"',
        'integration_branch = ""',
        'production_branch = "trunk"\nintegration_branch = "main"',
        'branch_pattern = "(hotfix|emergency)/[0-9.]+"',
        'branch_pattern = "hotfix/urgent"',
        "generic_branch_names = []",
    ],
)
def test_rules_that_can_be_kept_together_are_taken(rules):
    """
    However strict, and of a team with one trunk too.
    """
    parse(f"[procedure]\n{rules}".encode(), "tracker.toml")


def test_the_order_in_which_settings_are_looked_for(tmp_path, monkeypatch):
    """
    --config, TRACKER_CONFIG, here and above, ~/.config/tracker.
    """
    monkeypatch.delenv("TRACKER_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "project" / "below").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "project" / "below")

    assert locate() is None
    of_user = write("", tmp_path / "config" / "tracker")
    assert locate() == of_user
    above = write("", tmp_path / "project")
    assert locate() == above
    named = write("", tmp_path / "named")
    monkeypatch.setenv("TRACKER_CONFIG", "../../named/tracker.toml")
    assert locate() == named
    typed = write("", tmp_path / "typed")
    assert locate(str(typed)) == typed


def test_the_users_own_settings_are_in_the_home_folder(tmp_path, monkeypatch):
    """
    Where XDG says nothing else.
    """
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")

    assert locate() is None
    path = write("", tmp_path / ".config" / "tracker")
    assert locate() == path


# ── whose it is ──────────────────────────────────────────────────────────────

NOBODY = 65534
is_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")


def _theirs(folder: Path, kind: str) -> Path:
    """Put a tracker.toml of another user into a folder: a file, a link of theirs, or our link to their file."""
    path = folder / FILE_NAME
    if kind == "file":
        write("[[[", folder)
        os.chown(path, NOBODY, NOBODY)
        return path
    file = write("[[[", folder / "elsewhere")
    path.symlink_to(file)
    os.chown(path if kind == "link" else file, NOBODY, NOBODY, follow_symlinks=False)
    return path


@is_root
@pytest.mark.parametrize("kind", ["file", "link", "linked file"])
@pytest.mark.parametrize("below", [".", "a/b"])
def test_settings_of_another_user_are_refused_unread(tmp_path, monkeypatch, kind, below):
    """
    They are not even valid; only their path is told. Who names them trusts them.
    """
    path = _theirs(tmp_path, kind)
    (tmp_path / below).mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(tmp_path / below)

    with pytest.raises(SettingsError, match="belongs to another user") as refusal:
        load()
    assert str(path) in refusal.value.message
    assert f"--config {path}" in refusal.value.hint
    with pytest.raises(SettingsError, match="this is not TOML"):
        load(str(path))
    monkeypatch.setenv("TRACKER_CONFIG", str(path))
    with pytest.raises(SettingsError, match="this is not TOML"):
        load()


@is_root
def test_the_nearest_settings_are_not_passed_over_for_ours(tmp_path, monkeypatch):
    """
    Else a command would record into another log than the folder says.
    """
    write("", tmp_path)
    _theirs(tmp_path / "shared", "file")
    monkeypatch.chdir(tmp_path / "shared")

    with pytest.raises(SettingsError, match="belongs to another user"):
        load()
    assert store_despite_errors(None, None) is None


@is_root
def test_who_called_sudo_is_trusted(tmp_path, monkeypatch):
    """
    As git does it.
    """
    write("", tmp_path)
    os.chown(tmp_path / FILE_NAME, NOBODY, NOBODY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SUDO_UID", str(NOBODY))

    assert load().path == tmp_path / FILE_NAME
