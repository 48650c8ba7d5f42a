"""Bugs that people write, planted one at a time: each must be caught by the test that promises the opposite.

Each is a small change of one function of the server. The table says what it breaks and which test says so.
"""

from __future__ import annotations

import argparse
import ast
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.places import Report, command_line
from tests.chaos.planting import ROOT, Fault, caught, warm

EXECUTE, APPROVALS = "bot/service/execute.py", "store/approvals.py"
ACTS, DECIDE = "bot/service/decision_transaction.py", "bot/service/decide.py"
AT_EXECUTE, AT_APPROVALS = "store/test_store_execute.py", "store/test_store_approvals.py"
AT_PEOPLE, AT_DECISIONS = "scenarios/test_scenario_people.py", "scenarios/test_scenario_decisions.py"
AT_AUDIT, AT_CLOCK = "store/test_store_audit.py", "scenarios/test_scenario_clock.py"
AT_CHOICES, AT_EDITS = "redteam/test_redteam_choices.py", "redteam/test_redteam_edits.py"
AT_FAULTS = "scenarios/test_scenario_slack_faults.py"


@dataclass(frozen=True)
class Bug:
    """What goes wrong, where, how the code was and became, and the test that must notice."""

    name: str
    module: str
    function: str
    was: str
    became: str
    test: str

    def fault(self) -> Fault:
        """The module with the bug in it."""
        source = (ROOT / self.module).read_text(encoding="utf-8")
        assert source.count(self.was) == 1, (
            f"{self.name}: {self.was!r} is in {self.module} {source.count(self.was)} times"
        )
        return Fault(self.module, self.function, ast.parse(source.replace(self.was, self.became)))


BUGS = (
    Bug(
        "a second nonce gets the grant too",
        EXECUTE,
        "_claim",
        "if approval.nonce_hash != hashed:",
        "if False:",
        f"{AT_EXECUTE}::test_a_lost_grant_can_be_asked_for_again",
    ),
    Bug(
        "Stop holds no claim",
        EXECUTE,
        "_claim",
        "    _require_running(ctx.unit, approval)\n    standing",
        "    standing",
        f"{AT_EXECUTE}::test_nothing_is_claimed_while_all_is_stopped",
    ),
    Bug(
        "a claim that lost the race is granted",
        "store/together.py",
        "_require_hit",
        "if one.missed is not None and changed != 1:",
        "if one.missed is not None and changed > 1:",
        f"{AT_EXECUTE}::test_a_claim_that_comes_second_is_no_claim",
    ),
    Bug(
        "an agent reads another agent's approval",
        EXECUTE,
        "own",
        "approvals.load(unit, approval_id, agent_id=agent.id)",
        "approvals.load(unit, approval_id)",
        f"{AT_EXECUTE}::test_what_is_anothers_is_not_there",
    ),
    Bug(
        "what a person undid is granted",
        EXECUTE,
        "_claim",
        "if approval.undo is not None and approval.state in (State.CANCELLED, State.CLAIMED):",
        "if approval.undo is not None and approval.state is State.CANCELLED:",
        f"{AT_EXECUTE}::test_what_was_undone_gives_no_grant",
    ),
    Bug(
        "the compare-and-set overlooks the version",
        APPROVALS,
        "_compare_and_set",
        'approvals.c.version == bindparam("_version")',
        'approvals.c.version != 0 - bindparam("_version")',
        f"{AT_APPROVALS}::test_compare_and_set_compares_everything",
    ),
    Bug(
        "the server's clock decides, not the database's",
        APPROVALS,
        "_compare_and_set",
        "if deadline is None:",
        "if deadline != _WITHIN_WINDOW:",
        f"{AT_APPROVALS}::test_the_databases_clock_has_the_last_word",
    ),
    Bug(
        "a decision counts at the very end of its time",
        "policies/lifecycle.py",
        "transition",
        "now >= deadlines.expires_at",
        "now > deadlines.expires_at",
        "unit/policies/test_policy_lifecycle.py::test_a_person_is_in_time_until_the_very_microsecond",
    ),
    Bug(
        "people decide their own requests by writing their name in capitals",
        "policies/spelling.py",
        "_folded",
        "return text.strip().casefold()",
        "return text.strip()",
        "unit/policies/test_policy_permissions.py::test_who_may_decide",
    ),
    Bug(
        "guests decide",
        "policies/permissions.py",
        "genuine",
        "if actor.guest:",
        "if False:",
        f"{AT_PEOPLE}::test_who_may_not_decide_is_told_why",
    ),
    Bug(
        "nobody is asked again whether they may",
        ACTS,
        "_acted",
        "    authorise(approval, tap.actor)\n    if _repeats",
        "    if _repeats",
        f"{AT_PEOPLE}::test_who_left_since_the_card_was_posted_decides_nothing",
    ),
    Bug(
        "a tap on an old card approves the new parameters",
        ACTS,
        "_require_current",
        "if tap.digest != approval.digest:",
        "if False:",
        f"{AT_PEOPLE}::test_a_tap_on_what_has_changed_decides_nothing",
    ),
    Bug(
        "an edit keeps the old digest",
        DECIDE,
        "_edited",
        "return submit.sealed(granted(ctx.unit, changed, Verb.EDIT, decision))",
        "return granted(ctx.unit, changed, Verb.EDIT, decision)",
        f"{AT_DECISIONS}::test_edit",
    ),
    Bug(
        "an edit is not held to the limits",
        DECIDE,
        "_edited",
        "if found.name is RouteName.DENY:",
        "if False:",
        f"{AT_DECISIONS}::test_an_edit_over_the_limit_is_refused_in_the_form",
    ),
    Bug(
        "one yes is enough where two are needed",
        "policies/quorum.py",
        "missing",
        "return max(0, approvers - len(",
        "return max(0, approvers - 1 - len(",
        f"{AT_DECISIONS}::test_two_people_must_agree",
    ),
    Bug(
        "a choice is asked for where the manifest wants a yes",
        "policies/kinds.py",
        "check_kind",
        "if kind not in accepted:",
        "if False:",
        f"{AT_CHOICES}::test_what_the_manifest_does_not_list_is_refused",
    ),
    Bug(
        "one answer fills a quorum",
        DECIDE,
        "_consented",
        "if not ballots.tally(ctx.world, approval, meant(**said), tap.actor).met:",
        "if yes.verb is Verb.APPROVE and not ballots.tally(ctx.world, approval, meant(**said), tap.actor).met:",
        f"{AT_CHOICES}::test_one_answer_does_not_fill_a_quorum",
    ),
    Bug(
        "different choices add up",
        "bot/service/ballots.py",
        "saying",
        "if vote.meant == meant",
        "if vote.at",
        f"{AT_CHOICES}::test_two_different_choices_at_once_grant_nothing",
    ),
    Bug(
        "a choice is taken from a card that does not show everything",
        DECIDE,
        "_consented",
        "if not seen_enough(approval):",
        "if yes.verb is Verb.APPROVE and not seen_enough(approval):",
        f"{AT_CHOICES}::test_a_large_amount_is_typed_for_a_choice_and_an_answer_too",
    ),
    Bug(
        "the amount is not typed for an answer",
        "bot/acts/answer.py",
        "_read",
        "    forms.require_amount(approval, approval.params, state)\n    return found",
        "    return found",
        f"{AT_CHOICES}::test_a_large_amount_is_typed_for_a_choice_and_an_answer_too",
    ),
    Bug(
        "an editor confirms their own edit",
        "bot/service/ballots.py",
        "_tally",
        "if last and not last.alone else None",
        "if False else None",
        f"{AT_EDITS}::test_the_beneficiary_is_not_changed_by_one_person",
    ),
    Bug(
        "of several edits of one person only the last is judged",
        "policies/edits.py",
        "base",
        "found = edit.before",
        "found = params",
        f"{AT_EDITS}::test_small_steps_of_one_person_are_one_edit",
    ),
    Bug(
        "any amount may be raised alone",
        "policies/edits.py",
        "reaches",
        "and 0 <= now < was",
        "and 0 <= now",
        f"{AT_EDITS}::test_an_amount_of_what_is_irreversible_is_only_lowered_by_one_person",
    ),
    Bug(
        "a yes to earlier parameters lives through an edit",
        APPROVALS,
        "_votes",
        "if since is None or vote.at >= since",
        "if True",
        f"{AT_EDITS}::test_an_edit_makes_earlier_yeses_void",
    ),
    Bug(
        "the agent is not told of an edit that somebody else confirmed",
        DECIDE,
        "_consented",
        "if approval.edited:",
        "if False:",
        f"{AT_EDITS}::test_the_beneficiary_is_not_changed_by_one_person",
    ),
    Bug(
        "the parameters are not in the digest",
        "policies/digest.py",
        "digest_of",
        '"params": params,',
        '"params": None,',
        "unit/policies/test_policy_digest.py::test_any_changed_parameter_changes_the_digest",
    ),
    Bug(
        "the verifier reads no line",
        "store/verification.py",
        "_row_faults",
        "if row.hash != hash_of(row.prev_hash, row.seq, row.line):",
        "if row.hash is None:",
        f"{AT_AUDIT}::test_an_edited_row_is_found",
    ),
    Bug(
        "the verifier overlooks a history written anew",
        "store/verification.py",
        "_chain",
        "if row.seq in wanted and wanted.pop(row.seq) != row.hash:",
        "if row.seq in wanted and wanted.pop(row.seq) is None:",
        f"{AT_AUDIT}::test_a_rewritten_history_is_found",
    ),
    Bug(
        "a courier that lost its lease finishes the message",
        "store/outbox.py",
        "_finish",
        "outbox.c.id == item.id, outbox.c.lease == item.lease",
        "outbox.c.id == item.id",
        "store/test_store_outbox.py::test_a_dead_couriers_message_comes_back_in_doubt",
    ),
    Bug(
        "a post in doubt is sent again blindly",
        "bot/slack/courier.py",
        "Courier._show",
        "if item.unsure\n            else None",
        "if False\n            else None",
        f"{AT_FAULTS}::test_a_post_of_unknown_outcome_is_looked_up",
    ),
    Bug(
        "Retry-After is not obeyed",
        "bot/slack/courier.py",
        "Courier._delivered",
        "self._limits.slow_down(None if item.posted else item.channel, error.seconds)\n"
        "            await self._retry(item, error.seconds, error, counts=False)",
        "await self._retry(item, 0.0, error, counts=False)",
        f"{AT_FAULTS}::test_a_rate_limit_is_obeyed",
    ),
    Bug(
        "any signature opens the door",
        "bot/slack/ingress.py",
        "Ingress.signed",
        'ours = hmac.compare_digest(wanted.encode(), signature.encode("utf-8", "replace"))',
        "ours = bool(wanted)",
        "scenarios/test_scenario_ingress.py::test_what_slack_did_not_sign_stays_out",
    ),
    Bug(
        "an old signed request is as good as a new one",
        "bot/slack/ingress.py",
        "Ingress.signed",
        "if ours and abs(self._clock() - int(timestamp)) > MAX_AGE_SECONDS:",
        "if ours and self._clock() < 0:",
        "scenarios/test_scenario_ingress.py::test_what_slack_did_not_sign_stays_out",
    ),
    Bug(
        "the same key with another body finds the first request",
        "bot/service/submit.py",
        "_made_before",
        "if known.existing_body_hash not in (ask.body_hash, ask.raw_hash):",
        "if False:",
        "scenarios/test_scenario_agents.py::test_the_same_question_twice_is_one_approval",
    ),
    Bug(
        "a limit of the manifest stops nothing",
        "policies/routing.py",
        "_over_limit",
        "if limit is None or case.amount is None or case.amount <= Decimal(str(limit)):\n        return None\n"
        '    reason = f"{usd(case.amount)} is over',
        'return None\n    reason = f"{usd(case.amount)} is over',
        f"{AT_DECISIONS}::test_over_the_limit_is_denied",
    ),
    Bug(
        "silence approves",
        "bot/service/sweep.py",
        "_Desk._expire",
        "if meaning is OnTimeout.APPROVE and self._living(approval):",
        "if approval.pending:",
        f"{AT_CLOCK}::test_silence_denies_in_the_end",
    ),
    Bug(
        "the clock goes on while information is awaited",
        "policies/deadlines.py",
        "paused",
        "paused_at=clock.paused_at or now",
        "paused_at=None",
        f"{AT_DECISIONS}::test_request_info_stops_the_clock",
    ),
    Bug(
        "callbacks go to hosts that nobody listed",
        "bot/service/callback_hosts.py",
        "Hosts.check",
        "if (host, port) not in self.places:",
        "if host is None:",
        "unit/callbacks/test_callback_hosts.py::test_anything_else_is_refused_by_name",
    ),
    Bug(
        "of a key given twice the last one counts",
        "policies/strict_json.py",
        "_unique",
        "if key in result:",
        "if False:",
        "unit/policies/test_policy_strict_json.py::test_each_hidden_thing_is_refused_with_its_field",
    ),
    Bug(
        "a revoked token goes on working",
        "store/agents.py",
        "living",
        ".where(agent_tokens.c.revoked_at.is_(None), agents.c.revoked_at.is_(None))",
        ".where(agents.c.revoked_at.is_(None))",
        "store/test_store_people.py::test_tokens_rotate_with_overlap",
    ),
)


def run(bugs: tuple[Bug, ...]) -> Report:
    """Plant each; the table of what was caught, and by which test."""
    report = Report("planted bugs")
    tests = tuple(dict.fromkeys(f"tests/{bug.test}" for bug in bugs))
    report.require(not caught(None, tests), "the tests fail without any bug")
    found = 0
    for number, bug in enumerate(bugs, 1):
        seen = caught(bug.fault(), (f"tests/{bug.test}",))
        found += seen
        report.require(seen, f"not caught: {bug.name}")
        print(f"{number:2} {'caught' if seen else 'MISSED':6} {bug.name:66} {bug.test}", flush=True)
    report.figures["caught"] = f"{found} of {len(bugs)}"
    return report


def _work(arguments: argparse.Namespace, folder: Path) -> Report:
    os.chdir(ROOT)
    warm()
    return run(tuple(bug for bug in BUGS if not arguments.module or bug.module == arguments.module))


if __name__ == "__main__":
    if sys.flags.optimize:
        sys.exit("assertions are needed")
    command_line(_work, n=0, databases=False, module="")
