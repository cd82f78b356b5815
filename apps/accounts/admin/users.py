"""Users: who may log in, and in which roles.

Roles are the groups a migration makes; there are no permissions beside them. Who may not grant sees them; nobody
changes their own; only a superuser makes or touches one.
"""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db import router, transaction
from django.http import HttpRequest, HttpResponse
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from apps.accounts.commands import OpenAccount
from apps.accounts.identity.second_factor import second_factor_remove
from apps.accounts.identity.sessions import user_sessions_end
from apps.accounts.models import Account, User
from apps.accounts.services import account_open
from cift.backoffice.acts import (
    actor_of,
    command_act,
    dangerous,
    deadline,
    harmless,
    record,
    second_factor_require,
)
from cift.backoffice.tables import RefusalsTold, flag_column, rows_act
from cift.errors.application import ApplicationError

_PRIVILEGES = ("is_staff", "is_superuser", "groups")


class _LowerCaseEmail:
    """Keeps the address as users are kept: in lower case."""

    cleaned_data: dict[str, Any]

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        return email.strip().lower()


class UserAddForm(_LowerCaseEmail, UserCreationForm):  # type: ignore[misc]  # published without types
    """Asks for an address instead of a name."""

    class Meta:
        """The one field beside the passwords."""

        model = User
        fields = ("email",)
        field_classes = {"email": forms.EmailField}  # noqa: RUF012 - Django's own shape


class UserEditForm(_LowerCaseEmail, UserChangeForm):  # type: ignore[misc]  # published without types
    """Edits a user, who is known by address."""

    class Meta:
        """All fields, as the admin lays them out."""

        model = User
        fields = "__all__"
        field_classes = {"email": forms.EmailField}  # noqa: RUF012 - Django's own shape


# What is done about them here is written down; their own pages would not.
admin.site.unregister([Group, StaticDevice, TOTPDevice])


@admin.register(User)
class UserAdmin(DjangoUserAdmin, RefusalsTold):  # type: ignore[type-arg]  # published without types
    """People and programs that log in."""

    form = UserEditForm
    add_form = UserAddForm
    change_password_form = AdminPasswordChangeForm
    ordering = ("-id",)
    is_operator = staticmethod(flag_column("is_staff", description="Staff"))
    is_root = staticmethod(flag_column("is_superuser", description="Superuser", yes="warning"))
    list_display = ("email", "is_active", "is_operator", "is_root", "roles", "last_login", "created_at")
    list_filter = ("is_active", "is_staff", "is_superuser", "groups")
    search_numbers: ClassVar[dict[str, str]] = {"user": "id"}
    search_words: ClassVar[dict[str, str]] = {"email": "email__startswith"}
    search_help_text = "Search by the beginning of the address, or by user:…"
    newest_by = "id"
    filter_horizontal = ()
    actions = ("account_open", "second_factor_off")
    fieldsets = (
        (None, {"fields": ("email", "password", "is_active")}),
        ("Back office", {"fields": ("is_staff", "groups", "is_superuser")}),
        ("Dates", {"fields": ("last_login", "created_at")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("email", "usable_password", "password1", "password2")}),)

    def get_queryset(self, request: HttpRequest) -> Any:
        """Read the roles of all rows at once."""
        return super().get_queryset(request).prefetch_related("groups")

    def get_readonly_fields(self, request: HttpRequest, user: User | None = None) -> tuple[str, ...]:
        """Show privileges to who may not give them, and to everybody their own."""
        fixed: tuple[str, ...] = ("last_login", "created_at")
        if user is not None and not _may_grant(request):
            # An address is where a new password would be sent.
            return (*fixed, "email", *_PRIVILEGES)
        if user is not None and user.pk == request.user.pk:
            return (*fixed, *_PRIVILEGES)
        return fixed if _is_superuser(request) else (*fixed, "is_superuser")

    def has_change_permission(self, request: HttpRequest, user: User | None = None) -> bool:
        """Allow it to who may change users; staff only to who may grant, superusers only to superusers."""
        if user is not None and user.is_superuser and not _is_superuser(request):
            return False
        if user is not None and user.is_staff and not _may_grant(request):
            return False
        return bool(super().has_change_permission(request, user))

    def has_delete_permission(self, _request: HttpRequest, _user: User | None = None) -> bool:
        """Refuse: a user is deactivated; what they did stays theirs."""
        return False

    def has_open_permission(self, request: HttpRequest) -> bool:
        """Allow opening accounts to who may change users."""
        return request.user.has_perm("accounts.change_user")

    def has_grant_permission(self, request: HttpRequest) -> bool:
        """Allow what changes who somebody is to who may grant."""
        return _may_grant(request)

    @dangerous
    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002 - Django's name
        """Let who may grant set another's password, and write it down."""
        if not _may_grant(request):
            raise PermissionDenied
        if id == str(request.user.pk):
            # One's own is changed where the old one is asked for.
            return self.admin_site.password_change(request)
        if request.method != "POST":
            return super().user_change_password(request, id, form_url)
        with transaction.atomic(using=router.db_for_write(User)):
            before = User.objects.filter(pk=id).values_list("password", flat=True).first()
            response = super().user_change_password(request, id, form_url)
            if User.objects.filter(pk=id).values_list("password", flat=True).first() != before:
                record(actor_of(request), action="user.password", subject=f"user {id}")
        return response

    def save_model(self, request: HttpRequest, user: User, form: Any, change: Any) -> None:
        """Save, remembering what there was before."""
        request.user_before = _state(User.objects.get(pk=user.pk)) if change else {}  # type: ignore[attr-defined]
        if form.changed_data or not change:
            second_factor_require(request)
        super().save_model(request, user, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: Any) -> None:
        """Save the roles, and write down what changed, in the same transaction."""
        super().save_related(request, form, formsets, change)
        user = User.objects.get(pk=form.instance.pk)
        before: dict[str, Any] = request.user_before  # type: ignore[attr-defined]
        after = _state(user)
        changed = {name for name in after if before.get(name) != after[name]}
        if changed:
            record(
                actor_of(request),
                action="user.change" if change else "user.add",
                subject=f"user {user.pk}",
                before={name: before[name] for name in changed if name in before},
                after={name: after[name] for name in changed},
            )

    @admin.display(description="roles")
    def roles(self, user: User) -> str:
        """Show the roles."""
        return ", ".join(group.name for group in user.groups.all()) or "–"

    @harmless
    @admin.action(description="Open a trading account", permissions=["open"])
    def account_open(self, request: HttpRequest, users: Any) -> None:
        """Open an account for each user that has none."""

        def act(user: User) -> None:
            if not Account.objects.filter(owner=user).exists():
                command = OpenAccount(id=f"user-{user.pk}", owner=user.pk, deadline=deadline())
                command_act(
                    actor_of(request),
                    action="account.open",
                    subject=f"user {user.pk}",
                    command=lambda: account_open(command),
                )

        done = rows_act(request, users, act)
        messages.success(request, f"{done} of {len(users)} users have an account.")

    @dangerous
    @admin.action(description="Remove the second factor", permissions=["grant"])
    def second_factor_off(self, request: HttpRequest, users: Any) -> None:
        """Leave each user without a second factor, one who has lost it."""

        def act(user: User) -> None:
            if not self.has_change_permission(request, user):
                raise ApplicationError("forbidden")
            if user.pk == request.user.pk:
                raise ApplicationError("forbidden", "Nobody removes their own here: it takes the password and a code.")
            with transaction.atomic(using=router.db_for_write(User)):
                second_factor_remove(user)
                user_sessions_end(user)
                record(actor_of(request), action="user.second_factor_remove", subject=f"user {user.pk}")

        done = rows_act(request, users, act)
        if done:
            messages.success(request, f"{done} {'user has' if done == 1 else 'users have'} no second factor.")


def _may_grant(request: HttpRequest) -> bool:
    return request.user.has_perm("accounts.grant_user")


def _is_superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))


def _state(user: User) -> dict[str, Any]:
    return {
        "email": user.email,
        "is_active": user.is_active,
        "is_staff": user.is_staff,
        "is_superuser": user.is_superuser,
        "roles": sorted(user.groups.values_list("name", flat=True)),
    }
