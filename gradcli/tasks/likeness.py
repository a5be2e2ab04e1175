"""What the verdicts and numbers of a case say of it, before it acquits or accuses anybody."""

from __future__ import annotations

from gradcli.reports.checks import Case

EXACT = 1e-9  # relative: what acquits another guess has no room for a term that drowns


def is_flat(case: Case) -> bool:
    """Whether all gradients are 0, as those of `y == 1` are for a `y` of other numbers."""
    checks = case.inputs.values()
    return bool(checks) and all(check.claim == 0 == check.analytic for check in checks)


def is_exact(case: Case) -> bool:
    """Whether gradients are right to their last digits: a term that is small here may be wrong."""
    return all(
        abs(check.claim - check.analytic) <= EXACT * abs(check.analytic)
        for check in case.inputs.values()
        if check.claim is not None and check.analytic is not None and check.verdict == "pass"
    )


def has_pass(case: Case) -> bool:
    """Whether a gradient is right, as it would hardly be if its inputs did not suit the code."""
    wrong = {check.whole for check in case.inputs.values() if check.verdict != "pass"}
    return any(check.whole not in wrong for check in case.inputs.values())


def distance(case: Case) -> tuple[int, int, int]:
    """How far a failed case is from a pass: wrong gradients, accused lines, those without a cause.

    A slip is one that has a name as long as the inputs are those that the file has in mind.
    """
    wrong = {check.whole for check in case.inputs.values() if check.verdict == "fail"}
    accused = [line for line in case.lines if line.is_accused]
    return len(wrong), len(accused), sum(line.mistake is None for line in accused)
