"""What clients see of logins and registrations, as the API's schema tells it."""

from typing import Annotated

import msgspec

from cift.texts import IdText, TokenText

SecretText = Annotated[str, msgspec.Meta(min_length=1, examples=["eyJhbGciOi"])]
EmailText = Annotated[str, msgspec.Meta(max_length=254, examples=["you@example.com"])]


class TokensBody(msgspec.Struct):
    """An access token, 15 minutes, and the refresh token that gives the next ones, once."""

    access: SecretText
    refresh: SecretText


class TicketBody(msgspec.Struct):
    """A ticket that opens one socket within 30 s."""

    ticket: SecretText


class RegisteredBody(msgspec.Struct):
    """A new user; the account is null until it is open."""

    email: EmailText
    confirmation_required: bool
    account: IdText | None
    consistency_token: TokenText | msgspec.UnsetType = msgspec.UNSET


class ConfirmedBody(msgspec.Struct):
    """A confirmed address; the account is null until it is open."""

    email: EmailText
    account: IdText | None
    consistency_token: TokenText | msgspec.UnsetType = msgspec.UNSET


class SecondFactorBody(msgspec.Struct):
    """Whether there is a second factor, and whether it was given lately."""

    enrolled: bool
    fresh: bool


class EnrolmentBody(msgspec.Struct):
    """What an authenticator is given; it counts once its first code is confirmed."""

    secret: SecretText
    uri: Annotated[str, msgspec.Meta(examples=["otpauth://totp/CIFT%20Markets:you@example.com?secret=ABC"])]


class RecoveryCodesBody(msgspec.Struct):
    """Codes that stand in for the authenticator, once each; shown this once."""

    recovery_codes: list[SecretText]
