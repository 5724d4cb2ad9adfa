"""When a second answer confirms a first one that would bind or lose something. Pure.

Sites err for minutes: a maintenance page with status 200, a text under the wrong address, a false canonical URL. So one
such answer is a claim: the old state holds, the URL is fetched again soon and whole, and only an answer that is asked
for later and says the same makes it true.
"""

from datetime import datetime, timedelta
from typing import Final

from rfispider.items import Claim

CLAIM_AGAIN_S: Final = 600.0
"""A URL with a claim is fetched again after so many seconds: most outages and slips of editors are over by then."""
LONGEST_CLAIM_WAIT_S: Final = 86_400.0
"""Seconds after which it is fetched again at the latest, however often its answers have contradicted each other."""


def agrees(before: Claim | None, evidence: str, asked_at: datetime) -> bool:
    """Whether an answer that was asked for at a time confirms the claim of the one before it.

    It says the same, and enough time has passed for a fault to be over: half of `CLAIM_AGAIN_S`.
    """
    if before is None or before.evidence != evidence:
        return False
    return asked_at - before.at >= timedelta(seconds=CLAIM_AGAIN_S / 2)


def claimed(before: Claim | None, evidence: str, now: datetime) -> Claim:
    """The claim that stands after an answer that confirms none.

    Evidence that is seen again too soon is as old as when it was first seen.
    """
    if before is None:
        return Claim(evidence=evidence, at=now)
    if before.evidence == evidence:
        return before
    return Claim(evidence=evidence, at=now, changes=before.changes + 1)


def again_in_s(claim: Claim) -> float:
    """Seconds until the URL of a claim is fetched again: twice as many each time the evidence has changed."""
    # The exponent is bounded because a float overflows at 2**1024.
    return min(LONGEST_CLAIM_WAIT_S, CLAIM_AGAIN_S * 2.0 ** min(claim.changes, 64))
