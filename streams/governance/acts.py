"""What can be recorded of governance: each act, what it says, and who may do it. Later acts get a line here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


class NotAllowed(Exception):  # noqa: N818 - the reason why an act is rejected, and no error
    """Why the rules don't allow an act."""


Role = Literal["root", "owner", "operator", "privacy", "auditor", "author", "approver", "reader"]

ROLES: Mapping[Role, str] = {
    "root": "holds a root key: decides whose keys count, by as many as the roots say are needed",
    "owner": "answers for an app: registers what it is for, its models, prompts and documents",
    "operator": "runs the system: deploys models, changes thresholds",
    "privacy": "the data protection officer: holds, retention, erasures",
    "auditor": "takes the trail away for others to check, and proves that nothing was lost",
    "author": "drafts prompts and models",
    "approver": "approves what others have drafted",
    "reader": "a service that records who reads what, and who keeps alerts quiet",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """A kind of act.

    Parameters
    ----------
    says : str
        What it records, in words; ends a sentence that begins with who did it.
    target : str
        What the target is.
    by : tuple of str
        The roles of which its signer must have one.
    needs, may_have : mapping of str to str
        Details, and what each is.
    texts : mapping of str to str
        What people wrote about it: bound by a hash, so that an erasure leaves the trail whole.
    then : str
        What is to be done next, where recording it does nothing yet.
    """

    says: str
    target: str
    by: tuple[Role, ...]
    needs: Mapping[str, str] = field(default_factory=dict)
    may_have: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    then: str = ""


_APPLY = "`watchline retention apply` puts it in force: until then tables delete as before"
_REASON = {"reason": "why"}
_APP = {"app": "whose it is"}
_PLACE = {**_APP, "environment": "where apps get it"}


def _versioned(kind: str, texts: Mapping[str, str]) -> dict[str, Act]:
    """The acts on prompts, and the same on models: each names a version, its number and the hash of its content."""
    target = f"{kind}:NAME"
    return {
        f"{kind}_drafted": Act(
            says=f"writes a version of a {kind}, which nobody gets yet",
            target=target,
            by=("author", "owner", "operator"),
            needs=_APP,
            may_have={
                "for": "the person for whom a service writes it: no approver of it either",
                "source": "where it comes from: git, langfuse or promptlayer",
                "revision": "a number that grows there: of the commit, or of the export",
                "commit": "of the git repository",
            },
            texts=texts,
        ),
        f"{kind}_approved": Act(
            says=f"approves exactly this content of a {kind}",
            target=target,
            by=("approver", "owner"),
            needs=_APP,
            texts=_REASON,
        ),
        f"{kind}_promoted": Act(
            says=f"gives apps a version of a {kind}, which enough others than its author have approved",
            target=target,
            by=("operator", "owner"),
            needs=_PLACE,
            texts=_REASON,
        ),
        f"{kind}_canaried": Act(
            says=f"gives a share of the conversations a version of a {kind}, approved as for all",
            target=target,
            by=("operator", "owner"),
            needs={**_PLACE, "share": "percent, 1 to 99; 0 ends it"},
            texts=_REASON,
        ),
        f"{kind}_rolled_back": Act(
            says=f"gives apps the version of a {kind} again that was there before this one, at once; ends a canary",
            target=target,
            by=("operator", "owner"),
            needs=_PLACE,
            texts=_REASON,
        ),
        f"{kind}_withdrawn": Act(
            says=f"takes a version of a {kind} away from all apps, with nothing in its place",
            target=target,
            by=("operator", "owner"),
            needs=_APP,
            texts=_REASON,
        ),
        f"{kind}_renamed": Act(
            says=f"gives a {kind} another name: one history, under each name that it has had",
            target=target,
            by=("operator", "owner"),
            needs={**_APP, "name": "the new name", "first": "the name that it was first drafted under"},
            texts=_REASON,
        ),
    }


ACTS: Mapping[str, Act] = {
    "key_registered": Act(
        says="lets a key sign",
        target="the key's id",
        by=("root",),
        needs={
            "public": "the public key, ed25519:BASE64",
            "kind": "person or service",
            "holder": "whose it is: an id that says nothing of a person, or the service's name",
            "roles": "what it may do, comma-separated",
        },
        texts={"name": "the person's name", **_REASON},
    ),
    "key_revoked": Act(
        says="lets a key sign no more: what it signed before stays",
        target="the key's id",
        by=("root",),
        texts=_REASON,
    ),
    "roots_replaced": Act(
        says="puts other root keys in the place of those before",
        target="roots",
        by=("root",),
        needs={"keys": "name to public key, as JSON", "needed": "how many of them must sign"},
        texts=_REASON,
    ),
    "use_case_registered": Act(
        says="registers what an app is for, in place of what was registered before",
        target="the app",
        by=("owner",),
        needs={
            "risk_class": "minimal, limited or high, as the EU AI Act has them",
            "legal_basis": "consent, contract, legal_obligation, vital_interests, public_task or legitimate_interests",
        },
        may_have={
            "models": "the models that it may use, comma-separated",
            "prompts": "the prompts that it may use, comma-separated: no other is promoted",
            "contact": "who answers for it: a role's address, not a person's",
            "people": "whose data it is, by category: customers, patients",
            "recipients": "who gets the data beside those with a login of the store: the provider of each model",
            "transfers": "to which other countries it goes, and on which ground; none",
        },
        texts={"purpose": "what it is for"},
    ),
    "document_set_registered": Act(
        says="registers a version of an app's knowledge base",
        target="the app",
        by=("owner", "operator"),
        needs={"document_set": "its version"},
        may_have={"sha256": "of its content"},
        texts={"note": "what is in it"},
    ),
    "model_deployed": Act(
        says="lets an app use a model from now on",
        target="the app",
        by=("operator",),
        needs={"model": "its name"},
        may_have={"variant": "quantisation, distillation or engine"},
        texts=_REASON,
    ),
    "threshold_changed": Act(
        says="changes an operating point of a detector",
        target="the detector",
        by=("operator",),
        needs={"label": "of the detector", "threshold": "the new one"},
        may_have={"alert_threshold": "the new one"},
        texts=_REASON,
    ),
    "exported": Act(
        says="takes data out of the system",
        target="what was exported",
        by=("auditor", "operator", "privacy"),
        needs={"rows": "how many", "sha256": "of the file; of an export's folder of its manifest"},
        may_have={
            "format": "of the files",
            "basis": "the consent that was asked for, or the legal basis that needs none",
            "owner": "who answers for every copy: an id that says nothing of a person; without one who signed",
            "until": "the day by which every copy is to be deleted, as 2027-01-31",
        },
        texts=_REASON,
    ),
    "consent_withdrawn": Act(
        says="takes a person's consent back: no later export has anything of that person",
        target="subject:SHA256, as `watchline export withdraw` writes it",
        by=("privacy", "owner", "operator"),
        texts=_REASON,
    ),
    "proved": Act(
        says="has held what is stored against the books of it, by `watchline prove`",
        target="the interval: FROM/TO",
        by=("auditor", "operator"),
        needs={
            "rows": "how many events",
            "unexplained": "how many have no reason: what is proven has 0",
            "explained": "how many of what, by reason, as JSON",
            "sha256": "of the report",
        },
        may_have={"blind": "when nobody would have seen a loss, as JSON: topic, partition, from, to of each time"},
    ),
    "hold_placed": Act(
        says="keeps data from being deleted, whatever its retention",
        target="what is held: tenant:NAME, app:NAME or event:ID",
        by=("privacy",),
        needs={"hold": "its id"},
        may_have={"until": "the last day of it, as 2027-01-31; without one until it is released"},
        texts=_REASON,
        then=_APPLY,
    ),
    "hold_released": Act(
        says="ends a hold",
        target="the hold's id",
        by=("privacy",),
        texts=_REASON,
    ),
    "retention_set": Act(
        says="sets for how long a class of data is kept",
        target="text, rows or metrics; of one app text/app:NAME and the like",
        by=("privacy",),
        needs={"days": "whole days before today: text no longer than rows, rows no longer than metrics"},
        texts=_REASON,
        then=_APPLY,
    ),
    "policy_set": Act(
        says="sets what takes the place of personal data in an app's texts, in place of what was set before",
        target="app:NAME, or app:NAME/ENVIRONMENT, which goes before it",
        by=("privacy",),
        needs={"fields": 'JSON of field to mask, pseudonym or drop; * stands for all others: {"input": "pseudonym"}'},
        texts=_REASON,
        then="workers have it once `watchline governance redaction FILE` has written it and they were started again",
    ),
    "erasure_requested": Act(
        says="has what is held of somebody or something erased, and kept from being stored again",
        target="erasure:ID, an id that says nothing",
        by=("privacy",),
        needs={
            "kind": "subject, tenant, event or conversation",
            "salt": "of the hashes, hexadecimal",
            "scope": "salted hashes of the ids as they are stored, comma-separated",
        },
        may_have={
            "app": "in this app alone",
            "searched": "what was found in files and texts with the id itself, which nobody has afterwards, as JSON",
        },
        texts=_REASON,
    ),
    "erasure_certified": Act(
        says="says of each place what became of an erasure",
        target="erasure:ID",
        by=("privacy", "auditor"),
        needs={
            "whole": "complete, incomplete, nothing found, or pending by holds",
            "places": "place to what became of it, on which ground and until when, as JSON",
        },
    ),
    "log_trimmed": Act(
        says="ends the keeping of what stands before a position",
        target="log",
        by=("root",),
        needs={"first_kept": "the first position that is kept", "previous": "the hash of the entry before it"},
        texts=_REASON,
    ),
    **_versioned("prompt", {"content": "the prompt", "note": "what is new in it"}),
    **_versioned("model", {"content": "what describes the model", "note": "what is new in it"}),
    "emergency_promoted": Act(
        says="gives apps a version that nobody has approved; another person is to review it within 48 hours",
        target="prompt:NAME or model:NAME",
        by=("operator",),
        needs={**_PLACE, "reason": "why it can't wait; it can't be erased, so say nothing of persons"},
    ),
    "emergency_reviewed": Act(
        says="has looked at what was promoted in an emergency, by another person",
        target="prompt:NAME or model:NAME",
        by=("approver", "owner", "operator"),
        needs=_PLACE,
        texts={"note": "what was found"},
    ),
    "approval_policy_set": Act(
        says="says how many must approve; what was drafted before keeps the stricter of then and now",
        target="app:NAME, or class:NAME for all apps of a risk class",
        by=("root",),
        needs={"approvals": "how many people other than the author, 1 to 9"},
        may_have={"days": "for how many days an approval counts, 1 to 365 (default: 30)"},
        texts=_REASON,
    ),
    "read": Act(
        says="has recorded what somebody read within a minute, or of a board within an hour",
        target="reads",
        by=("reader", "auditor"),
        needs={
            "who": "an id that says nothing of a person, or a reader's name",
            "proven": "how that is known: uid, by the kernel; named, by a token of theirs; claimed, by nothing",
            "door": "cli, page or port",
            "from": "when the first began, UTC",
            "to": "when the last had ended, UTC",
            "reads": "JSON list of [statement without literals, views, how often, rows, how, why not]",
        },
        texts={"name": "the login name"},
    ),
    "inputs_sent": Act(
        says="has recorded that stored inputs were sent to a model, by `watchline prompts test`",
        target="the endpoint's address",
        by=("reader", "auditor"),
        needs={
            "rows": "how many inputs",
            "sha256": "of all requests, a line each",
            "app": "whose inputs",
            "prompt": "its name",
            "model": "that was asked for",
            "who": "an id that says nothing of a person",
            "proven": "how that is known: uid, by the kernel; claimed, by nothing",
        },
        texts={"name": "the login name"},
    ),
    "silenced": Act(
        says="has recorded that somebody keeps alerts quiet",
        target="the silence's id",
        by=("reader", "auditor"),
        needs={"until": "UTC"},
        texts={"who": "who says that they do it", "matchers": "which alerts", **_REASON},
    ),
    "silence_ended": Act(
        says="has recorded that somebody ended a silence",
        target="the silence's id",
        by=("reader", "auditor"),
        texts={"who": "who says that they do it"},
    ),
    "incident_began": Act(
        says="has recorded that alerts of one cause fired",
        target="the incident's id",
        by=("reader", "auditor"),
        needs={"rule": "the first that fired", "severity": "warning or critical", "from": "since when it was bad, UTC"},
        may_have={"app": "in which it was bad", "environment": "where"},
        texts={"labels": "of the first alert"},
    ),
    "incident_ended": Act(
        says="has recorded that an incident is over",
        target="the incident's id",
        by=("reader", "auditor"),
        needs={"severity": "the highest that it had", "to": "until when it was bad, UTC"},
    ),
    "acknowledged": Act(
        says="has recorded that somebody looks after an incident",
        target="the rule",
        by=("reader", "auditor"),
        may_have={"incident": "its id"},
        texts={"who": "who says that they do it", "labels": "of the alert"},
    ),
}
