"""Load the rules: `policies/*.yaml` for all, `policies/agencies/NAME.yaml` for who names it.

A file loads whole or not at all, and all faults of all files come in one message. A rule whose own
cases fail is a fault. An agency's file can only tighten: there is no effect that allows.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from parvis.errors import ConfigurationFaults, Fault
from parvis.policy.attributes import ATTRIBUTES
from parvis.policy.cases import NOT_MATCHED, run_case
from parvis.policy.conditions import check_condition
from parvis.policy.rule import STRUCTURAL, Case, Rule, RuleSet
from parvis.yaml_files import Place, YamlFile, load_yaml

__all__ = ["RuleSet", "list_agency_rules", "load_rules"]

AGENCIES = "agencies"
PLATFORM_PREFIX = "P-"


def list_agency_rules(directory: Path) -> tuple[str, ...]:
    """Names of the rule files that an agency may add to its own: `policies/agencies/NAME.yaml`."""
    return tuple(sorted(path.stem for path in (directory / AGENCIES).glob("*.yaml")))


def load_rules(directory: Path, names: Collection[str] | None = None) -> RuleSet:
    """The platform's rules and those of the agency files `names`, proven by their own cases.

    Raises ConfigurationFaults with every fault of every file.
    """
    paths = sorted(directory.glob("*.yaml"))
    if not paths:
        raise ConfigurationFaults([Fault(str(directory), 0, "", "there are no rule files here")])
    paths += [directory / AGENCIES / f"{name}.yaml" for name in sorted(set(names or ()))]
    loader = _Loader(directory)
    for path in paths:
        loader.read(path)
    if STRUCTURAL not in loader.homes:
        loader.faults.append(Fault(str(directory), 0, STRUCTURAL, "this rule is missing"))
    if loader.faults:
        raise ConfigurationFaults(loader.faults)
    return RuleSet(tuple(sorted(loader.rules, key=lambda rule: rule.id)))


class _Loader:
    """Gathers rules and faults over several files."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.rules: list[Rule] = []
        self.faults: list[Fault] = []
        self.homes: dict[str, str] = {}

    def read(self, path: Path) -> None:
        """Read one file: its form, then each rule."""
        file = load_yaml(path)
        self.faults += file.faults
        if file.faults:
            return
        if not isinstance(file.value, tuple) or not file.value:
            self.faults.append(file.fault((), "expected a list of rules"))
            return
        for number, given in enumerate(file.value):
            self._read_rule(file, (number,), given, of_agency=path.parent.name == AGENCIES)

    def _read_rule(self, file: YamlFile, place: Place, given: Any, *, of_agency: bool) -> None:
        try:
            rule = Rule.model_validate(given)
        except ValidationError as error:
            self.faults += file.list_faults(error, place)
            return
        faults = self._check_id(file, place, rule, of_agency=of_agency)
        faults += _check_conditions(file, place, rule)
        # cases of a rule that cannot be compiled cannot be run
        faults += [] if faults else _check_cases(file, place, rule)
        self.faults += faults
        self.rules.append(rule)

    def _check_id(
        self, file: YamlFile, place: Place, rule: Rule, *, of_agency: bool
    ) -> list[Fault]:
        here = (*place, "id")
        if rule.id in self.homes:
            return [file.fault(here, f"{rule.id} stands already in {self.homes[rule.id]}")]
        self.homes[rule.id] = f"{file.name}:{file.line_of(here)}"
        if of_agency and rule.id.startswith(PLATFORM_PREFIX):
            return [file.fault(here, "P- is kept for the platform's rules; choose other letters")]
        if not of_agency and not rule.id.startswith(PLATFORM_PREFIX):
            return [file.fault(here, "the platform's rules begin with P-")]
        return []


def _check_conditions(file: YamlFile, place: Place, rule: Rule) -> list[Fault]:
    faults = []
    for number, condition in enumerate(rule.when):
        words = check_condition(condition.attr, condition.op, condition.value)
        if words:
            faults.append(file.fault((*place, "when", number), words))
    return faults


def _check_cases(file: YamlFile, place: Place, rule: Rule) -> list[Fault]:
    faults = []
    for number, case in enumerate(rule.tests):
        here = (*place, "tests", number)
        faults += [file.fault(here, words) for words in _case_faults(rule, case)]
    expected = [case.expect for case in rule.tests]
    if NOT_MATCHED not in expected:
        faults.append(file.fault((*place, "tests"), "needs a case that expects not_matched"))
    if rule.effect not in expected:
        faults.append(file.fault((*place, "tests"), f"needs a case that expects {rule.effect}"))
    names = [case.name for case in rule.tests]
    if len(set(names)) < len(names):
        faults.append(file.fault((*place, "tests"), "two cases have the same name"))
    return faults


def _case_faults(rule: Rule, case: Case) -> list[str]:
    unknown = [path for path in (*case.set, *case.unset) if path not in ATTRIBUTES]
    if unknown and rule.id != STRUCTURAL:
        return [f"no such attribute in the envelope: {path}" for path in unknown]
    if case.expect not in {NOT_MATCHED, rule.effect}:
        return [f"a case of this rule expects {rule.effect} or not_matched"]
    result = run_case(rule, case)
    return [] if result.passed else [f"expected {result.expect}, got {result.got}"]
