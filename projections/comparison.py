"""The judge's front: did a change move a metric, and did a fix bring it back?

Everything outside `projections.judgement` imports from here; its modules import each other only. The front is this
module and not the package's `__init__`, because notebooks know `projections.comparison` and one name is enough.
`judge_change` and `judge_recovery` take plain arrays; `verdict_rows` judges the changes of an incident on its series.
"""

from projections.judgement.checks import CHECKS, overdue_after
from projections.judgement.inputs import ONSET_BEFORE
from projections.judgement.judge import judge_change, judge_fix, judge_recovery
from projections.judgement.live import MetricReading, NormalRange, normal_range, read_metric
from projections.judgement.metric_series import MetricSeries, RedactedSamples
from projections.judgement.onset import estimate_onset, estimate_recovery
from projections.judgement.outcome import (
    NOT_BETTER,
    NOT_JUDGED,
    AnyVerdict,
    answering,
    exit_code,
    is_clear,
    is_worse,
)
from projections.judgement.recorded_verdicts import latest_verdicts, verdicts_to_record, with_recorded
from projections.judgement.rows import INCIDENT, JUDGE_VERSION, SO_FAR, VerdictRow, verdict_rows
from projections.judgement.verdict_types import ChangeJudgement, Direction, Recovery, RecoveryJudgement
from projections.judgement.windows import SETTLING_SECONDS, WINDOWS

__all__ = [
    "CHECKS",
    "INCIDENT",
    "JUDGE_VERSION",
    "NOT_BETTER",
    "NOT_JUDGED",
    "ONSET_BEFORE",
    "SETTLING_SECONDS",
    "SO_FAR",
    "WINDOWS",
    "AnyVerdict",
    "ChangeJudgement",
    "Direction",
    "MetricReading",
    "MetricSeries",
    "NormalRange",
    "Recovery",
    "RecoveryJudgement",
    "RedactedSamples",
    "VerdictRow",
    "answering",
    "estimate_onset",
    "estimate_recovery",
    "exit_code",
    "is_clear",
    "is_worse",
    "judge_change",
    "judge_fix",
    "judge_recovery",
    "latest_verdicts",
    "normal_range",
    "overdue_after",
    "read_metric",
    "verdict_rows",
    "verdicts_to_record",
    "with_recorded",
]
