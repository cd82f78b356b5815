"""Users, accounts and money in the back office."""

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm

from apps.accounts.models import Account, Balance, LedgerEntry, User
from cift.admin import ProjectedAdmin


class UserCreationForm(AdminUserCreationForm):
    """Asks for an address instead of a name."""

    class Meta:
        """The one field beside the passwords."""

        model = User
        fields = ("email",)
        field_classes = {"email": forms.EmailField}  # noqa: RUF012 - Django's own shape

    def clean_email(self) -> str:
        """Keep the address as users are kept: in lower case."""
        email: str = self.cleaned_data["email"]
        return email.strip().lower()


class UserEditForm(UserChangeForm):  # type: ignore[type-arg]  # as ProjectedAdmin
    """Edits a user, who is known by address."""

    class Meta:
        """All fields, as the admin lays them out."""

        model = User
        fields = "__all__"
        field_classes = {"email": forms.EmailField}  # noqa: RUF012 - Django's own shape

    def clean_email(self) -> str:
        """Keep the address as users are kept: in lower case."""
        email: str = self.cleaned_data["email"]
        return email.strip().lower()


@admin.register(User)
class UserAdmin(DjangoUserAdmin):  # type: ignore[type-arg]  # as ProjectedAdmin
    """People and programs that log in."""

    form = UserEditForm
    add_form = UserCreationForm
    ordering = ("id",)
    list_display = ("email", "is_active", "is_staff", "last_login", "created_at")
    list_filter = ("is_active", "is_staff", "is_superuser", "groups")
    search_fields = ("email",)
    readonly_fields = ("last_login", "created_at")
    fieldsets = (
        (None, {"fields": ("email", "password")}),
        ("Permissions", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Dates", {"fields": ("last_login", "created_at")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("email", "usable_password", "password1", "password2")}),)


@admin.register(Account)
class AccountAdmin(ProjectedAdmin):
    """Who trades."""

    list_display = ("id", "owner", "status", "killed", "fee_tier", "open_orders_max")
    list_filter = ("status", "killed", "fee_tier")
    search_fields = ("=id", "owner__email")
    list_select_related = ("owner",)


@admin.register(Balance)
class BalanceAdmin(ProjectedAdmin):
    """What accounts hold, in smallest units."""

    list_display = ("account", "asset", "total", "held")
    list_filter = ("asset",)
    search_fields = ("=account__id", "account__owner__email")
    list_select_related = ("account", "asset")


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ProjectedAdmin):
    """Each movement of money, in smallest units."""

    list_display = ("sequence", "leg", "account", "asset", "amount", "kind")
    list_filter = ("kind", "asset")
    search_fields = ("=account__id", "=sequence")
    list_select_related = ("account", "asset")
