"""`parvis policy`: run the rules' own proof, explain one decision."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from parvis.errors import ConfigurationFaults
from parvis.policy.cases import CaseResult, InvariantResult, check_invariants, run_cases
from parvis.policy.engine import Decision, decide
from parvis.policy.rule import RuleSet
from parvis.policy.rules import list_agency_rules, load_rules
from parvis.settings import load_settings

REFUSED, USAGE_FAULT = 1, 2
_MAX_ENVELOPE = 1_000_000


def register(groups: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the group's commands to the command line."""
    group = groups.add_parser("policy", help="run the rules' own cases, explain one decision")
    commands = group.add_subparsers(metavar="COMMAND", required=True)

    test = commands.add_parser(
        "test",
        help="run every rule's own cases and the invariants",
        description="Run every case of every rule, those of agencies' own files included, and "
        "check the invariants over all combinations. Exit 1 when one fails.",
        epilog="example: parvis policy test policies/",
    )
    test.add_argument("directory", metavar="DIR", nargs="?", type=Path, help="folder of rules")
    test.add_argument("--json", action="store_true", help="print one JSON object")
    test.set_defaults(run=run_test)

    explain = commands.add_parser(
        "decide",
        help="explain the decision on an envelope",
        description="Read one envelope as JSON from standard input and say what the rules decide "
        "and why. Exit 0 when allowed, 1 when refused, 2 when the input is not JSON.",
        epilog="example: parvis policy decide < envelope.json",
    )
    explain.add_argument(
        "--rules", metavar="NAME", action="append", help="add an agency's own file of rules"
    )
    explain.add_argument("--json", action="store_true", help="print one JSON object")
    explain.set_defaults(run=run_decide)


def run_test(args: argparse.Namespace) -> int:
    """0 when every case of every rule and every invariant holds, else 1."""
    directory = args.directory or load_settings().policies_dir
    try:
        rules = load_rules(directory, list_agency_rules(directory))
    except ConfigurationFaults as faults:
        if not args.json:
            raise
        print(json.dumps({"ok": False, "faults": [asdict(fault) for fault in faults.faults]}))
        return 1
    # agencies' rules only tighten: what holds of the platform's holds with them
    cases, invariants = run_cases(rules), check_invariants(load_rules(directory))
    ok = all(c.passed for c in cases) and all(i.passed for i in invariants)
    if args.json:
        print(json.dumps(_test_report(rules, cases, invariants, ok=ok), ensure_ascii=False))
    else:
        _print_test(rules, cases, invariants, ok=ok)
    return 0 if ok else 1


def _test_report(
    rules: RuleSet, cases: list[CaseResult], invariants: list[InvariantResult], *, ok: bool
) -> dict[str, Any]:
    return {
        "ok": ok,
        "digest": rules.digest,
        "rules": len(rules.rules),
        "cases": [asdict(case) | {"passed": case.passed} for case in cases],
        "invariants": [
            {"name": i.name, "combinations": i.combinations, "passed": i.passed} for i in invariants
        ],
    }


def _print_test(
    rules: RuleSet, cases: list[CaseResult], invariants: list[InvariantResult], *, ok: bool
) -> None:
    for rule in rules.rules:
        print(f"{rule.id:<6} {rule.title.en}")
        for case in (case for case in cases if case.rule == rule.id):
            got = "" if case.passed else f", got {case.got}"
            print(f"       {'ok  ' if case.passed else 'FAIL'} {case.name} -> {case.expect}{got}")
    print("always")
    for invariant in invariants:
        word = "ok  " if invariant.passed else "FAIL"
        print(f"       {word} {invariant.name} ({invariant.combinations} combinations)")
    verdict = "all hold" if ok else "SOME FAIL"
    print(
        f"{len(rules.rules)} rules, {len(cases)} cases, {len(invariants)} invariants: {verdict}; "
        f"digest {rules.digest}"
    )


def run_decide(args: argparse.Namespace) -> int:
    """0 when the envelope on standard input is allowed, 1 when refused, 2 when it is not JSON."""
    text = sys.stdin.buffer.read(_MAX_ENVELOPE + 1)
    try:
        if len(text) > _MAX_ENVELOPE:
            raise ValueError("too long")
        json.loads(text)
    except (ValueError, RecursionError):
        print(
            "parvis: standard input is not one JSON envelope (UTF-8, below 1 MB)", file=sys.stderr
        )
        return USAGE_FAULT
    rules = load_rules(load_settings().policies_dir, args.rules)
    decision = decide(rules, text)
    if args.json:
        print(json.dumps(_decision_report(rules, decision), ensure_ascii=False))
    else:
        _print_decision(rules, decision)
    return 0 if decision.allowed else REFUSED


def _decision_report(rules: RuleSet, decision: Decision) -> dict[str, Any]:
    matched = [rule for rule in rules.rules if rule.id in decision.rules]
    return {
        "allowed": decision.allowed,
        "duties": sorted(decision.duties),
        "reason": decision.reason,
        "faults": decision.faults,
        "rules": [
            {
                "id": rule.id,
                "effect": rule.effect,
                "title": rule.title.model_dump(exclude_none=True),
                "source": rule.source,
            }
            for rule in matched
        ],
        "shadow": decision.shadow,
        "digest": decision.digest,
    }


def _print_decision(rules: RuleSet, decision: Decision) -> None:
    print("allowed" if decision.allowed else "refused")
    for rule in (rule for rule in rules.rules if rule.id in decision.rules):
        print(f"  {rule.id} {rule.effect}: {rule.title.en}")
        print(f"    {'; '.join(rule.source)}")
    for fault in decision.faults:
        print(f"  missing or mistyped: {fault}")
    if decision.duties:
        print(f"duties: {', '.join(sorted(decision.duties))}")
    if decision.shadow:
        print(f"in shadow: {', '.join(decision.shadow)}")
    print(f"digest: {decision.digest}")
