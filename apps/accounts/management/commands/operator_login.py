"""`manage.py operator_login`: the way back in for an operator who lost password or authenticator."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.accounts.mails import reset_link
from apps.accounts.models import User
from apps.accounts.secondfactor import second_factor_remove
from apps.accounts.sessions import user_sessions_end


class Command(BaseCommand):
    """Who may run this on the venue's machine may do everything anyway; so it asks for nothing."""

    help = "print a one-time link, good for an hour, with which an operator sets a new password"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the address, and what else to do."""
        parser.add_argument("email", help="the operator's address")
        parser.add_argument("--create", action="store_true", help="make an administrator if there is no such user")
        parser.add_argument(
            "--remove-second-factor", action="store_true", help="forget the authenticator and the recovery codes"
        )

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """End the operator's logins, and print the link."""
        email: str = options["email"].strip().lower()
        user = User.objects.filter(email=email).first()
        if user is None:
            if not options["create"]:
                raise CommandError(f"there is no user {email}; --create makes an administrator")
            user = User.objects.create_superuser(email)
        elif not user.is_staff:
            raise CommandError(f"{email} is no operator")
        if not user.is_active:
            user.is_active = True
            user.save(update_fields=["is_active"])
        if options["remove_second_factor"]:
            second_factor_remove(user)
        user_sessions_end(user)
        self.stdout.write(reset_link(user))
