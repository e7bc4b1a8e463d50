"""The rules of the procedure in words: what was expected, what happened, and what to do next.

A sentence is a template over the facts of its reason; what follows a colon says how a fact is written.
`{todo}` is the command of the answer's next step. A reason that has no sentence yet reads as its code.
"""

import re
import string
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, timedelta
from typing import Any

from projections.changes import ChangeRow
from projections.procedure.advice import Advice
from projections.procedure.fix_attempts import Outcome
from projections.procedure.history import CommitNode
from projections.procedure.rule import NextStep, RuleAnswer, Status
from projections.procedure.versions import Bump
from projections.reason import Reason
from projections.the_fix import Fix
from reports.wording.changes import version_name
from reports.wording.commands import next_command
from reports.wording.text import capitalized, counted, listed
from reports.wording.verdict_phrases import PHRASES, describe_checks, sentence
from tracker.text.shortening import short
from tracker.times import spoken

_EXPECTED = {
    "team_alerted": "a message or a note within {alert_team_within:limit}",
    "tested_before_deploy": "a passing test run of the commit before its deploy",
    "deployed_in_time": "the fix deployed within {fix_deployed_within:limit}",
    "verified": "metrics back to normal 10 minutes after the fix",
    "watched_10m": "metrics checked every minute for the first ten minutes after the fix",
    "watched_1h": "metrics checked one hour after the fix",
    "watched_1d": "metrics checked one day after the fix",
    "rolled_back_when_not_fixed": "a rollback where a fix did not help",
    "updates_on_time": "a message every {update_every:limit} until the end",
    "report_written": "a report within {report_within:limit} of the end",
    "branched_from_production": "branched from {production_branch}",
    "branch_named": "a name like {branch_pattern} that says what it fixes",
    "commits_minimal": "at most {maximum_fix_commits:n commit}, version bumps and merges not counted",
    "new_version_after_rollback": "a new patch number after a rollback",
    "merged_back": "on {integration_branch} within {merged_back_within:limit}",
    "version_bumped": "the patch number raised in the version file, as deployed",
    "tagged": "a tag of the version on the deployed commit",
    "backported": "on {maintained_branches:list}",
    "no_competing_hotfix": "no other hotfix of the same files at the same time",
}

_SENTENCES = {
    # Any rule.
    "false_alarm": "not needed: it was a false alarm",
    "merged_into": "not needed: it was merged into {merged_into}",
    "went_away": "not needed: it went away without a fix",
    "no_fix_deployed": "no deploy of a fix is recorded",
    # team_alerted
    "alerted_by_hand": "the team was told by {by} {after:offset} {since:since}{typed:typed}",
    "alerted_by_message": "the {kind} message was posted {after:offset} {since:since}",
    "alerted_by_note": "a note was written by {by} {after:offset} {since:since}{typed:typed}",
    "note_typed_later": "a note by {by} is dated {after:offset} {since:since}{typed:typed}, which does not show "
    "that the team knew by then",
    "not_all_named": "the team was told by {by} {after:offset} {since:since}, but no message or note names {unnamed:list}",
    "message_waiting": "the {kind} message is waiting in the outbox{why:why}, and no note by a person is recorded",
    "message_failed": "the {kind} message was not posted{why:why}, and no note by a person is recorded",
    "nobody_alerted": "no message is recorded as sent, and no note by a person",
    # updates_on_time
    "no_messages": "no message is recorded as sent, and a note is not an update; record a message posted by hand with --sent",
    "updates_sent": "«{count:n message}»{longest:apart}",
    "updates_so_far": "«{count:n message}» so far{longest:apart}; the incident is not over yet",
    "update_missing": "«{count:n message}; silent for {silent:durations}»: at least one update is missing",
    "update_late": "{count:n message}; silent for {silent:durations}",
    "no_update_due": "it was over {lasted:duration} after {since:since}, so no update was due",
    "first_message_after_end": "the first message was posted after the end: silent for {lasted:duration}",
    # report_written
    "still_open": "the incident is not over yet; the report is due {limit:limit} after its end",
    "report_published": "published {took:duration} after the end",
    "published_before_end": "published before the incident ended for good, and not again since",
    "not_published_yet": "«reviewed», but not published yet",
    "not_published_in_time": "«reviewed», but not published in time",
    "no_report": "no report was published with the tracker",
    # deployed_in_time, verified, rolled_back_when_not_fixed
    "fix_deployed": "{fix:fix} went live {after:offset} {since:since}",
    "attempts_did_not_hold": "«{versions:list} did not hold», and no other fix was deployed in time",
    "outcome": "10 minutes after {version}: «{outcome:outcome}»",
    "outcome_pending": "10 minutes after {version}: {outcome:outcome}",
    "outcome_not_collected": "10 minutes after {version}: {outcome:outcome}; {hint:command}",
    "not_rolled_back": "10 minutes after {version}: {outcome:outcome}; «no rollback and no newer deploy is recorded»",
    "replaced": "{replaced:replaced}",
    "outcome_unknown": "the first 10 minutes do not show whether {versions:list} helped",
    "nothing_to_roll_back": "no fix was worse or without effect after 10 minutes, so none had to be rolled back",
    # watched_10m, watched_1h, watched_1d
    "checked_every_minute": "{version}: checked {count:times}, every minute",
    "checked_at_end": "{version}: checked {last:duration} after the deploy",
    "judged_in_time": "{version}: judged when {window:over}",
    "window_open": "{version}: {window:not over} yet{missing:so far}",
    "gaps": "{version}: checked {count:times}, but «not {missing:checks} after the deploy»",
    "end_not_checked": "{version}: «last checked {last:duration} after the deploy», not {missing:checks} after it",
    "recorded_after_window": "{version} was recorded only when the window was over, so nobody could be seen watching",
    "judged_late": "{version}: judged only after {window:over}, and not checked before",
    "nothing_measured": "{version}: checked {count:times}, but no metric could be read",
    "not_watched": "nothing shows that anybody watched {version}",
    # tested_before_deploy
    "deployed_is_rollback": "{version} was put back and had run before, so nothing new was deployed",
    "deployed_uncommitted": "{version} was deployed from a clone with uncommitted changes, which no run tested",
    "deployed_commit_unknown": "no deploy, tag or branch names the commit of {version}; {hint:command}",
    "hotfix_not_tested": "no deploy of a fix is recorded, and no passing test run of {hotfix} at {sha:sha}",
    "tests_passed": "{commands:quoted} passed for {content}, {ahead:duration} before the deploy",
    "tests_passed_after": "{commands:quoted} passed for {content} only after the deploy had begun",
    "tests_failed": "the last run of {commands:quoted} before the deploy failed for {content}, and {version} was deployed anyway",
    "tests_failed_after": "{commands:quoted} failed for {sha:sha} after {version} had been deployed; no earlier run is recorded",
    "no_test_run": "no test run of {sha:sha} ({version}) is recorded",
    "only_dirty_runs": "no test run of {sha:sha} ({version}) is recorded without uncommitted changes",
    "other_files_tested": "no test run of {sha:sha} ({version}) is recorded; what was tested ({tested:shas}) holds other files",
    "other_commit_tested": "no test run of {sha:sha} ({version}) is recorded; whether {tested:shas}, which was tested, holds the same files is not known: {hint:command}",
    # Any rule about git.
    "ended_by_rollback": "it ended with the rollback to {version}; no code was changed",
    "ended_by_rollback_of_fix": "it ended with the rollback to {version}, which took back what had been tried",
    "all_hotfixes_rolled_back": "rolled back: {names:list}; no other hotfix is known",
    "deployed_hotfix_unknown": "{names:list} was deployed and rolled back, and its commits are not known: {hint:command}",
    "repository_not_read": "its repository was not read: {hint:command}",
    "no_hotfix_known": "no commit of that time is known on a branch like {pattern}, and none by a deploy: {hint:command}",
    # branched_from_production
    "base_unknown": "where {hotfix} began is not known; read a full clone: {todo:command}",
    "branched": "{hotfix} began «on {branch} at {base:sha}»",
    "branched_from_same_content": "{hotfix} began «on {branch} at {base:sha}», which had nothing that {production} did not have",
    "branched_elsewhere": "{hotfix} began «on {branch} at {base:sha}»{carried:carried}",
    "branched_from_integration": "{hotfix} began «on {branch}»{carried:carried}",
    "base_not_on_production": "{hotfix} is based on {base:sha}, which {production} is not known to contain",
    "older_commits": "where {hotfix} began is not known, and it has {count:n commit} older than the incident: {commit:commit}",
    "based_on_production": "{hotfix} is based «on {base:sha}, where {production} was before»",
    # branch_named
    "branch_gone": "the branch of {hotfix} is gone, and no merge names it",
    "name_against_pattern": "«{name}» does not match {pattern}",
    "name_generic": "«{name}» does not say what it fixes",
    "name_specific": "the branch is «{name}»",
    # no_competing_hotfix
    "branches_not_read": "the branches were not read since {hotfix} was deployed: {todo:command}",
    "files_unknown": "which files {hotfix} changed is not known: {todo:command}",
    "competing_hotfix": "«{other}» changed {files:some} at the same time",
    "other_files": "{others:list} changed other files at the same time",
    "no_other_hotfix": "no other hotfix was made at the same time",
    # commits_minimal
    "commits_incomplete": "not all commits of {hotfix} are known; read a full clone: {todo:command}",
    "only_bumps": "{hotfix} has no commit that fixes anything{besides}",
    "commits": "«{commits:number}»{besides}: {commits:commits}{squashed:squashed}",
    "commits_at_most": "«at most {commits:number}»{besides}: {commits:commits}; where it began is not known, so some may be others'",
    # version_bumped
    "bumped": "«{bumps:bumps}», as deployed",
    "bumped_not_deployed": "«{bumps:bumps}»; no deploy of it is recorded yet",
    "bump_maybe_not_deployed": "«{bumps:bumps}»; whether the deploy of {version} has it is not known",
    "versions_not_comparable": "«{bumps:bumps}»: these versions cannot be compared",
    "not_raised": "«{bumps:bumps}» was not raised",
    "not_a_patch": "«{bumps:bumps}» is not a patch bump",
    "deployed_another_version": "«{path} says {after}», but {version} was deployed",
    "version_files_unknown": "what its version files say is not known; read a full clone: {todo:command}",
    "no_version_file": "none of {files:list} states a version",
    "not_bumped_yet": "not yet: «{stated:stated}»; raise the patch number before the deploy",
    "never_bumped": "no commit of it raised the version: still «{stated:stated}»",
    # tagged
    "version_unknown": "which version {hotfix} is, is not known; {todo:command}",
    "tagged": "«{tag}» is on {sha:sha}",
    "release_commit_unknown": "«{version}» was released, but on which commit is not known: {todo:command}",
    "tag_commit_unknown": "«{tag}» is on {sha:sha}, which is not known: {todo:command}",
    "tag_on_later": "«{tag}» is on {commit:commit}, which has more than the fix",
    "tag_without_fix": "«{tag}» is on {commit:commit}, which does not contain the fix",
    "no_tag_yet": "there is no tag {version} yet",
    "tags_not_read": "the tags were not read since the deploy: {todo:command}",
    "no_tag": "there is no tag {version}",
    # new_version_after_rollback
    "no_change_recorded": "no deploy or rollback is recorded; {todo:command}",
    "nothing_rolled_back": "nothing was rolled back",
    "previous_version_unknown": "rolled back to {version}, but what ran before is not known; {todo:command}",
    "deployed_again": "«{version}» was deployed again after it had been rolled back",
    "nothing_deployed_since": "nothing was deployed since {old} was rolled back to {version}",
    "not_a_newer_version": "«{new}» was deployed after {old} had been rolled back, but is not a newer number",
    "new_version": "{old} was rolled back, and «{new}» was deployed after it",
    # merged_back and backported
    "one_trunk": "there is one trunk: integration_branch is empty",
    "merged_back": "{how:reasons}, «{after:offset} {since:since}»",
    "containment_unknown": "{how:reasons}; read a full clone: {todo:command}",
    "time_left": "«{left:duration} left»: {how:reasons}",
    "not_there_when_read": "it was not there when the repository was last read; read it again: {todo:command}",
    "not_merged_back": "{how:reasons}",
    "no_maintained_branches": "[procedure] maintained_branches is empty",
    "backported": "«{branches:count}»: {branches:branches}",
    # How a fix came onto a branch, or why it is not there.
    "fast_forwarded": "fast-forwarded to it, or committed there",
    "merged": "merged by {commit:commit}",
    "squashed": "squashed as {commit:commit}",
    "picked": "picked or rebased as {commit:commit}",
    "picked_by_hand": "picked with changes by hand as {commit:commit}",
    "brought_back": "reverted, and brought back by {commit:commit}",
    "not_all_commits": "not all commits of {hotfix} are known",
    "no_such_branch": "no branch {branch} is known",
    "reverted_by": "{commit:commit} was reverted by {by:commit}",
    "lost_in_merge": "nothing of {commit:commit} came in by {by:commit}: the merge kept the other side",
    "merge_unclear": "what {commit:commit} brought is not known",
    "history_incomplete": "the history of {branch} is incomplete",
    "change_unknown": "what {commit:commit} changed is not known",
    "patch_differs": "{commit:commit} may be it, but its patch is different",
    "not_there": "{missing:missing} not on {branch}{partly:partly}",
}
"""What happened, by the reason of an answer. What is between « and » is the short form, where that is not the whole."""

REASONS = frozenset(_SENTENCES)

_TO_DO = {
    "team_alerted": "alert the team",
    "tested_before_deploy": "test the fix",
    "deployed_in_time": "deploy the fix",
    "verified": "see whether the fix helped",
    "watched_10m": "watch the first 10 minutes",
    "watched_1h": "check the metrics when the hour is over",
    "watched_1d": "check the metrics when the day is over",
    "rolled_back_when_not_fixed": "roll back",
    "updates_on_time": "update the team",
    "report_written": "write and publish the report",
    "merged_back": "merge back to {integration_branch}",
    "new_version_after_rollback": "deploy a fix with a new version",
    "version_bumped": "bump the version",
    "tagged": "tag the version",
    "backported": "backport the fix to the maintained branches",
}
"""What to do about a rule that is not met yet."""
_STATUS = {status: status.value.replace("_", " ") for status in Status}
_SINCE = {"declared": "the declaration", "detected": "detection", "back": "it came back"}
_OVER = {"10m": "the ten minutes", "1h": "the hour", "1d": "the day"}
_MARKS = {Status.MET: "✓", Status.UNKNOWN: "?", Status.MISSED: "✗"}
_GAPS_NAMED, _FILES_NAMED, _COMMITS_NAMED = 3, 3, 5


def expected(answer: RuleAnswer) -> str:
    """Say what a rule asks for, with the limits that hold for the incident."""
    limits = answer.limits
    if answer.rule == "backported" and not limits.maintained_branches:
        return "no maintained branches are configured"
    if answer.rule == "merged_back" and not limits.integration_branch:
        return "the fix on the integration branch"
    return _filled(_EXPECTED.get(answer.rule, answer.rule.replace("_", " ")), vars(limits))


def actual(answer: RuleAnswer) -> str | None:
    """Say in short what happened; None where nothing is known to have happened."""
    if answer.parts:
        parts = [(part.subject, actual(part)) for part in answer.parts]
        return "; ".join(f"{subject}: {text}" for subject, text in parts if text) or None
    _, short_form, rest = _template(answer).partition("«")
    if short_form:
        return _filled(rest.partition("»")[0], _facts(answer))
    status = answer.waiver.status if answer.waiver else answer.status
    return _sentence(answer) if status in (Status.MET, Status.LATE, Status.MISSED) else None


def says(answer: RuleAnswer) -> str:
    """Say what happened, in whole sentences."""
    if answer.parts:
        text = "; ".join(dict.fromkeys(f"{part.subject}: {_with_delay(part)}" for part in answer.parts))
    else:
        text = _with_delay(answer)
        # What begins with a name or a version keeps its first letter.
        template = _template(answer).lstrip("«")
        if template.startswith("{how:"):
            template = _SENTENCES[answer.facts["how"][0].code]
        text = capitalized(text) if template[0].islower() else text
    text = text if text.endswith((".", "!", "?", "…")) else f"{text}."
    if answer.waiver is None:
        return text
    waiver = answer.waiver
    return f"Waived by {waiver.by}: {waiver.why} (without that: {_STATUS[waiver.status]}. {text})"


def todo(step: NextStep | None) -> str | None:
    """Return the command of a next step."""
    return next_command(step) if step is not None else None


def what_is_due(item: Advice) -> str:
    """Say what is to be done next."""
    if item.next_step.code == "ingest_git":
        return "read its repository"
    if item.rule in _TO_DO:
        return _filled(_TO_DO[item.rule], vars(item.limits))
    return expected(RuleAnswer(Status.UNKNOWN, "", rule=item.rule, limits=item.limits))


def due(item: Advice) -> str:
    """Say what is to be done next, how much time is left, and the command."""
    what, command = what_is_due(item), next_command(item.next_step)
    if item.left_seconds is None:
        return f"{what}; {command}"
    return f"{what}: {time_left(item.left_seconds)}; {command}"


def time_left(seconds: float) -> str:
    """Say how much time is left, or by how much it is over."""
    return f"{_rounded_down(seconds)} left" if seconds >= 0 else f"overdue by {_rounded_down(-seconds)}"


def _rounded_down(seconds: float) -> str:
    """Write the time left in the unit that somebody acts on, and never more than is left."""
    unit = 1 if seconds < 120 else 60 if seconds < 86_400 else 3600
    return spoken(unit * (seconds // unit))


def _with_delay(answer: RuleAnswer) -> str:
    late = f", {spoken(answer.late_seconds)} late" if answer.late_seconds is not None else ""
    return _sentence(answer) + late


def _sentence(answer: RuleAnswer) -> str:
    return _filled(re.sub("[«»]", "", _template(answer)), _facts(answer))


def _template(answer: RuleAnswer) -> str:
    return _SENTENCES.get(answer.reason, answer.reason.replace("_", " "))


def _facts(answer: RuleAnswer) -> dict[str, Any]:
    facts = answer.facts
    return {"todo": answer.next_step, **facts, "besides": _besides(facts), "content": _content(facts)}


def _content(facts: Mapping[str, Any]) -> str:
    """Name what was tested: the commit, or others with the same files."""
    sha, others = str(facts.get("sha", ""))[:7], facts.get("tested")
    return f"{_shas(others)}, the same files as in {sha}" if others else sha


def _besides(facts: Mapping[str, Any]) -> str:
    """Name the commits of a hotfix that are not counted."""
    left_out = [counted(facts[key], thing) for key, thing in _NOT_COUNTED if facts.get(key)]
    only = ", only" if facts.get("commits") == () else " besides"
    return f"{only} {' and '.join(left_out)}" if left_out else ""


_NOT_COUNTED = (("bumps", "version bump"), ("merges", "merge"))


def _shas(shas: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(sha[:7] for sha in shas))


def _commit(commit: CommitNode) -> str:
    return f"{commit.sha[:7]} {short(commit.fact.subject_line, 60)}"


def _commits(commits: Iterable[CommitNode]) -> str:
    known = list(commits)
    more = len(known) - _COMMITS_NAMED
    return "; ".join(map(_commit, known[:_COMMITS_NAMED])) + (f"; and {more} more" if more > 0 else "")


def _carried(commits: list[CommitNode]) -> str:
    if not commits:
        return ""
    return f" and carries along {counted(len(commits), 'commit')} of it: {_commits(commits)}"


def _missing(commits: list[CommitNode]) -> str:
    more = f" and {len(commits) - 1} more are" if len(commits) > 1 else " is"
    return _commit(commits[0]) + more


def _limit(limit: timedelta) -> str:
    """Write a limit as tracker.toml has it: 30 min, 1 h, 5 d."""
    seconds = limit.total_seconds()
    for length, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:.0f} {unit}"
    return spoken(seconds)


def _offset(seconds: float) -> str:
    return f"{spoken(seconds)} after" if seconds >= 0 else f"{spoken(-seconds)} before"


def _fix(fix: Fix) -> str:
    """Name a fix, and why it counts as the fix."""
    is_rollback = fix.row.kind == "rollback"
    version = version_name(fix.row.version)
    name = f"The rollback to {version}" if is_rollback else version
    if fix.link is not None:
        return name
    last = "the last change" if is_rollback else "the last deploy"
    return f"{name}, {last} so far," if fix.so_far else f"{name}, {last} before all was back,"


def _outcome(outcome: Outcome) -> str:
    if not outcome.verdicts:
        return "no verdict was recorded"
    groups: dict[str, list[str]] = {}
    for metric, verdict in sorted(outcome.verdicts, key=lambda pair: list(PHRASES).index(pair[1])):
        groups.setdefault(PHRASES[verdict], []).append(metric)
    text = "; ".join(f"{', '.join(dict.fromkeys(metrics))} {phrase}" for phrase, metrics in groups.items())
    why = dict.fromkeys(" ".join(map(sentence, reasons)).rstrip(".") for reasons in outcome.reasons)
    return f"{text} ({'; '.join(why)})" if why else text


def _replaced(pairs: Iterable[tuple[ChangeRow, ChangeRow]]) -> str:
    return "; ".join(
        f"{row.version} was {'rolled back to' if after.kind == 'rollback' else 'replaced by'} {version_name(after.version)} "
        f"{spoken((after.at - row.at).total_seconds())} after its deploy"
        for row, after in pairs
    )


def _bumps(bumps: Iterable[Bump]) -> str:
    return "; ".join(f"{bump.path} {bump.before or 'new'} → {bump.after}" for bump in bumps)


def _branches(branches: Iterable[tuple[str, Status, tuple[Reason, ...]]]) -> str:
    return " · ".join(
        f"{_MARKS[status]} {branch}: {'MISSING, ' if status is Status.MISSED else ''}{_reasons(how)}"
        for branch, status, how in branches
    )


def _reasons(reasons: Iterable[Reason]) -> str:
    return "; ".join(_filled(_SENTENCES[reason.code], reason.facts) for reason in reasons)


def _on_branches(branches: list[tuple[str, Status, object]]) -> str:
    return f"on {sum(status is Status.MET for _, status, _ in branches)} of {len(branches)}"


_WRITTEN: dict[str, Callable[[Any], str]] = {
    "apart": lambda seconds: f", at most {spoken(seconds)} apart" if seconds is not None else "",
    "branches": _branches,
    "bumps": _bumps,
    "carried": _carried,
    "checks": describe_checks,
    "command": next_command,
    "commit": _commit,
    "commits": _commits,
    "count": _on_branches,
    "duration": spoken,
    "durations": lambda gaps: listed(map(spoken, gaps), _GAPS_NAMED),
    "fix": _fix,
    "limit": _limit,
    "list": listed,
    "missing": _missing,
    "not over": lambda window: f"{_OVER[window]} {'are' if window == '10m' else 'is'} not over",
    "number": lambda commits: counted(len(commits), "commit"),
    "offset": _offset,
    "outcome": _outcome,
    "over": lambda window: f"{_OVER[window]} {'were' if window == '10m' else 'was'} over",
    "partly": lambda partly: ", though the rest is" if partly else "",
    "quoted": lambda commands: " and ".join(map(repr, commands)),
    "reasons": _reasons,
    "replaced": _replaced,
    "sha": lambda sha: sha[:7],
    "shas": _shas,
    "since": _SINCE.__getitem__,
    "so far": lambda due: f"; so far not checked {describe_checks(due)} after the deploy" if due else "",
    "some": lambda names: listed(names, _FILES_NAMED),
    "squashed": lambda squashed: " (squashed by the forge)" if squashed else "",
    "stated": lambda stated: ", ".join(f"{path} {version}" for path, version in stated),
    "typed": lambda at: f" (typed at {at.astimezone(UTC):%Y-%m-%d %H:%M} UTC)" if at is not None else "",
    "times": lambda count: "once" if count == 1 else f"{count} times",
    "why": lambda why: f": {why}" if why else "",
}
"""How a fact is written, by what follows the colon in a template."""


class _Template(string.Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec.startswith("n "):
            return counted(value, format_spec[2:])
        return _WRITTEN[format_spec](value) if format_spec else str(value)


def _filled(template: str, facts: Mapping[str, Any]) -> str:
    return _Template().vformat(template, (), facts)
