"""What is to become of each article of a batch: a new article, an edit, an alias, a claim, or one that is released.

Decisions are those of `policy`; what they have to know is read here, in as few round trips as there are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from rfispider.items import Article, Outcome, Status
from rfispider.site import urls
from rfispider.storage.policy import bonds
from rfispider.storage.policy.bonds import Alias, AliasView, BondClaim, Why
from rfispider.storage.policy.identity import identity, seen_elsewhere
from rfispider.storage.policy.versioning import ArticleVersion, Decision, decide
from rfispider.storage.write.aliases import AliasWriter, Ending, Relatives, moved_to
from rfispider.storage.write.bulk_writes import WritePlan, has_new_content


@dataclass(slots=True)
class RoundPlan:
    """What is to become of the articles of one round, each given under its key."""

    writes: dict[str, WritePlan] = field(default_factory=dict)
    claims: dict[str, BondClaim | None] = field(default_factory=dict)
    """Of answers that have to be confirmed; None where nothing has to be noted."""
    endings: dict[str, list[Ending]] = field(default_factory=dict)
    """Articles that end, under the key of the one that was seen; itself, or others."""


class Planner:
    """Makes the plans of a round. One object may be used by many tasks at once."""

    def __init__(self, aliases: AliasWriter) -> None:
        self._aliases = aliases

    async def plan(
        self, articles: Sequence[Article], stored: Mapping[str, ArticleVersion], reread_at: datetime | None
    ) -> RoundPlan:
        """Plans of articles whose keys differ. `reread_at` as in `decide`."""
        unstored = [article for article in articles if article.key not in stored]
        plan, questioned = RoundPlan(), []
        for seen in articles:
            if (old := stored.get(seen.key)) is None:
                continue
            decision = decide(old, seen, reread_at=reread_at)
            if _is_questioned(seen, old, decision):
                questioned.append((seen, old, decision.state.article))
            else:
                plan.writes[seen.key] = WritePlan(old, decision, decision.outcome)
        relatives = await self._aliases.relatives(unstored, [_compared(seen, new) for seen, _, new in questioned])
        for seen, old, _ in questioned:
            await _Stored(_Case(self._aliases, relatives, plan, seen), old, reread_at).add()
        for seen in unstored:
            await _Unstored(self._aliases, relatives, plan, seen).add()
        return plan


def _compared(seen: Article, new: Article) -> Article:
    """What was seen, with the content that the article will have: what others are compared with."""
    return replace(seen, text=new.text, content_hash=new.content_hash)


def _is_questioned(seen: Article, stored: ArticleVersion, decision: Decision) -> bool:
    """Whether an article that is stored has to be compared with others."""
    if has_new_content(decision) or (not stored.has_identity and identity(stored.article)):
        return True
    return not {*seen.aliases} <= {stored.article.url, *stored.article.aliases}


class _Case:
    """One article that was seen, among what it may be bound to."""

    def __init__(self, aliases: AliasWriter, relatives: Relatives, plan: RoundPlan, seen: Article) -> None:
        self.aliases = aliases
        self.relatives = relatives
        self.plan = plan
        self.seen = seen
        self.candidates = relatives.articles
        self.known = relatives.aliases or {}
        self.ended = relatives.ended or {}

    def claim(self, key: str, holder: str, why: Why, *, noted: bool) -> None:
        """Leave everything as it is, until a second answer agrees. `noted`: `key` is an article that shows this now."""
        seen = self.seen
        claim = BondClaim(key=key, article=holder, why=why, content_hash=seen.content_hash, at=seen.fetched_at)
        self.plan.claims[seen.key] = claim if noted else None

    def end(self, ended: ArticleVersion, into: ArticleVersion, why: Why) -> None:
        """Make an article an alias of another."""
        self.plan.endings.setdefault(self.seen.key, []).append(Ending(ended, into, why, self.seen.fetched_at))

    def takes_redirected(self, owner: ArticleVersion) -> bool:
        """Whether URLs of other articles led to what was seen, which is an article or its alias."""
        redirected = [
            each for each in bonds.redirected(self.seen, self.candidates) if each.article.key != owner.article.key
        ]
        if not redirected:
            return False
        if bonds.is_binding(self.seen):
            for other in redirected:
                self.end(other, owner, Why.REDIRECT)
        else:
            self.claim(redirected[0].article.key, owner.article.key, Why.REDIRECT, noted=True)
        return True

    def linked(self, owner: ArticleVersion | None, article: Article) -> tuple[Alias, ...]:
        """The other URLs that an article has besides those that it had, as aliases."""
        present = set(owner.article.aliases) if owner else set()
        added = [url for url in article.aliases if url not in present]
        return tuple(self.alias(url, article.key, self.why_linked(url)) for url in added)

    def why_linked(self, url: str) -> Why:
        """How the page says that another URL is its own."""
        return Why.CANONICAL if url == self.seen.canonical else Why.REDIRECT

    def alias(self, url: str, article: str, why: Why) -> Alias:
        """An alias that was seen now."""
        at = self.seen.fetched_at
        return Alias(key=urls.key(url), url=url, article=article, why=why, first_seen_at=at, last_seen_at=at)


class _Stored(_Case):
    """An article that is stored, and that other articles have something to do with."""

    def __init__(self, case: _Case, stored: ArticleVersion, reread_at: datetime | None) -> None:
        super().__init__(case.aliases, case.relatives, case.plan, case.seen)
        self.stored = stored
        self.reread_at = reread_at

    async def add(self) -> None:
        """Add what is to become of it to the plan."""
        if self._ends_by_canonical() or self.takes_redirected(self.stored):
            return
        rebound = bonds.rebound(self.seen, self.known)
        if rebound and not bonds.is_binding(self.seen):
            self.claim(rebound[0].key, self.seen.key, Why.REDIRECT, noted=False)
            return
        taken = bonds.taken_aliases(self.seen, self.candidates, self.known) - {alias.url for alias in rebound}
        seen = replace(self.seen, aliases=bonds.without(self.seen.aliases, taken))
        decision = decide(self.stored, seen, reread_at=self.reread_at)
        holder = bonds.holder_of_content(decision.state.article, self.candidates)
        if holder and ("content_hash" in decision.updated or not self.stored.has_identity):
            await self._shares_content(decision, holder)
        else:
            self._write(decision, is_free=holder is None, rebound=rebound)

    def _ends_by_canonical(self) -> bool:
        """Whether its page names another article as its own, most of whose text it has."""
        evidence = bonds.holder_by_evidence(self.seen, self.candidates)
        if evidence is None or evidence[1] is not Why.CANONICAL:
            return False
        holder, why = evidence
        if bonds.is_binding(self.seen):
            self.end(self.stored, holder, why)
        else:
            self.claim(self.seen.key, holder.article.key, why, noted=False)
        return True

    async def _shares_content(self, decision: Decision, holder: ArticleVersion) -> None:
        """It changes to the content that another article holds."""
        if holder.article.status is Status.GONE:
            self._write(decision, is_free=True, freed=holder)
        elif not bonds.is_binding(self.seen):
            self.claim(self.seen.key, holder.article.key, Why.CONTENT, noted=self.reread_at is None)
        elif bonds.is_contradicted(holder, await self.aliases.claim(holder.article.key)):
            self._write(decision, is_free=True, freed=holder)
        else:
            ended = bonds.ends(self.stored, holder)
            self.end(ended, holder if ended is self.stored else self.stored, Why.CONTENT)

    def _write(
        self,
        decision: Decision,
        *,
        is_free: bool,
        freed: ArticleVersion | None = None,
        rebound: Sequence[Alias] = (),
    ) -> None:
        """`is_free`: no other article holds its content, so that it is known by it from now on, if it was not."""
        if is_free and not self.stored.has_identity and identity(decision.state.article):
            decision.updated = [*decision.updated, "content_hash"]
        decision.state.has_identity = is_free or decision.state.has_identity
        self.plan.writes[self.seen.key] = WritePlan(
            self.stored,
            decision,
            decision.outcome,
            aliases=self.linked(self.stored, decision.state.article),
            moved=tuple(rebound),
            freed=freed,
        )


class _Unstored(_Case):
    """An article whose URL is none that is stored as an article."""

    async def add(self) -> None:
        """Add what is to become of it to the plan."""
        alias = self._known_alias()
        owner = self._article(alias.article) if alias else None
        holder = bonds.holder_of_content(self.seen, self.candidates)
        if alias and owner and (holder is None or holder.article.key == owner.article.key):
            await self._of_alias(alias, owner)
            return
        evidence = (holder, Why.CONTENT) if holder else bonds.holder_by_evidence(self.seen, self.candidates)
        if holder and holder.article.status is Status.GONE:
            # Its page shows nothing any more: who shows its text now is no other URL of it.
            await self._become_article(alias, freed=holder)
        elif evidence:
            await self._of_other(*evidence, moved_from=alias)
        else:
            await self._become_article(alias)

    def _known_alias(self) -> Alias | None:
        """Itself as an alias; what an article lists and nobody took note of counts, too."""
        if self.seen.key in self.known:
            return self.known[self.seen.key]
        owners = (each.article for each in self.candidates if self.seen.url in each.article.aliases)
        owner = next(owners, None)
        return self.alias(self.seen.url, owner.key, Why.UNKNOWN) if owner else None

    def _article(self, key: str) -> ArticleVersion | None:
        return next((each for each in self.candidates if each.article.key == key), None)

    async def _of_other(self, holder: ArticleVersion, why: Why, moved_from: Alias | None) -> None:
        """It shows what another article holds."""
        if not bonds.is_binding(self.seen):
            self.claim(self.seen.key, holder.article.key, why, noted=False)
        elif why is Why.CONTENT and bonds.is_contradicted(holder, await self.aliases.claim(holder.article.key)):
            await self._become_article(moved_from, freed=holder)
        else:
            alias = self.alias(self.seen.url, holder.article.key, why)
            first_seen_at = moved_from.first_seen_at if moved_from else alias.first_seen_at
            self._bind(replace(alias, first_seen_at=first_seen_at), holder, moved_from)

    async def _of_alias(self, alias: Alias, owner: ArticleVersion) -> None:
        """It is known as an alias, and shows nothing that another article holds."""
        seen = self.seen
        view = bonds.view(seen, owner.article, alias)
        if view is AliasView.OUTDATED:
            self._bind(None, owner, None)
        elif owner.article.status is Status.GONE and seen.key in self.ended and view is AliasView.SAME:
            # It outlives the page of the article that it was bound to.
            await self._become_article(alias, freed=owner)
        elif view is AliasView.SAME and self.takes_redirected(owner):
            return
        elif view is AliasView.SAME:
            self._bind(replace(alias, other_content=None, other_since=None), owner, None)
        elif await self.aliases.has_had(seen.key, seen.content_hash):
            await self._become_article(alias)
        else:
            await self._of_other_text(alias, owner, view)

    async def _of_other_text(self, alias: Alias, owner: ArticleVersion, view: AliasView) -> None:
        """It shows a text that it never had as an article, and that is not the present one of its article."""
        seen = self.seen
        was_owners = await self.aliases.has_had(owner.article.key, seen.content_hash)
        if view is AliasView.OTHER and not was_owners:
            await self._become_article(alias)
        elif was_owners and seen.fetched_at < owner.changed_at:
            self._bind(alias, owner, None)
        elif bonds.persists(seen, owner, alias, was_owners=was_owners):
            await self._become_article(alias)
        else:
            noted = bonds.with_other_content(alias, seen)
            self._bind(noted, owner, None)
            if noted is not alias and not bonds.is_binding(seen):
                # It stays an alias; a second answer tells sooner whether it still is one.
                plan = self.plan.writes[seen.key]
                self.plan.writes[seen.key] = replace(plan, outcome=Outcome.CLAIMED)

    def _bind(self, alias: Alias | None, owner: ArticleVersion, moved_from: Alias | None) -> None:
        """Take note of it as an alias of an article, which is alive."""
        seen = self.seen
        taken = bonds.taken_aliases(replace(seen, key=owner.article.key), self.candidates, self.known)
        elsewhere = seen_elsewhere(owner.article, replace(seen, aliases=bonds.without(seen.aliases, taken)))
        decision = decide(owner, elsewhere)
        decision.state.last_seen_at = max(owner.last_seen_at, seen.fetched_at)
        others = [each for each in self.linked(owner, decision.state.article) if each.key != seen.key]
        if alias:
            latest = max(alias.last_seen_at, seen.fetched_at)
            others.append(replace(alias, title=seen.title, published_at=seen.published_at, last_seen_at=latest))
        moved = (moved_from,) if moved_from else ()
        self.plan.writes[seen.key] = WritePlan(owner, decision, Outcome.DUPLICATE, aliases=tuple(others), moved=moved)

    async def _become_article(self, alias: Alias | None, freed: ArticleVersion | None = None) -> None:
        """It is an article of its own, the one that it was before if it was one."""
        taken = bonds.taken_aliases(self.seen, self.candidates, self.known)
        seen = replace(self.seen, aliases=bonds.without(self.seen.aliases, taken))
        before = self.ended.get(seen.key)
        following = bonds.followers(seen.key, await self.aliases.of_article(alias.article)) if alias and before else []
        if before:
            seen = replace(seen, aliases=[*seen.aliases, *(each.url for each in following)])
        decision = decide(before, seen)
        # Another article may hold by now what this one had, if that is not what it shows.
        decision.state.has_identity = decision.state.article.content_hash == seen.content_hash
        others = [each for each in self.linked(None, decision.state.article) if each.url in self.seen.aliases]
        self.plan.writes[seen.key] = WritePlan(
            None,
            decision,
            Outcome.NEW,
            restored=before,
            aliases=tuple(others) + tuple(moved_to(seen.key, each) for each in following),
            released=(alias, *following) if alias else (),
            freed=freed,
        )
