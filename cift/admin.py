"""The back office's tables that nobody edits: what stands in them comes from the journal."""

from typing import Any

from django.contrib import admin


class ProjectedAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic to the type checker alone
    """Shows a projected table; it changes by commands to the order service alone."""

    show_full_result_count = False

    def has_add_permission(self, *_arguments: Any, **_options: Any) -> bool:
        """Refuse: rows are made by the projector."""
        return False

    def has_change_permission(self, *_arguments: Any, **_options: Any) -> bool:
        """Refuse: rows are changed by the projector."""
        return False

    def has_delete_permission(self, *_arguments: Any, **_options: Any) -> bool:
        """Refuse: the journal cannot be undone."""
        return False
