"""Single sentences: what is true in other words is let pass, what is not is found in other words too."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from projections.claims.check import claims
from projections.claims.prose import Text
from tests import builders as b
from tests.projections.claims.story import STORY, facts, said
from tracker.text.mojibake import find_mojibake

TRUE = """\
Payment processing was down for 25 minutes.
Payments were unavailable for about 25 minutes.
The outage lasted 25 min.
The outage lasted nearly half an hour.
A 25-minute outage.
Payments were down for less than half an hour.
Payments were down from 14:45 to 15:10 UTC (25 minutes).
Downtime: 25 minutes
Downtime: 0 h 25 min
Downtime: 25m
**Downtime:** 25 min
Customers could not pay for 25 minutes.
Resolved within 30 minutes.
Resolved in half an hour.
Resolved 30 minutes after detection.
The fix was deployed 25 minutes after the first report.
The fix was deployed 15 minutes after the root cause was identified.
Fix deployed 20 minutes after confirmation.
It took 20 minutes from confirmation to deployment.
Issue confirmed within 5 minutes.
Confirmation came 5 minutes after the first customer report.
At 15:10 UTC we deployed v1.2.1.
At 3:10 PM UTC we deployed v1.2.1.
Fix deployed at 16:10 CET (v1.2.1).
Fix deployed at 15:10Z.
Fix deployed at 16:10+01:00.
v1.2.1 was deployed at 15:10:00 UTC.
v1.2.1 went live at 15:10 UTC on 2026-03-01.
John led the response.
Incident lead: John
Incident commander: @john
The rollout of v1.2.1 took 5 minutes.
Deployment took 5 minutes.
The database timeout of 30 seconds was not changed.
We increased the pool size from 10 to 20.
Alert if error rate is above 1 % for 2 minutes.
The client retries 3 times with a timeout of 15 seconds.
p95 latency was over 2s.
No rollback was needed.
One deploy was needed.
A single deploy fixed it.
We did not roll back.
Deployed once.
Detected by a customer.
First report from customer at 14:45 UTC.
Severity: critical
Root cause identified at 14:55 UTC.
Root cause identified 10 minutes after the first report.
The error rate was back to normal at 15:10 UTC.
We will deploy v1.2.2 next week.
The target is a fix within 30 minutes.
Ben joined the call at 14:52 UTC.
We discussed this for 15 minutes in the meeting.
The build took 4 minutes.
The pods were restarted after 2 minutes.
A customer wrote to us 15 minutes later.
The outage was shorter than 30 minutes.
The cache expires after 15 minutes.
Health checks run every 15 minutes.
In the last 15 minutes nothing was seen.
PostgreSQL 14.2.1 was not deployed by us.
The incident lasted 30 minutes.
Total duration: 30 minutes
Time to detect: 0 min
Time to resolve: 30 min
MTTR was 30 minutes.
Fixed in 25 minutes.
The next deploy is planned for 16:00 UTC.
Hotfix v1.2.1 shipped at 15:10 UTC.
Incident was declared at 14:50 UTC.
It started at 14:45 UTC and was resolved at 15:15 UTC.
Between 14:45 and 15:10 UTC payments failed.
Resolved at 15:15 UTC, 30 minutes after it started.
Service restored at 15:10 UTC.
ETA: 15:10 UTC
We expected the fix by 15:00 UTC, and missed it.
Users could not check out for 25 minutes because the connection pool was exhausted.
Response time was above 2 s for 20 minutes.
One pod was down for 3 minutes on Monday, which is unrelated.
Had we been paged, the outage would have lasted 10 minutes.
It could have been detected within 2 minutes by an alert.
A rollback takes 5 minutes.
The deploy pipeline takes 12 minutes.
Each deploy takes about 5 minutes.
Postmortem meeting on 2026-03-05 at 10:00 UTC.
Three customers called support.
Logs from 14:00 UTC to 16:00 UTC were kept.
Impact: Users cannot complete transactions
Between 14:45 and 15:10 UTC, customers could not pay.
At 14:45 UTC a customer reported failed payments. At 14:50 UTC John confirmed the issue and at 14:55 UTC the root cause was found.
Customers saw 500 errors for 25 minutes before v1.2.1 fixed it at 15:10 UTC.
The team deployed v1.2.1 20 minutes after confirming the issue.
It took us 5 minutes to confirm the issue, 5 more to find the cause and 15 to ship the fix.
We found the root cause 10 minutes in.
Time to fix deployed: 25 min
Time to recover: 25 min
Total downtime was 25 minutes (14:45 to 15:10 UTC).
Start: 14:45 UTC
End: 15:10 UTC
Started: 2026-03-01 14:45 UTC
Resolved: 2026-03-01 15:15 UTC
Duration: 30 minutes
Detected at: 14:45 UTC
The pool held 10 connections; after 15 minutes of load all were used.
Monitoring continued for 10 minutes after the deploy.
We watched the metrics for 10 minutes.
We ran the test suite (5 minutes) and deployed.
The fix was tested for 5 minutes.
Review took 3 minutes.
The hotfix branch was created at 14:57 UTC.
Ben started work on the fix at 14:56 UTC.
The deploy started at 15:05 UTC and finished at 15:10 UTC.
Deploying took 5 minutes.
The rollout began at 15:05 UTC.
An update was posted every 5 minutes.
There were no rollbacks.
We did not need to roll back.
No alert fired.
No alerts fired before the customer called.
The release of v1.2.0 the week before introduced the bug.
v1.2.0 was the current production version.
A timeout of 15 minutes on the load balancer hid the outage.
The outage lasted less than the 30 minutes we allow ourselves.
Fix deployed in 25 min, target 30 min.
Within 25 minutes of the first report the fix was live.
After 25 minutes, payments worked again.
Payments recovered 25 minutes after they first failed.
The outage was 5 minutes shorter than the last one.
5 minutes after the deploy we verified that all was well.
3:15 PM UTC: Verified working, 5 minutes after the deploy
Verified at 15:15 UTC.
Customer support received the first report at 14:45 UTC.
Status page was updated at 14:52 UTC.
Post-mortem scheduled for 2026-03-02 10:00 UTC.
By 15:15 UTC monitoring was normal.
Users could not check out between 2:45 PM and 3:10 PM UTC.
The incident was open for 25 minutes from declaration to resolution.
Confirmed 5 min after report; root cause 10 min after report; deployed 25 min after report; resolved 30 min after report.
Incident INC-1 was led by John and declared by Ada.
Reported by: customer
Declared: 14:50 UTC
The incident was declared 5 minutes after the first report.
Response time went up to 30 s, so requests timed out for about 25 minutes.
2026-03-01T15:10:00Z v1.2.1 deployed
15:10Z – deployed v1.2.1
On March 1, 2026 at 3:10 PM UTC, v1.2.1 was deployed.
Deployed on 2026-03-01.
Mar 1 15:10 UTC: deployed v1.2.1
Resolution time: 30 minutes
Mean time between failures is 15 days.
The last outage, in December, lasted 15 minutes.
Last month a similar outage took 2 hours.
In INC-7 payments were down for 40 minutes.
This is the second outage in 15 days.
Compared to the previous incident (down for 2 hours) this was short.
Downtime: 25 minutes; ETA given at first: 15 minutes (missed)
No deploy failed.
The error budget allows 43 minutes of downtime per month.
Our SLA promises less than 15 minutes of downtime per month.
99.9 % availability means 43 minutes of downtime a month.
Downtime budget: 43 minutes
The fix was reviewed in 3 minutes, merged and deployed.
The rollback plan was ready after 5 minutes.
A rollback to v1.2.0 was considered and rejected.
Rolling back to v1.2.0 was not possible.
Deploying v1.3.0 is blocked until the tests are done.
v1.3.0, which will be deployed next week, has the real fix.
Version 1.2.1 contains only this fix.
Backported to v1.1.4 and v1.0.9.
Node was upgraded to v18.19.0 in December.
Alice was on call; Bob joined at 14:51 UTC.
Sarah reviewed the fix.
John and Sarah worked on the fix.
John was incident commander until 15:15 UTC.
The on-call engineer was paged at 14:50 UTC by the customer team.
We expect the next release by Friday.
Monday's deploy took 40 minutes.
Alert: error rate above 1 % for 5 minutes
Response was fast: issue confirmed in 5 minutes.
The team met for 30 minutes the next day.
Payments are retried for up to 24 hours.
Sessions expire after 30 minutes, so users had to log in again after the outage.
Errors stopped within a minute of the deploy.
About two minutes after the deploy the error rate fell below 1 %.
Downtime 25 min
Total time to resolution: 30 minutes
The outage started at 2:45pm UTC.
The issue was confirmed by John at 14:50 UTC.
500 errors were seen until 15:10 UTC.
Payment attempts between 14:45Z and 15:10Z failed.
From the first report until the fix it took 25 minutes.
The window from 14:45 to 15:10 UTC was the whole impact.
Between detection and fix 25 minutes passed.
Three pods were restarted.
One customer reported it.
A handful of customers called.
The 10-minute verdict was good.
10 minutes after the deploy all metrics were normal.
We verified for ten minutes.
We had not rolled back.
Nothing was rolled back.
The deploy was not rolled back.
The migration was rolled back by the database.
The transaction was rolled back.
A rollback was not possible.
We could have rolled back.
The rollback was ruled out.
We rolled back the feature flag.
We wanted to have rolled back by then.
Should we have rolled back?
It began at a quarter to three.
It started at a quarter to three PM.
It was resolved at a quarter past three.
The midnight job is unrelated.
On Sunday, 1 March 2026, payments failed.
On Sunday payments were down for 25 minutes.
On Monday payments were down for 3 minutes.
Last Sunday payments were down for 3 minutes.
We were back up by 15:10 UTC.
We were back up by 15:20 UTC.
We had promised to be back up by 15:00 UTC.
It was resolved by 15:30 UTC.
A customer told us first.
No alert told us first.
| End | 15:15 UTC |
Downtime: 0:25
Downtime: 0:25 h
Downtime: 00:25:00
The severity is critical.
It lasted from 14:45 to 15:15 UTC.
Payments were down for nearly half an hour.
Payments were down for about half an hour.
The outage lasted just under half an hour.
John confirmed it at 14:50 and had the cause at 14:55. The fix went out at 15:10 as v1.2.1.
It began at 14:45 when a customer wrote to us; John confirmed it at 14:50 and had the cause five minutes later, at 14:55.
The deploy started at 15:05 and was through at 15:10; the alert team was told at 14:50.
By 15:10 UTC we had deployed v1.2.1, by 15:15 UTC it was resolved.
After 14:45 UTC, customers could not pay; 25 minutes later the fix was out.
Deployed v1.2.1 (15:10 UTC), verified (15:15 UTC).
Our MTTR target is 60 minutes.
We took half an hour in total.
In the half hour of the incident nobody slept.
It took us half of the time to find it.
Ten minutes in, we knew the cause.
The first ten minutes were lost to guessing.
The hotfix branch lived for two hours.
Ben and Kim helped; John led.
We thank Kim, who tested for 10 minutes.
v1.2.1 contains one commit.
Version 1.3.0 will contain a proper fix.
v1.3.0, due next week, has the proper fix.
We are on PostgreSQL 15.2 and Node 20.1.0.
The bug was introduced in v1.1.0 two weeks ago.
An hour after the fix, at 16:10 UTC, error rates were still normal.
A day later everything was still normal.
At 14:47 UTC the first retry storm was seen.
Checked again at 16:15 UTC: all good.
The dashboards show a spike at 14:46 UTC.
Recovery took 25 minutes.
The outage lasted 0.4 hours.
25 minutes of downtime.
v1.2.1 was deployed on March 1, 2026 at 15:10 UTC
Deployed at 2026-03-01T15:10:00Z
Deployed at 2026-03-01T16:10:00+01:00
It was all over in half an hour.
Payments were back after 25 minutes.
We decided not to roll back, because v1.2.0 had changed the schema.
If we had rolled back, orders would have been lost.
The team discussed whether a rollback would help.
Rolling back was not an option.
We were ready to roll back at once.
Had the fix failed, we would have rolled back within five minutes.
The rollback plan was tested in October.
The rollback took place only in staging.
On staging we rolled back twice.
The configuration change was reverted by the cron job.
The reverted commit is unrelated.
Nobody rolled back anything.
By 14:50 UTC we had confirmed the issue.
By 3 PM UTC the fix was written.
The root cause was known by 15:00 UTC.
By then we were back up.
The fix was deployed by 15:15 UTC.
It was resolved on Sunday.
On Sunday at 14:45 UTC payments began to fail.
The next review is on Monday, 9 March 2026.
The board meets on Friday.
It starts again at midnight each day.
At midnight the nightly job runs; it is unrelated.
The pool is reset at noon.
Users complained from 14:45 UTC on.
A quarter of all requests failed.
Half of the pods were restarted.
Half past the hour the job runs.
We lost a quarter of the day's orders.
Three quarters of the team were asleep.
We came back from lunch at 14:30 UTC and found nothing yet.
Kim was back at 15:30 UTC.
The service desk was back up to speed by 16:00 UTC.
The service was back at 15:10 UTC.
Start with the pool: 14 connections were left.
End of the story: 3 tickets are open.
Severity is decided by the lead.
Alerts came first, then customers, in most earlier incidents.
Customers noticed it first.
Both services share a pool; payments went down first.
See the runbook, section 2.1.3, for how to roll back.
We asked the vendor at 15:05 UTC; they answered at 17:00 UTC.
Incident review: Monday 2026-03-09 10:00 UTC.
Payments were down for 25 minutes (14:45-15:10 UTC).
Duration: 14:45 to 15:15 UTC
Downtime: 14:45–15:10 UTC (25 min)
Time to first response: 5 minutes
Deploy: 15:05-15:10 UTC
The first 10 minutes went into finding the cause.
After 25 minutes the service was healthy again.
A customer told us first; alerting stayed silent.
Fix deployed (v1.2.1), 25 minutes after the first report.
"""
FALSE = """\
Payments were down for about 15 minutes.
The outage lasted roughly 40 minutes.
Payment processing was down for 15 minutes.
The outage lasted a quarter of an hour.
A 15-minute outage hit checkout.
Payments were unavailable for fifteen minutes.
Payments were down for more than an hour.
Payments were down for less than 20 minutes.
Downtime: 15 min
Downtime: 35 minutes
⏱️ Downtime: 15 minutes
Downtime: 1 h
Customers could not pay for 15 minutes.
Users were unable to check out for forty minutes.
Resolved within 20 min.
The incident was resolved in 20 minutes.
We resolved it in under 20 minutes.
Fix and deploy was fast (20 min)
The fix was deployed within 15 minutes.
The fix went out 10 minutes after detection.
Fix deployed 5 minutes after the root cause was identified.
It took 10 minutes from confirmation to deployment.
Detection took 5 minutes.
Time to detect: 5 min
At 15:10 UTC we deployed v1.2.2.
At 14:55 UTC we deployed v1.2.1.
At 3:10 PM CET we deployed v1.2.1.
Fix deployed at 15:10+01:00.
v1.2.1 went live at 15:20 UTC.
v1.2.1 was deployed at 15:10 UTC on 2026-03-02.
Sarah led the response.
Incident lead: Sarah
Led by Sarah.
Incident commander: @sarah
Rolled back twice.
We rolled back to v1.2.0 at 15:00 UTC.
Two deploys were needed.
We deployed three times.
It took two deploys to fix it.
Detected by monitoring.
The issue was detected by an alert at 14:45 UTC.
Severity: minor
Root cause identified at 14:50 UTC.
The incident started at 14:40 UTC.
It was resolved at 15:10 UTC by Bob.
Incident resolved at 15:25 UTC.
~500 transactions affected
About 1,200 customers were affected.
The alert fired at 14:47 UTC.
Hotfix v1.3.0 was shipped.
Expected deployment: 14:55 UTC
ETA: 15 minutes
Declared by Bob.
Service restored at 14:58 UTC.
Issue confirmed at 14:47 UTC.
Issue confirmed within 2 minutes.
The incident lasted 45 minutes.
Payments were down from 14:45 to 15:00 UTC (15 minutes).
MTTR was 15 minutes.
Downtime was 15 minutes and detection took 5 minutes.
Report: [link]
Time to resolve: 15 min
Between 14:45 and 15:00 UTC, customers could not pay.
At 14:40 UTC a customer reported failed payments.
Customers saw 500 errors for 40 minutes.
The team deployed v1.2.1 10 minutes after confirming the issue.
We found the root cause 2 minutes after detection.
Time to fix deployed: 20 min
Time to recover: 15 min
Total downtime was 15 minutes (14:45 to 15:10 UTC).
Started: 2026-03-01 14:30 UTC
Started: 2026-02-28 14:45 UTC
Resolved: 2026-03-01 15:25 UTC
Duration: 15 minutes
Detected at: 14:50 UTC
The deploy started at 15:01 UTC and finished at 15:10 UTC.
Within 15 minutes of the first report the fix was live.
After 15 minutes, payments worked again.
Payments recovered 15 minutes after they first failed.
15:00Z – deployed v1.2.1
On March 1, 2026 at 3:20 PM UTC, v1.2.1 was deployed.
Users could not check out between 2:45 PM and 3:00 PM UTC.
Deployed 15 min after report.
Declared: 14:55 UTC
Service was down for just 15 mins.
Service was down for only 15 minutes
We were down 15 minutes.
Outage duration: 15min
15 minutes of downtime.
There were 15 minutes of downtime.
The 15 min outage affected checkout.
An outage of 15 minutes.
Payments were offline for 0.25 hours.
Downtime: 00:15:00
The service came back after 15 minutes.
Payments worked again after 15 minutes.
Everything was fixed in 15 minutes.
The whole thing took 15 minutes.
Users experienced errors for 15 minutes.
Users experienced a 15 minute interruption.
Mar 1 15:20 UTC: deployed v1.2.1
Deployed on 2026-03-02.
Date: 2026-03-02
Our downtime was 43 minutes.
From the first report until the fix it took 15 minutes.
Between detection and fix 10 minutes passed.
The outage started at 2:55pm UTC.
Payment attempts between 14:45Z and 15:00Z failed.
Downtime 15 min
Total time to resolution: 20 minutes
We rolled back to v1.2.0.
After the rollback to v1.2.0 at 15:05 UTC all was well.
It took a quarter of an hour to restore the service.
It was over after fifteen minutes.
Payments came back fifteen minutes later, at 15:00 UTC.
We rolled back.
We rolled back at 15:00 UTC.
We then rolled back the release.
The deploy was rolled back at 15:12 UTC.
After the rollback all was fine.
The rollback fixed it.
The incident started at noon.
It began at midnight.
It began at quarter to two.
It started at a quarter to three AM UTC.
It was resolved at half past three.
On Monday, 1 March 2026, payments failed.
On Sunday payments were down for 15 minutes.
We were back up by 3 PM.
We were back up by 15:00 UTC.
It was resolved by 15:05 UTC.
Alerting caught it first.
| Start | 14:40 UTC |
| End | 15:40 UTC |
Downtime: 0:15
Downtime: 1:25 h
Time to resolve: 25 min
Severity was major.
It lasted from 14:45 to 15:40 UTC.
Payments were down for half an hour.
We deployed v1.2.1. The outage had lasted 15 minutes.
It began at 14:45 when a customer wrote to us; John confirmed it at 14:53.
John had the cause at 15:03.
Deployed v1.2.1 (15:20 UTC), verified (15:15 UTC).
Ben led, and John helped.
Users saw errors for 45 minutes.
We needed 45 minutes to recover.
Recovery took 45 minutes.
We had it fixed in 12 minutes.
MTTD: 12 minutes
The outage lasted 1 hour and 25 minutes.
The outage lasted 90 minutes.
The outage lasted 1.5 hours.
25 hours of downtime.
Only 5 minutes of downtime.
We had 10 min downtime
v1.2.1 was deployed on March 2, 2026 at 15:10 UTC
v1.2.1 was deployed on March 1, 2026 at 15:40 UTC
Deployed at 2026-03-01T15:40:00Z
Deployed at 2026-03-01T16:10:00Z
We needed two deploys, v1.2.1 and v1.2.2.
It was all over in a quarter of an hour.
Nobody could pay for three quarters of an hour.
Payments were back after 10 minutes.
"""


@pytest.mark.parametrize("sentence", TRUE.splitlines())
def test_what_is_true_in_other_words_is_let_pass(sentence):
    """
    Also what is about something else: settings, plans, habits, other things that took long.
    """
    assert said(sentence) == []


@pytest.mark.parametrize("sentence", FALSE.splitlines())
def test_what_is_not_true_is_found_in_other_words_too(sentence):
    """
    In digits and in words, with and without AM, in other zones.
    """
    found = said(sentence)

    assert len(found) >= 1
    assert all(each.claim in sentence and each.log_says for each in found)


SECOND = (
    b.alert(35),
    b.declared(37, lead="Alice", detected_by="alert"),
    b.milestone(30, "started"),
    b.milestone(35, "detected"),
    b.deploy(21, version="v1.2.0"),
    b.deploy(50, version="v1.2.1"),
    b.rollback(60, version="v1.2.0"),
    b.commit(70, sha="a" * 40, subject_line="fix: give it back"),
    b.commit(71, sha="b" * 40, subject_line="fix: test that"),
    b.commit(72, sha="c" * 40, subject_line="chore: bump version to 1.2.2"),
    b.deploy(80, version="v1.2.2"),
    b.note(81, "1,140 orders were not paid", kind="impact"),
    b.milestone(82, "mitigated"),
    b.resolved(90),
)


@pytest.mark.parametrize(
    ("true", "false"),
    [
        ("Two commits fixed it.", "Three commits... no: five commits fixed it."),
        ("Two deploys were needed.", "Four deploys were needed."),
        ("We rolled back once.", "We rolled back twice."),
        ("One rollback was needed.", "No rollback was needed."),
        ("Rolled back to v1.2.0 at 15:00 UTC.", "Rolled back to v1.1.0 at 15:00 UTC."),
        ("v1.2.1 was rolled back.", "v1.3.1 was rolled back."),
        ("One alert fired.", "Three alerts fired."),
        ("The alert fired at 14:35 UTC.", "The alert fired at 14:47 UTC."),
        ("Detected by monitoring.", "Detected by a customer."),
        ("Detected within 5 minutes.", "Detected within 3 minutes."),
        ("1,140 orders were not paid.", "2,500 orders were not paid."),
        ("Alice led the incident.", "John led the incident."),
        (
            "Rolled back 10 minutes after the deploy of v1.2.1.",
            "Rolled back 25 hours after the deploy of v1.2.1.",
        ),
        ("v1.2.2 was deployed at 15:20 UTC.", "v1.2.2 was deployed at 14:50 UTC."),
        ("It was resolved by ada.", "It was resolved by Bob."),
        (
            "v1.2.0 was deployed at 14:21 UTC and caused it.",
            "v1.2.0 was deployed at 14:31 UTC and caused it.",
        ),
    ],
)
def test_counts_names_versions_and_rollbacks(true, false):
    """
    An incident with a fix that did not work, and one that did.
    """
    assert said(true, *SECOND) == []
    assert said(false, *SECOND) != []


def test_a_peak_is_held_against_the_samples():
    """
    "Rose to" may be any height below the highest; "peaked at" is the highest.
    """
    options = {"peaks": {"error_ratio": (47.0, "ratio")}}

    for true in (
        "The error rate peaked at 47 %.",
        "Error rate rose to 40 %.",
        "Error rate peaked at about 45%.",
    ):
        assert said(true, *STORY, **options) == []
    for false in (
        "The error rate peaked at 40 %.",
        "Error rate rose to 80 %.",
        "Error ratio hit 60% at its peak.",
    ):
        assert said(false, *STORY, **options) != []
    assert said("The error rate peaked at 99 %.") == []


def test_times_without_a_zone_take_that_of_the_text_or_the_one_that_was_given():
    """
    A report from Berlin is read in Berlin's time where it says so.
    """
    berlin = "All times are Europe/Berlin.\n\nThe fix was deployed at 16:10. It was declared at 15:50."
    assert said(berlin) == []
    assert said(berlin.replace("Europe/Berlin", "UTC")) != []
    assert said("The fix was deployed at 16:10.", zones=[ZoneInfo("Europe/Berlin")]) == []
    assert said("The fix was deployed at 16:10.") != []


def test_a_timeline_without_a_zone_is_named_once():
    """
    Everybody would read it in their own; where the zone is known from elsewhere, nothing is said.
    """
    rows = "- 2:45 PM: It burns\n- 2:50 PM: Issue confirmed\n- 3:10 PM: Fix deployed\n"

    [found] = said(rows)

    assert found.log_says.startswith("No zone and no date is named")
    assert said("All times UTC, 2026-03-01\n\n" + rows) == []
    assert said(rows, zone_known=True) == []
    assert said(rows.replace(" PM", " PM CET")) != [found]


# ── properties ───────────────────────────────────────────────────────────────

seconds = st.integers(120, 20_000)
WRITTEN = {
    "minutes": lambda s: (f"{s // 60} minutes", 60),
    "min": lambda s: (f"{round(s / 60)} min", 60),
    "h and min": lambda s: (
        (f"{s // 3600} h {s % 3600 // 60:02d} min", 60) if s >= 3600 else (f"{s // 60}m", 60)
    ),
    "seconds": lambda s: (f"{s} seconds", 1),
    "min and s": lambda s: (f"{s // 60} min {s % 60} s", 1),
    "iso": lambda s: (f"PT{s // 60}M{s % 60}S", 1),
}
SENTENCES = (
    "Payments were down for {}.",
    "Downtime: {}",
    "The outage lasted {}, then it was over.",
    "A downtime of {}.",
)


@settings(deadline=None)
@given(
    took=seconds,
    name=st.sampled_from(sorted(WRITTEN)),
    sentence=st.sampled_from(SENTENCES),
    off=st.integers(2, 50),
)
@example(took=1504, name="minutes", sentence=SENTENCES[0], off=2)
@example(took=3600, name="h and min", sentence=SENTENCES[0], off=2)
def test_a_duration_of_the_log_is_no_finding_and_one_that_is_off_is(took, name, sentence, off):
    """
    In every way of writing it, to the grain in which it is written.
    """
    log = (b.declared(1), b.milestone(0, "started"), b.milestone(took / 60, "mitigated"), b.resolved(400))
    written, grain = WRITTEN[name](took)
    longer, _ = WRITTEN[name](took + off * grain)
    assert said(sentence.format(written), *log) == []
    assert [each.log_says for each in said(sentence.format(longer), *log)] != []


offsets = st.integers(-12 * 4, 14 * 4).map(lambda quarters: timedelta(minutes=15 * quarters))
CLOCKS = {
    "iso": lambda at: (at.isoformat(), 1),
    "minute with offset": lambda at: (at.isoformat(" ", "minutes"), 60),
    # Behind UTC it could be a span: 03:10-05:00.
    "clock with offset": lambda at: (
        at.astimezone(timezone(abs(at.utcoffset()))).isoformat(" ", "minutes")[11:],
        60,
    ),
    "seconds": lambda at: (at.astimezone(UTC).strftime("%H:%M:%S UTC"), 1),
    "minutes": lambda at: (at.astimezone(UTC).strftime("%H:%M UTC"), 60),
    "Z": lambda at: (at.astimezone(UTC).strftime("%H:%MZ"), 60),
    "AM and PM": lambda at: (at.astimezone(UTC).strftime("%I:%M %p UTC"), 60),
    "am and pm, short": lambda at: (
        at.astimezone(UTC).strftime("%I:%M%p UTC").lstrip("0").lower().replace("utc", "UTC"),
        60,
    ),
}


@settings(deadline=None, max_examples=40)
@given(
    second=st.integers(0, 86_399),
    offset=offsets,
    name=st.sampled_from(sorted(CLOCKS)),
    off=st.integers(2, 600),
)
@example(second=4204, offset=timedelta(0), name="minutes", off=2)
def test_an_instant_of_the_log_is_no_finding_and_one_that_is_off_is(second, offset, name, off):
    """
    In every zone and every way of writing it, cut to the minute or not.
    """
    at = b.at(second / 60)
    log = (b.declared(0), b.deploy(second / 60, version="v1.2.1"), b.resolved(2000))
    right, grain = CLOCKS[name](at.astimezone(timezone(offset)))
    wrong, _ = CLOCKS[name]((at + timedelta(seconds=off * grain)).astimezone(timezone(offset)))
    for sentence in ("At {} we deployed v1.2.1.", "v1.2.1 was deployed at {}", "- {}: Fix deployed (v1.2.1)"):
        assert said(sentence.format(right), *log) == [], sentence.format(right)
        assert said(sentence.format(wrong), *log) != [], sentence.format(wrong)


@settings(deadline=None)
@given(text=st.text(max_size=300))
@example("1:00-99:99")
@example("v1.2.1 0000-00-00 24:61 PM")
def test_any_text_is_read_and_the_same_twice(text):
    """
    Never a traceback, whatever somebody pasted; each key is its finding's own.
    """
    known = facts(*STORY)

    found = claims([Text(text, "report.md")], known)

    assert found == claims([Text(text, "report.md")], known)
    assert len({each.key for each in found}) == len(found)


# No œ: Ãœ is what a misread Ü looks like, and no language writes it.
SCRIPTS = "äöüßéèêñçãõåøæşğıİĞÜŞÖÇăâîșțđĐơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹÀÁÂÃÈÉÊÌÍÒÓÔÕÙÚÝ"


@given(
    words=st.lists(
        st.text(st.sampled_from("abcdefgh" + SCRIPTS), min_size=1, max_size=9), min_size=1, max_size=6
    )
)
def test_no_letters_of_european_turkish_or_vietnamese_words_are_taken_for_damage(words):
    """
    Whatever letters follow each other, as long as they are letters.
    """
    assert find_mojibake(" ".join(words)) is None


@given(
    text=st.text(st.sampled_from("abc äöüßéñçşğı"), max_size=12),
    sign=st.sampled_from("🚨✅🚀🔧📊–“€"),
    encoding=st.sampled_from(["cp1252", "cp1254", "latin-1"]),
)
def test_utf_8_read_as_something_else_is_always_damage(text, sign, encoding):
    """
    With a sign in it that needs three bytes or four.
    """
    misread = "".join(
        bytes([each]).decode(encoding, errors="ignore") or chr(each) for each in (text + sign).encode()
    )

    assert find_mojibake(misread) is not None


@pytest.mark.parametrize(
    "piece",
    [
        "a ",
        "15 minutes ",
        "was down for 15 minutes ",
        "from x to ",
        "14:45 ",
        "[",
        "(",
        "an hour and ",
        "twenty ",
        "A. ",
        "|a",
        "<!-- ",
        "ğŸš¨",
        "1,",
        "2026-03-01 ",
    ],
)
def test_a_text_four_times_as_long_takes_about_four_times_as_long(piece):
    """
    Counted in calls, not in seconds: no text makes the reader look at everything for everything.
    """
    import sys

    known = facts(*STORY)

    def calls(lines):
        count = 0

        def step(frame, event, argument):
            nonlocal count
            count += event in ("call", "c_call")

        text = "\n\n".join([(piece * 200)[:400]] * lines)
        sys.setprofile(step)
        try:
            claims([Text(text, "x")], known)
        finally:
            sys.setprofile(None)
        return count

    calls(2)
    assert calls(40) < 6 * calls(10) + 2_000


def test_one_line_of_a_megabyte_is_read_as_far_as_people_read():
    """
    A log file pasted into a report stops nobody.
    """
    known = facts(*STORY)

    found = claims([Text("was down for 15 minutes " * 50_000, "x")], known)

    assert 1 <= len(found) <= 400


def test_where_the_log_knows_of_no_deploy_a_version_is_named():
    """
    Nothing in the log speaks of it: that is a finding too; a note that names it is enough.
    """
    bare = (b.declared(5), b.resolved(60))

    [found] = said("Fix deployed (v1.2.1).", *bare)

    assert "no deploy at all" in found.log_says
    assert said("Fix deployed (v1.2.1).", *bare, b.note(40, "v1.2.1 is out")) == []


def test_now_is_a_datetime_in_utc():
    """
    The facts carry when the log was last told of anything.
    """
    assert facts(*STORY).now == datetime(2026, 3, 1, 15, 15, tzinfo=UTC)
