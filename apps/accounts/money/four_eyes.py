"""Whether two operators are two people: nobody may stand behind both who ask and who approve.

Behind an operator stands whoever made them, set their password or address, or gave them staff status or a role, as the
audit records tell; and whoever stands behind those. A superuser can make anybody anything: one counts who takes part,
but not as a third behind two others, or a venue whose superuser made all its operators could move no money.
"""

import json
from typing import Any

from apps.accounts.models import AuditRecord, User

PEOPLE_MAX = 100
"""The most people looked through behind one; with more behind somebody, nobody can tell, so that one is refused."""

_MADE = frozenset({"user.add", "user.password"})
_CHANGED = "user.change"


def person_behind_both(asker: int, approver: int) -> str | None:
    """Return the address of somebody who stands behind both, else None; both are users' numbers."""
    parties = {asker, approver}
    both = _behind(asker, parties) & _behind(approver, parties)
    return User.objects.filter(pk=min(both)).values_list("email", flat=True).get() if both else None


def _behind(user: int, parties: set[int]) -> set[int]:
    """Return a user, and who stands behind them."""
    found, wanted = {user}, [user]
    while wanted:
        new = _hands(wanted.pop()) - found
        superusers = User.objects.filter(pk__in=new - parties, is_superuser=True)
        new -= set(superusers.values_list("pk", flat=True))
        found |= new
        wanted += new
        if len(found) > PEOPLE_MAX:
            return found | parties
    return found


def _hands(user: int) -> set[int]:
    """Return who made a user what they are."""
    rows = AuditRecord.objects.filter(subject=f"user {user}", actor__isnull=False)
    rows = rows.filter(action__in=(*_MADE, _CHANGED)).order_by()
    return {
        actor
        for actor, action, before, after in rows.values_list("actor", "action", "before", "after").distinct()
        if action in _MADE or _gave(json.loads(before), json.loads(after))
    }


def _gave(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Return whether a change let somebody in or gave them more; taking away does not put anybody behind them."""
    more = set(after.get("roles", ())) - set(before.get("roles", ()))
    return bool(more or "email" in after or after.get("is_staff") or after.get("is_superuser"))
