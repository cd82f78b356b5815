"""The audit log."""

from typing import ClassVar

from django.contrib import admin

from apps.accounts.models import AuditRecord
from cift.backoffice.tables import ProjectedAdmin, moment_shown


@admin.register(AuditRecord)
class AuditRecordAdmin(ProjectedAdmin):
    """What operators did."""

    list_display = ("number", "when", "who", "address", "action", "subject", "outcome", "code", "sequence")
    list_filter = ("outcome",)
    list_display_links = ("number",)
    search_numbers: ClassVar[dict[str, str]] = {"number": "number"}
    search_words: ClassVar[dict[str, str]] = {"subject": "subject", "who": "actor__email"}
    newest_by = "number"
    fields = (
        "number",
        "when",
        "actor",
        "actor_email",
        "address",
        "request_id",
        "action",
        "subject",
        "before",
        "after",
        "outcome",
        "code",
        "sequence",
        "about",
        "hash",
    )

    @admin.display(description="at")
    def when(self, record: AuditRecord) -> str:
        """Show when."""
        return moment_shown(record.at)

    @admin.display(description="actor")
    def who(self, record: AuditRecord) -> str:
        """Show who; what operators decided and a crash cut off is finished by the venue itself."""
        return record.actor_email or "the venue"

    @admin.display(description="chain hash")
    def hash(self, record: AuditRecord) -> str:
        """Show the hash."""
        return bytes(record.chain).hex()
