"""A log with people and a service, and the acts on one prompt in short."""

from __future__ import annotations

from typing import Any

from tests.streams.governance.logs import NOW, Written
from watchline.schemas.codec import encode
from watchline.schemas.records import GovernanceEvent, PromptRelease
from watchline.streams.governance import signed
from watchline.streams.governance.fold import Entry
from watchline.streams.governance.keys import Key
from watchline.streams.governance.log import Message
from watchline.streams.governance.prompts.content import content_hash
from watchline.streams.governance.prompts.releases import releases
from watchline.streams.governance.prompts.versions import Item

DAY = 86_400_000_000
WHO = {"anna": "author", "ben": "approver", "cleo": "approver, author", "olga": "operator", "paul": "owner, author"}


class People(Written):
    """Each holds a key of their own; `ci` is a service that may do everything by its roles."""

    def __init__(self, risk_class: str = "limited", time: int = NOW) -> None:
        super().__init__()
        self.keys = {name: Key.new() for name in (*WHO, "ci")}
        self.contents: dict[str, str] = {}  # by hash
        self.salted: dict[str, dict[str, str]] = {}  # the texts of each act behind their salts
        self.time = time
        for name, roles in WHO.items():
            assert self.register(self.keys[name], name, roles).accepted
        self.register(self.keys["ci"], "ci", "author, approver, operator, owner", "service")
        assert self.use("paul", "use_case_registered", "shop", risk_class=risk_class, legal_basis="contract").accepted

    def send(self, event: GovernanceEvent | bytes) -> Entry:
        """A message, at the time that it is."""
        value = event if isinstance(event, bytes) else encode(event)
        self.messages.append(Message(len(self.messages), self.time, value))
        self.entries.append(self.fold.take(value, self.time))
        return self.entries[-1]

    def made(
        self, who: str, action: str, target: str, *, version: int | None = None, text: str = "", **details: str
    ) -> GovernanceEvent:
        """An act, signed by one of them, on the content that a version or a text has."""
        kind, _, name = target.partition(":")
        item = self.fold.state.prompts.items.get((kind, details.get("app", ""), name))
        digest = None
        if text:
            digest = content_hash(text)
            self.contents[digest] = text
        elif version is not None and item and version <= len(item.versions):
            digest = item.version(version).content_hash
        details = {name.removesuffix("_"): value for name, value in details.items()}
        texts = {"content": text} if action.endswith("_drafted") else {}
        number = str(version) if version else None
        event, salted = signed.make(
            action, target, who, details=details, texts=texts, version=number, content_hash=digest
        )
        self.salted[event.governance_id] = salted
        return signed.sign(event, self.keys[who], self.roots.log)

    def use(self, who: str, action: str, target: str, **more: Any) -> Entry:
        """What becomes of it."""
        return self.send(self.made(who, action, target, **more))

    def draft(self, who: str, text: str, *, kind: str = "prompt", name: str = "answer", **more: str) -> Entry:
        """The next version of the prompt."""
        item = self.fold.state.prompts.items.get((kind, "shop", name))
        number = len(item.versions) + 1 if item else 1
        return self.use(who, f"{kind}_drafted", f"{kind}:{name}", app="shop", version=number, text=text, **more)

    def approve(self, who: str, version: int, *, kind: str = "prompt") -> Entry:
        """One approval."""
        return self.use(who, f"{kind}_approved", f"{kind}:answer", app="shop", version=version)

    def place(self, who: str, what: str, version: int, *, kind: str = "prompt", **more: str) -> Entry:
        """An act on what is in production: promoted, canaried, rolled_back."""
        more = {"environment": "prod", **more}
        return self.use(who, f"{kind}_{what}", f"{kind}:answer", app="shop", version=version, **more)

    def withdraw(self, who: str, version: int) -> Entry:
        """A version, taken away."""
        return self.use(who, "prompt_withdrawn", "prompt:answer", app="shop", version=version)

    def emergency(self, who: str, version: int, reason: str = "answers are wrong", **more: str) -> Entry:
        """One person's promotion."""
        more = {"environment": "prod", "reason": reason, **more}
        return self.use(who, "emergency_promoted", "prompt:answer", app="shop", version=version, **more)

    def review(self, who: str, version: int) -> Entry:
        """Of an emergency."""
        details = {"app": "shop", "environment": "prod"}
        return self.use(who, "emergency_reviewed", "prompt:answer", version=version, **details)

    def revoke(self, who: str) -> Entry:
        """One's key."""
        return self.send(self.act("key_revoked", self.keys[who].id, "first", self.root_keys["first"]))

    def policy(self, target: str, **details: str) -> Entry:
        """As the roots say."""
        return self.send(
            self.act("approval_policy_set", target, "first", self.root_keys["first"], details=details)
        )  # fmt: skip

    def live(self, version: int, text: str, *, approver: str = "ben") -> None:
        """A version that is drafted, approved and promoted."""
        for entry in (
            self.draft("anna", text),
            self.approve(approver, version),
            self.place("olga", "promoted", version),
        ):
            assert entry.accepted, entry.reason

    @property
    def item(self) -> Item:
        """The prompt."""
        return self.fold.state.prompts.items["prompt", "shop", "answer"]

    @property
    def served(self) -> PromptRelease:
        """What apps get of it in production."""
        (release,) = releases(self.fold.state, self.contents)
        return release
