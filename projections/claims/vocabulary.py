"""The words by which people name what happens in an incident: all vocabulary of the linter, one phrase a line.

In a phrase `*` is the rest of a word, `(s)` may be left out, `…` is up to three words, `|` separates alternatives of
one word, and a blank is a blank or a hyphen. `{x}` is one of the phrases of the group "x" in WORDS. Nothing here decides.
"""

import re
from functools import cache

from tracker.text.patterns import lazy_pattern

WORDS = {
    "change": """
        (hot)fix; patch*; release*; version*; update; build; deploy*; v?\\d+\\.\\d+(\\.\\d+)
        """,
    "thing": """
        incident; outage; issue; problem; trouble; disruption; it; event; impact; matter
        """,
    "customer": """
        customer(s); user(s); shopper(s); client(s); merchant(s); caller; phone call; telephone
        from outside; support; forum
        """,
    "alert": """
        alert(s); alerting; alarm(s); monitor(s); monitoring; page(s); pager; prometheus; alertmanager
        """,
    "person": """
        colleague(s); engineer(s); employee(s); developer(s); somebody … team; somebody|someone; by chance; by accident; one of us; chance
        """,
}

POINTS = {
    "alert ended": """
        {alert} … clear*; {alert} … stop* firing; {alert} … went quiet|away|silent|green
        {alert} … fell|went|turned silent; {alert} … was over; {alert} (had) resolved; {alert} … ended
        {alert} … ceased; clear* … alert; it cleared; cleared at|by; {alert} … subsid*; {alert} … calm* down
        {alert} … turned green; {alert} … back to green; {alert} … stopped; {alert} … recovered
        {alert} … switched off; {alert} … went out; {alert} … died down; end of the alert
        silence* the alert
        """,
    "alerted": """
        {alert} … fire*|fired|firing; {alert} … go|goes|went|gone off; {alert} … trigger*
        {alert} … rang|sound*|rung|tripped
        {alert} … flag*|caught|notic*|came_along|told|saw|spotted|detected|reported; {alert} … page*
        first alert|alarm|page; the|an alert|alarm|page(?!\\s+(?:team|rule|threshold|text|channel|says|on|that|for|of)\\b); paged; alert* the|our engineer*
        engineers|engineer … alerted; pager*; on call … alerted|notified|paged; alerted; monitoring|alerting … silent|quiet|blind|asleep|nothing
        {alert} … kicked in; {alert} … lit up; {alert} … raised; {alert} … woke*; {alert} … picked … up
        {alert} … called; {alert} … beeped|buzzed; beeper; woken by; {alert} … react*; {alert} … responded
        {alert} … spoke up; {alert} … drew; {alert} … came in; {alert} … set off; got paged; page* reached
        by an alert|alarm
        """,
    "reported": """
        first|initial (customer) report(s); first report|contact|customer|complaint|call|ticket
        first phone call; (customer|user|client) report(s|ed)
        customer(s)|user(s)|caller … call*|phon*|wrote|complain*|contacted|rang|got_in_touch|reported|told
        customer(s)|user(s) … notic*; reported by|from (a|the|our) customer(s)|user(s); phone call
        complain*; from the|first report; phone rang; anybody|anyone complained; report to
        first customer(s); customers got in touch; helpdesk; help desk; support desk
        ticket(s) … came in|arrived; first caller; heard from … customer(s)
        customer(s)|user(s) … wrote|alerted|let_us_know|made_us_aware|raised; call … reached us
        a customer(s) … on the phone; customer service received|took; phoned in; rang up
        """,
    "detected": """
        detect*; MTTD; time to detect*; notic*; discover*; became aware; spotted; before we knew(?=\\W*$)
        took notice; knew about|of; caught wind; came to our attention; first knew
        before anybody|anyone knew; before anybody|anyone noticed; became known; came to light; picked up on
        to spot; catch|caught it|this; detection; first sign(s)
        """,
    "declared": """
        declar*; incident … opened; opened … incident; {thing} was|been|is opened; opened as
        incident opened; raised … incident; incident … created|raised|filed; incident was|is called
        opening of the incident; call* an incident; open* a|an|the incident|case|ticket|file; put on record
        incident began officially; officially
        """,
    "reopened": """
        re(-)open*; open* … again; open* a|the second time; opened up again; revived; taken up again
        relapse; back … second time
        """,
    "confirmed": """
        confirm*; acknowledg*; MTTA; verified the report|issue|incident; reproduc*; corroborat*
        """,
    "hypothesis": """
        suspect*; suspicion; theory; hypothes*; suspicions; guess*; first thought; hunch; assum*; idea
        wonder*; pointed at|to
        """,
    "cause": """
        root cause; (the|its) cause … found|known|identified|clear|understood
        found|identified|established|understood|knew … cause; figured … out
        work* out … cause|wrong|why|what; find|found out (what|why|the); diagnos*; see|saw through
        understand|understood … wrong|happened; pinned … down; knew which|what; had the (root) cause
        establish*; defect at; identified … defect; identified the; worked|made out what; got to the bottom
        track* … down; certain; sees|saw|realis*|realiz* that
        cause … pinpointed|spotted|nailed|understood|on_the_table|in_hand|uncovered|recognised|recognized
        pinpoint*; nail* … cause|it|down; crack* the case|it; uncover* … cause|why|what|that; had … answer
        knew|know|understood|saw why|what|where|how; the culprit … found|known|identified
        explanation … found; put a finger on; put … finger on; hit on|upon the cause
        spotted the cause|bug|mistake|defect|fault
        found the bug|mistake|defect|fault|reason|culprit|leak|problem; isolat*; localis*; the cause
        clear what|why|that; came to the bottom; traced … to|back; the diagnosis; explain*; analys*; analyz*
        the reason
        """,
    "decided": """
        decid*; decision; made the call; chose to; opted; settled on; resolved to go; ordered; called for
        agreed to; gave the order; the call; green light
        """,
    "rollback failed": """
        rollback|back … failed|fails|aborted; failed rollback
        """,
    "rolling back": """
        rollback|rolling|back … beg[au]n|begins|start*; beg[au]n|begins|start* … roll* back
        beg[au]n|begins|start* … rollback; rollback … under way|kicked off|initiated|launched|triggered
        kicked off|initiated|launched|triggered … rollback; set … rollback in motion; rolling back
        """,
    "rolled back": """
        roll* back; rollback(s); revert*; roll* … back; old|previous|earlier|last version|release … back
        undone; undo; undid; backed out; back|return*|went|gone to v?\\d+\\.\\d+(\\.\\d+)
        (went|gone|go|put|was|is|switched) back to … previous|old|older|earlier|last version|release
        put* … back; previous version|release … serving|running; return* to v?\\d+; back at|on v?\\d+
        old|previous release back; withdr[ae]w* … release; go back; reinstat*; roll*back; back(ed)( it)? out
        fell|fall*|fallen back to|on; switch* back; downgrad* to; restor* … version|release
        restor* v?\\d+\\.\\d+; pull* … release|version; took|take|taken … release|version back
        withdraw* … version|release; revers* … deploy*|release|change; unwound; brought … back
        brought back … version|release; put back; bring* … back; swapp* back
        v?\\d+\\.\\d+(\\.\\d+) (was|is) reinstated|restored|back; took|taken|turn* … back to v?\\d+
        to the previous|old|older|earlier|last version|release|state; reversal; going back; gone back
        went back; previous|old|older|earlier release|version again; undo* the|that release|deploy*
        flipp* back; version before; roll … back; (re)deploy* … previous|old|older|earlier version|release
        """,
    "deploying": """
        starts|started|begins|began rolling_out|to_roll_out; starts|started|begins|began roll_out of; tried|try|tries {change}
        deploy*|rollout … started|began|begins|starts; start*|began to deploy
        start*|began … deploy*|rollout; deploying
        """,
    "deploy failed": """
        deploy* … fail*|abandon*|abort*
        v?\\d+\\.\\d+(\\.\\d+) … fail*|abandon*|abort*|never_made_it|did_not_pass|was_not_released
        fail* … health checks; deploy*|release*|rollout(s)|hotfix* (had|has|have) failed
        deploy*|release*|rollout(s)|hotfix* … fail*; deploy*|release*|rollout(s)|hotfix* … failure
        failed deploy*|release|rollout; it|was|is abandoned|aborted|cancelled; first|second|third attempt … failed|came_to_nothing
        attempt … deploy*|fix … failed; {change} … did not make_it|come_up|pass|start|survive
        {change} … didn't make_it|come_up|pass|start
        {change} … broke_off|was_stopped|was_cancelled|was_withdrawn; health checks … failed|red
        got stuck in … health checks; unsuccessful deploy*|release|rollout|attempt; failed … checks
        rejected by … checks; did not get past|through
        """,
    "deployed": """
        (re)deploy*; roll* out; rollout; ship*; {change} … went|go|goes|gone|going out|live
        {change} … is|was|were|be|been out|live|there; {change} … live; {change} … in (the) production|place
        {change} … into|to production; {change} … reach* production; {change} … on all pods|hosts|nodes
        {change} … made it … production; out with {change}; release* … {change}; released; released it
        {change} … release*; went live; went out; gone out; put live; push* … production
        until|till|to|and|before|after (the) fix|hotfix|patch
        after|since|following|with|before|of the|that|this|our release|update|rollout|upgrade(?!\\s+of\\b); {change} … arrived; {change} … landed
        {change} … hit|reached|entered production|prod; {change} … in use|service|effect
        {change} … took … traffic; {change} … was|were put out; put out … {change}
        put|brought … {change} into|in production; {change} … installed|delivered|pushed|published|applied
        install*|appl* … {change}; {change} … served; roll* … {change} out; got {change} out
        had {change} out; {change} … up and running; {change} … everywhere; bring* … {change} out
        a|the fix|hotfix|patch out; ready in production; in prod; to prod; {change} … came out
        {change} … saw the light
        """,
    "recovered": """
        recover*; mitigat*; restor*; back to|at normal; normal again; healthy again; at normal rates
        work*|opened|open|function*|running|flow*|arriv*|answer*|respond*|succeed*|available|possible|correct*|served|sent again
        could|can … again; once again; came back(?!\\s+from)
        payments|everything|all|service|carts|exports|parcels|it was|were back; back up; back online; back in service
        end of impact|outage|disruption; normal service; went through again; {thing} was|is (all) over
        all over; MTTR; in time again; errors stopped; came good; as usual; healthy; like before
        in order again; all well; well again; back on (their|its) feet; back in business|operation|action
        as normal; flowing; flowed; subsided; ceased; stopped failing; impact (had) ended|stopped
        over for customers; failures|errors … stopped|ended|ceased|vanished|disappeared|gone
        no more errors|failures; went back to normal; return* to normal; sorted; worked properly; fine again
        all right again; to rights; was|were fine; green again; normality; normalis*; normaliz*; relief
        end of the outage
        """,
    "resolved": """
        resolv*; resolution; closed; closing; close|closes it|the; dared to close; wrap* up; all clear
        stood|stand down; through with it; declared over; over and done; called it off
        end of (the) incident; ^end; ^ended; ^closed; false alarm; case … closed; shut the case
        put to rest|bed; mark* … resolved|done|closed; conclud*; finish* … incident; end* the incident
        signed off; close out; sounded the all clear; gave the all clear; draw* a line; incident over
        finally over; officially over; clos* the|this|it|as; stood the team down; final|second|first close
        done with it; the end
        """,
    "verified": """
        verif*; observation; watch*; kept an eye; monitored; kept watching; under observation; observ*
        """,
    "fixed": """
        fixed; repaired; fix took; fixing
        """,
    "severity": """
        severity … rais*|lower*|chang*|reduc*|upgrad*|downgrad*; down to minor|major
        rais*|lower* to critical|major|minor; was|became|turned critical|major|minor; upgraded to; downgrad*
        escalated to; went (up|down) to critical|major|minor; bump* … to critical|major|minor; upgrad*
        rais* … severity; lower* … severity; severity; escalat*; de(-)escalat*; reclassif*; demot*; promot*
        """,
    "lead": """
        took charge|over|the lead; takes charge|over|the lead; handed over; changed hands; baton
        command … passed; took over … from; relieved; succeeded
        """,
    "joined": """
        join*
        """,
    "service added": """
        added to the incident; became part of
        """,
    "merged": """
        merg*; back to|on|in|into develop|main|master; on|to|into develop
        back into the main line|develop|trunk; integrat* into; cherry pick*; forward port*; back port*
        landed in|on develop|main; reached develop|main; brought … to develop; in develop|main|master|trunk
        """,
    "committed": """
        commit*; patch … written|authored|coded; wrote … fix|patch; pushed … commit(s)
        coded the|a fix|patch; fix … written; written the fix|patch; checked in; first commit
        """,
    "branched": """
        branch … creat*|cut|start*|open*; branch* off; hotfix branch; creat* … branch
        """,
    "tested": """
        tests pass*; test suite
        """,
    "message": """
        message(s); announce*; announcement(s); status page|update(s)|message(s)
        update(s) … sent|posted|went|channel|status; posted … update(s)|message(s)
        (an|first|second|third|last|next|opening|of) update(s); communicat*
        team|staff|channel|everybody|people|colleagues … told|informed|notified
        told|informed|notified|informs … team|staff|channel|everybody|people; word of|that|went
        had been told; heard nothing; no information|news; was told; informed; notified; all clear message
        notif*; bulletin; posting; heads up; post went|was; statement; broadcast; communiqu*
        news (was|were|had|went|about|that); inform*; kept … in the dark|posted|loop; in the dark
        word … out|sent|given|went; wrote to everyone|everybody|staff|all; status note
        told the|everyone|everybody|all|people|staff|our; heard that|from us|about|of; let … know
        were|was told; spoke to; gave notice; note to|went to staff|all|everybody
        mail* … staff|all|everybody; briefed; briefing; silence; silent; posted; sent out; write* to
        (a|the) post|posts; updates; update; depots|teams|shops|agents were|was|had told|informed|notified
        """,
    "started": """
        {thing} … started|began|begins|starts|broke_out; {thing} start
        start|beginning|onset|begin of (the) {thing}; ^start; ^started; ^begin; onset
        the|its|from start|beginning|outset; beginning at; it|all|trouble (all) began|started|begins|starts
        first … broke|failed|got stuck|fail|failing|errors|went wrong; broke; trouble|things|it set in
        first signs; first trouble; came into being; kicked off; got going|under way; erupt*; surfac*
        emerg*; the moment it broke; outbreak; first parcels|carts|requests|orders|transfers|errors
        began to fail|wait|break|queue|pile|stall; started to fail|wait|break|queue|pile|stall
        started failing|waiting|breaking|queueing|piling; stopped working; ceased to work; hit us
        """,
    "outage": """
        down; downtime; outage(s); unavailab*; offline; disrupt*; interrupt*; unusable; unreachable
        inaccessible; broken; failed; failing; fails; failures
        could|can not … pay|open|order|use|buy|log|sign|check|complete|reach|access|place|book|work|send|be
        couldn't|can't … pay|open|order|use|buy|log|sign|check|complete|reach|access|place|book|work|send|be
        nobody|no_one|none could; unable to; wait*; stuck; errors; error page(s)|message(s)
        did not go through; lasted; whole|entire thing|episode|affair|story; went wrong; period(s) of impact
        duration; affected; impact; degraded; last* for; incident lasted; without service; could barely
        brought down; knocked out; out of order|action|service; stall*; at a standstill; halted; paralys*
        no service; blackout; went through … errors; suffer*; crippled; impair*; held up; delay*; piling up
        pile up; hang*; hung; unable; not working; shut out; turned away; denied; outages; dark; in trouble
        unserviceable; bad patch; interruption; loss of service; time lost; days|hours|minutes of trouble
        rejected; had … errors|failures|trouble; malfunction*; misbehav*; struggled; ordeal
        saw errors|failures
        """,
}

CHANGE_NEEDED = """
    went out; gone out; went live; put live; put … back; undone; undo; undid; released; released it
    roll* out
    """
"""Phrases that tell of a change only in a sentence that names one."""

NOT_A_CLAIM = {
    "hypothetical": """
        would(n't); could|should|might|may have; could've|should've|might've; if; unless
        had … been|had|we|it|gone … would; whether; as if; perhaps; may; might; were to; otherwise
        in theory; supposedly; as though; imagine; suppose; had it not been
        """,
    "must": """
        will; won't; going to; shall; should; must; would(n't)
        """,
    "plan": """
        promised|hoped|meant|expected|supposed|wanted to; will; won't; going to; shall; should; must; planned; plan* to; scheduled; next deploy*|release
        ^need*; blocked; want* to; need* to|for; next time; in future; in the future; target*; goal; SLO
        SLA; objective; budget; let us; TODO; recommend*; consider*; intend*; from now on
        starting (next|in); is|are to be; is|are due; upcoming; soon; later this; aim* to; propos*
        is|are going; tomorrow; we ask; please; ought to; agreed to
        """,
    "elsewhere": """
        last sunday; last spring|summer|autumn|fall|winter|christmas|holiday*
        last|previous|earlier year|years|month|week|time|quarter|outage|incident|monday|tuesday|wednesday|thursday|friday|saturday
        the week|month|year|night before
        another|different|previous|earlier|similar|older incident(s)|outage(s)|break(s)
        other incidents|outages; of this|that sort|kind; a similar; competitor*
        other companies|company|shops|vendors; another team's; years ago; in 20\\d\\d; for years; staging
        test environment; on average; usually; normally; typically; ordinary day|week; always; as a rule
        often; sometimes; each deploy|time|month|week|day|year|restart|release
        every deploy|time|month|week|day|year; per month|week|year|day|quarter; a month|week|year|day
        compared to|with; unrelated; yesterday; christmas; in recent years|months
        two|three|four|five|six|seven|eight|nine|ten|several|some|few|a years|months|weeks ago; back in
        since 20\\d\\d; in general; generally; most of the time; every so often; rarely; frequently
        industry; vendor*; partner*; rival*; elsewhere; at other; sister; neighbour*; neighbor*
        half of the time; on other days; on a day|week|month like; any given
        """,
    "setting": """
        timeout(s); time out(s); interval(s); retention; TTL; threshold(s); expire*; ETA; estimate*; target*
        budget; allow*; goal; shorter|longer|faster|slower|quicker than; give or take; retry; retries
        retried; backoff; back off; sleep; cache*; poll*; scrape*; p9\\d; latency; limit(s); cooldown
        cool down; each; every; configured; set to; at most once; up to; lifetime; window; rotation
        keep* … for; kept for; live for; valid; timer; ttl; quota; warm up; grace; SLA
        """,
}

NEGATION = """
    no; not; never; none; nobody; no one; nothing; neither; without; nor; \\w+n't; zero; silent; hardly
    failed to; off the table; ruled out; reject*; against; impossible; not possible; instead of; rather than
    nowhere; at no; no longer; free of; lack*; absent; absence; missing; in vain; refus* to; declin* to
    hadn't; didn't; wasn't; weren't; hasn't; haven't; isn't; aren't; couldn't; yet to; instead
    """

ORDER = {
    "before": """
        first[\\x3b,]; before; prior to; ahead of; preced*; earlier than; sooner than; and only then; only then
        and then; then; until after; first and; followed by; afterwards; subsequently; previous to; in advance of
        faster than; by … before; thereafter; after which; whereupon; next; eventually; came|went first[\\x3b,]; beat
        """,
    "after": """
        after; following; once; later than; as soon as; preceded by; in response to; upon; in the wake of; on the heels of
        slower than; behind; not … until; no sooner than; not before; only when; only once; only after; subsequent to
        """,
    "by the time": """
        by the time; by then; already when; even before
        """,
}

PLANS = """
    action item(s); actions; next step(s); prevent*; follow up(s); measures; todo; to do; recommendation(s)
    what we will; will do; be different; improvements
    """
"""The headings under which stands what is to be done."""

ORDINALS = {
    "first": 0,
    "earliest": 0,
    "opening": 0,
    "initial": 0,
    "second": 1,
    "later": -1,
    "third": 2,
    "fourth": 3,
    "last": -1,
    "final": -1,
    "closing": -1,
}

LEAD = """
    the|in|our lead; leader; led; incident lead|manager|commander; commanded; in charge; was (the) commander|manager
    in command; headed (up); head of the response; took charge|over|the lead; takes charge|over|the lead
    coordinat*; ran the incident|response; at the helm; dealt with; handled; ran the show|response|incident|operation; ran point
    in the (driving|driver's) seat; was (the) IC; captain*; direct* the response|team|effort; steer*
    oversaw; headed; head of; responsible for the response|incident; leading; leads; leadership; presided
    at the wheel; took the reins; the reins; call* the shots; manag* the incident|response; on point
    the incident (was) led|run|managed|coordinated|headed
    """

AUTHOR = """
    authored; wrote; written; coded; committed; author; patch of|by|from; fix of|by|from; commit of|by|from
    {change} … work of|by; change … work of|by; the work of; penned; programmed; develop*; fix* by; contributed
    the hand of; committer; came from; comes from; come from; behind the|this change|patch|fix|commit
    whose change|patch|commit|fix; coded by; patch … by; fix … by; commit(s) … by; change … by; implement*
    typed; crafted; put together; produced
    """

CAUSED = """
    due to; caused by; because (of); as a result of; owing to; root cause; the cause was; cause:
    brought about by; triggered by; down to; culprit; at fault; to blame
    is|was what … broke|stalled|stopped|caused|brought; what broke … was; which is why
    which … stalled|stopped|broke; introduced … defect|bug|fault|error; introduced by|with|in
    came with|from; began with; which saturated; led to; the reason was|is; traced … to; stemmed from
    responsible for; because; behind it|this|the; root of the; source of the|this|it; set off by; sparked by
    lay|lies with|in; attribut* to; put down to; is|was the reason|cause; made … fail|break|stop
    broke the|it; brought … down; knocked out; took … down; responsible
    the trouble|problem|fault|reason|cause|bug|error|defect was|lay|sat; result of; thanks to; fault of; why
    trigger* the|it; toppled; choked; ultimately; fell over; was to blame; gave rise to
    """

FIXED = """
    cured; fixed; fix; solved; put … right; set … right; resolved … by; settled; repaired; cure*; put an end
    did the trick; remedied; ended the|it; brought relief; made it go away; sorted … out; solve*; did it
    worked; helped; saved; mended; rectified
    """

DETECTED = """
    detect*; discover*; caught; spotted; brought … to our|my|the attention; made us aware; became aware
    stumbled; heard of it; learn* of it|this; alerted us; told us; found out; came to light; paged
    tipped … off; came from; got wind; alert* came from; drew … attention; picked … up; noticed by
    was|were told by; hear* about it from; reported by; our first hint|clue|indication|sign|word; we owe
    brought to our; first to notice|see|know|report|spot; first noticed|seen|spotted|reported|flagged|saw
    from a customer|colleague|user|alert
    """
"""What is said of the one who found it; the next list only where it says that this was first."""

SEEN = """
    notic*; report*; saw; seen; raised; flag*; rang; came; found
    """

ACTION = """
    own(s|ed); owner; due; deadline; by; responsible; assigned; falls to; taken on; takes care of
    in charge of; takes; will; to be done; looks after; in the hands of; job; task; accountable; assignee
    signed up; volunteer*; until; before; for; scheduled; lands with; with; has; is to; target date
    committed to; supposed to; charge
    """

PROMISE = """
    promis*; said that more; expected by; gave; ETA; for the next news|update|message
    next news|update|message; would follow|be|come; put off … until; announc* … for; estimat*; by which
    more|news|update|information … by|at|before|until|around|for; expect*; told … to wait|expect|come back
    due at|by; set for; slated; forecast; said … by; hear more|again|back; pledg*; announced … for|at|by
    told … until; next … at|by; would be|have; back in|at|by; committed to; held out; named; mentioned
    put … at; quoted
    """

COUNTED = {
    "deploys": (
        "(re)deploy(s); deployment(s); release(s); rollout(s); hotfixes; attempts; new versions; tries; goes",
        "deployed; released; shipped",
    ),
    "rollbacks": (
        "rollback(s); roll back(s); reverts; reversals",
        "rolled back; rolling back; reverted; went back",
    ),
    "commits": ("commit(s); patches; changes to the code", "committed"),
    "alerts": (
        "alert(s); alarm(s); page(s); alerts or more",
        "alerted; alert(s) fired; alarm sounded; paged; alert went off; alarm went off; fired; went off",
    ),
    "messages": (
        "message(s); announcement(s); (status) updates; notifications; notes to staff; bulletins; status messages",
        "updated the team; informed the team; wrote to; told the team; informed; posted",
    ),
    "reopenings": ("reopening(s)", "reopened; opened again"),
    "outages": (
        "outage(s); periods of impact; interruptions; disruptions; waves; relapses",
        "went down; broke down",
    ),
    "hypotheses": ("hypothesis; hypotheses; suspicions; theories; suspects; false leads", "suspected"),
    "items": ("action items; actions; measures; follow ups; improvements; tasks", "agreed on"),
}
"""What the log counts, as it is called before a verb and after a number, and as what was done so often."""

HIT = """
    affected; impacted; hit; fail*; lost; drop*; unable; could not; couldn't; saw
    not (been) paid|delivered|opened|completed; did not; error*; given|gave up; late; behind schedule
    refus*; abandon*; never; missed; wait*; stuck; assigned; turned away; rejected; suffered; bounced
    gone|went missing; damaged; inconvenienced; hurt; harmed; touched; concerned; in total; all told
    altogether; unpaid; undelivered; delayed; stopped; broke; timed out; errored; ended in; came to
    were left; had to; cancel*; complain*; returned; charged; booked; given up; overdue; disappear*; vanish*
    """

PEOPLE = "customers users accounts clients shoppers people merchants orders requests sessions exports jobs"

NOTHING_LOST = """
    no single; no; not one|a single; not one; none of the
    """

ROLLBACK_UNSAID = """
    rollback … was not; off the table; not possible; not an option; impossible; could not; cannot; couldn't
    considered; decided against; ruled out; reject*; instead of; rather than; plan*; whether; ready to
    staging; ruled … out; thought about|of; talked about|of; debat*; discuss*; toyed
    too risky|dangerous|late; would; safe|possible to; no way back; no option; against; blocked; unavailable
    impracticable; weigh*; contemplat*; advis*; wanted; hop*; ask*; ready; prepared to; out of the question
    considering
    """

TELLING = {
    "hedged": """
        suspect*; hypothes*; suspicion; theory; at first; ruled out; dismissed; turned out; coincidence; first thought
        wrongly; looked like
        """,
    "strong cause": "caused by; root cause was; reason was; to blame; culprit",
    "blamed": "introduc*; fault; culprit; caused; brought; to blame; came|began with; both",
    "people": "customer(s); user(s); support; team; call",
    "to the end": """
        until the (very) end; throughout; at any|no time|point|stage; all along; the whole|entire time
        """,
    "harm": """
        was|were|been|stayed|came|arrived (too) down|late|delayed|lost|unavailable|broken|affected|offline
        received … late; behind schedule; failed(?!\\s\\w+s\\b); missed; outage; held up; stuck; stalled; unable to
        could not be; were failing
        """,
    "seemed": """
        false; gauge; seem*; look*; appear*; thought; suppos*; as if; fear*; claim*; said; suspect*; believ*; allegedly
        """,
    "of a change": "we; release; version; deploy*; rollback; service; it; team; build; v?\\d+\\.\\d+",
    "no deploy": """
        plan; procedure; script; command; button; could; feature flag; config*; transaction; migration; commit
        exporter; patch
        """,
    "released": "released; deployed; shipped; rolled out; went live|out; went into production",
    "by deploying": "by deploying",
    "new incident": "a|another new|second|separate incident",
    "all of them": "all of them; both; all three|two|four",
    "fixed for good": "cured; for good; solved; put … right; fixed it; settled",
    "only then": "immediately; at once; in time; again; further; more; yet; other; new; staging",
    "no trouble": "fail*; trouble; problem*; longer; doubt; way",
    "of an alert": "alert*; alarm*; monitor*; page*; pager*",
    "untouched": """
        nobody|no_one was|were|is affected|impacted|hit|harmed; no (single) customer(s)|user(s)|shopper(s)|client(s) was|were|is affected|impacted|hit|harmed
        no|without|zero (any) (customer|user) impact|harm|effect
        """,
}
"""Further words by which the topic of a sentence is recognised."""

MESSAGE_KINDS = {
    "initial": """
        first|opening|initial message|announcement|update|news|word; alerted the team
        """,
    "rollback": """
        roll* back; rollback(s)
        """,
    "resolved": """
        resolv*; all clear; all was|is well; back to normal; false alarm; solved; over
        """,
}

MECHANISMS = {
    "timeout": "timeout(s)\ntime(d) out(s)\ntiming out",
    "exhaustion": """
        pool(s); deplet*; exhaust*; leak*; not|never|without … releas*|return*|clos*|given|give|giv* back
        kept its connection(s); left open; descriptor(s); file handles; sockets; ran dry
        run out of connections|descriptors|handles|threads
        """,
    "memory": "OOM\nout of memory\nmemory\nheap",
    "disk": "disk(s)\nno space left\ninode(s)",
    "dns": "DNS\nname resolution",
    "certificate": "certificate(s)\ncert(s)\nTLS\nSSL",
    "configuration": "mis(-)config*\nconfiguration\nfeature flag\nenvironment variable\nwrong threshold\nthreshold\ntypo",
    "lock": "deadlock*\nlock contention\nlocked table|row(s)",
    "null": "null pointer\nNPE\nNoneType",
    "network": "network\npacket loss\nnetwork partition\nfirewall\nswitch\nrouter",
    "race": "race condition",
    "migration": "migration(s)\nschema",
    "third party": "third party\nprovider\nvendor\nsupplier\nupstream outage",
    "rate limit": "rate limit*\nthrottl*",
    "cpu": "CPU(s)\nprocessor(s)\nload\nthundering herd\nretries",
    "cache": "cache*\nredis\nmemcached\nsession(s)",
    "format": "format\ntext\nstring(s)\nparse\nnumber\ncurrency\ntype",
    "measurement": "gauge\ncount* … twice\ntwice\nexporter\ndouble count*",
    "queue": "queue\nbacklog\nbroker",
    "traffic": "traffic\nDDoS\nattack\nsurge\nspike",
    "hardware": "hardware\npower\ndata center\nserver crash",
}


COMMON = """
    a about above after again all also an and any are as at back be because been before being both but by
    can come could did do does down each every few first for from get give go had has have he her his how if
    in into is it its itself last later like made make many may more most much must never new next no not
    now of off on one only or other our out over own per put s same second see she should since so some
    still such than that the their them then there these they this those three through to too took two under
    until up us very was we were what when where which while who why will with without would you your minute
    minutes hour hours time times day utc am pm incident outage problem issue service team
    """
"""Words that every text has."""

NO_NAMES = """
    monitoring alerting the a an this that we they it team github argo argocd ci none nobody not customer
    customers alert tracker jenkins monday tuesday wednesday thursday friday saturday sunday january
    february march april may june july august september october november december at by in on and when after
    before our its his her their redis postgres postgresql kubernetes incident summary both another no once
    then there first second later one two three somebody someone everybody all time times note date status
    severity title version release search checkout severity critical major minor utc pacific indian canary
    root cause detection impact timeline
    """
"""Words that are no names though they begin with a capital."""

_GROUP = re.compile(r"\{(\w+)\}")
_GAP = r"(?:(?!(?:before|after|until|when|while|and|but|because|so)\b)[\w'’.@%-]+,?[\s-]+){0,3}?"
_BLANK = r"[\s-]+"


def _token(word: str) -> str:
    word = re.sub(r"\((?!\?)([^()]*)\)", r"(?:\1)?", word.replace("*", r"[\w']*"))
    word = word.replace("_", _BLANK)
    return f"(?:{word})" if "|" in word else word


@cache
def _expression(text: str) -> str:
    lines = []
    for line in filter(None, map(str.strip, re.split(r"[;\n]", text))):
        made, blank = "", ""
        for word in line.split():
            if word == "…":
                made, blank = made + _BLANK + _GAP, ""
            elif re.fullmatch(r"\([^()]*(?:\([^()]*\))?[^()]*\)", word):
                made += f"(?:{blank}{_token(word[1:-1])})?" if made else f"(?:{_token(word[1:-1])}{_BLANK})?"
            else:
                group = _GROUP.fullmatch(word)
                made += blank + (f"(?:{_expression(WORDS[group[1]])})" if group else _token(word))
                blank = _BLANK
        lines.append(made)
    return "|".join(lines)


def any_case(text: str) -> re.Pattern[str]:
    """Return an expression, capitals or not, compiled when it is first used."""
    return lazy_pattern(text, re.IGNORECASE)


def phrases(text: str) -> re.Pattern[str]:
    """Return the expression of phrases, compiled when it is first used."""
    return lazy_pattern(rf"(?<![\w-])(?:{_expression(text)})(?!\w)", re.IGNORECASE)
