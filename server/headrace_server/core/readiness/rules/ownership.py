"""Ownership and accountability: whom to ask."""

from headrace_server.core.readiness.facts import Facts, told
from headrace_server.core.readiness.rule import DimensionRules, Verdict, kept, lost
from headrace_server.model.dataset import Dimension

RULES = DimensionRules(Dimension.OWNERSHIP)


@RULES.rule(6, "Name the person or role that answers for the dataset")
def owner_named(facts: Facts) -> Verdict:
    return kept() if told(facts.declared.owner.name) else lost("nobody is named as owner")


@RULES.rule(4, "Name the team that the owner belongs to, so that the dataset outlives a job")
def owner_team(facts: Facts) -> Verdict:
    return kept() if told(facts.declared.owner.team) else lost("no team owns it")


@RULES.rule(3, "Give an address or a channel where the owner is reached")
def owner_contact(facts: Facts) -> Verdict:
    return kept() if told(facts.declared.owner.contact) else lost("the owner cannot be reached")


@RULES.rule(2, "Name a steward who stands in for the owner")
def steward_named(facts: Facts) -> Verdict:
    return kept() if told(facts.declared.steward) else lost("nobody stands in for the owner")
