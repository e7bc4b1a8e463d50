"""An alert of which there is one report is attached as it is among several."""

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from projections import attachment
from projections.dossier import Dossier
from tests import builders as b

_REPORTS = st.lists(
    st.tuples(
        st.integers(-90, 200),
        st.integers(0, 5),
        st.sampled_from(["fired", "ended", "ended without a start"]),
        st.sampled_from([None, None, "link", "unlink", "other's", "amend"]),
    ),
    max_size=12,
)


def story(reports, second):
    """Two incidents of a service, alerts, and what people did to them."""
    events = [b.declared(5), b.resolved(40)]
    if second is not None:
        events.append(b.declared(second, incident="INC-2"))
    for minute, alert, kind, done in reports:
        named = {"fingerprint": f"{alert:016x}"}
        if kind == "fired":
            fact = b.alert(minute, **named)
        else:
            fact = b.alert_end(minute, minute - (20 if kind == "ended" else 0), **named)
        events.append(fact)
        if done == "amend":
            events.append(b.amended(fact, changes={"fingerprint": f"{5 - alert:016x}"}))
        elif done == "unlink":
            events.append(b.unlinked(fact))
        elif done is not None:
            events.append(b.linked(fact, incident="INC-2" if done == "other's" else "INC-1"))
    return b.recorded(*{b.event_id(event): event for event in events}.values(), minute=300)


@hypothesis_settings(max_examples=60, deadline=None)
@given(_REPORTS, st.sampled_from([None, 20, 60, 120]))
def test_one_report_is_attached_as_several_are(reports, second):
    """
    Of any alerts, ends and links, in one incident or two of a service: the same facts belong to each.
    """
    recorded = story(reports, second)
    for name in ["INC-1", "INC-2"][: 1 if second is None else 2]:
        fast = {fact.id for fact in Dossier.of(name, recorded).own}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(attachment, "_single_alerts", lambda facts: ([], facts))

            assert fast == {fact.id for fact in Dossier.of(name, recorded).own}
