"""Form fields of the back office."""

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminTextInputWidget

from cift.decimals import DecimalError, decimal_format, decimal_parse
from cift.fields import FieldInvalidError, Kind


class NameField(forms.CharField):
    """A name by the rule that clients' fields have, so that a form takes none that they cannot say."""

    def __init__(self, kind: Kind, **options: Any) -> None:
        """Take the rule, and what any text field takes."""
        self.kind = kind
        super().__init__(widget=UnfoldAdminTextInputWidget, **options)

    def clean(self, value: Any) -> Any:
        """Read the name."""
        text = super().clean(value)
        try:
            return self.kind(text)
        except FieldInvalidError as error:
            raise forms.ValidationError(error.detail) from error


class WireDecimalField(forms.CharField):
    """A decimal that is an integer at `scale` decimals inside; a form sets the scale before it is used."""

    scale = 0

    def __init__(self, **options: Any) -> None:
        """Take what any text field takes."""
        super().__init__(max_length=40, widget=UnfoldAdminTextInputWidget, **options)

    def clean(self, value: Any) -> Any:
        """Read the decimal; what is not required and empty is 0."""
        text = super().clean(value)
        try:
            number = decimal_parse(text, scale=self.scale) if text else 0
        except DecimalError as error:
            raise forms.ValidationError(error.detail) from error
        if number < 0:
            raise forms.ValidationError("Not below 0.")
        return number

    def prepare_value(self, value: Any) -> Any:
        """Show the decimal."""
        return decimal_format(value, scale=self.scale) if isinstance(value, int) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare numbers, not how they are written."""
        try:
            return bool(self.clean(data) != initial)
        except forms.ValidationError:
            return True
