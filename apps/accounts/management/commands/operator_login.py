"""`manage.py operator_login`: the way back in for an operator who lost password or authenticator."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import router, transaction

from apps.accounts.identity.mails import reset_link
from apps.accounts.identity.second_factor import second_factor_has, second_factor_remove
from apps.accounts.identity.sessions import user_sessions_end
from apps.accounts.models import User
from cift.backoffice.acts import VENUE, record


class Command(BaseCommand):
    """Who may run this on the venue's machine may do everything anyway; so it asks for nothing, and is written down."""

    help = "print a one-time link, good for an hour, with which an operator sets a new password"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the address, and what else to do."""
        parser.add_argument("email", help="the operator's address")
        parser.add_argument("--create", action="store_true", help="make an administrator if there is no such user")
        parser.add_argument(
            "--remove-second-factor", action="store_true", help="forget the authenticator and the recovery codes"
        )

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """End the operator's logins, write down what was done, and print the link."""
        email: str = options["email"].strip().lower()
        before: dict[str, Any] = {}
        after: dict[str, Any] = {"email": email, "is_active": True, "is_staff": True, "is_superuser": True}
        with transaction.atomic(using=router.db_for_write(User)):
            user = User.objects.filter(email=email).first()
            if user is None:
                if not options["create"]:
                    raise CommandError(f"there is no user {email}; --create makes an administrator")
                user = User.objects.create_superuser(email)
            elif not user.is_staff:
                raise CommandError(f"{email} is no operator")
            else:
                before, after = _let_in(user, without_second_factor=options["remove_second_factor"])
            user_sessions_end(user)
            record(VENUE, action="user.login_link", subject=f"user {user.pk}", before=before, after=after)
        self.stdout.write(reset_link(user))


def _let_in(user: User, *, without_second_factor: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """Undo what keeps an operator out; give what that was before, and after."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    if not user.is_active:
        user.is_active = True
        user.save(update_fields=["is_active"])
        before["is_active"], after["is_active"] = False, True
    if without_second_factor:
        before["second_factor"], after["second_factor"] = second_factor_has(user), False
        second_factor_remove(user)
    return before, after
