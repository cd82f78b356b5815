"""Django REST framework."""

from cift.settings import variables

REST_FRAMEWORK = {
    # Bearer first: who asks without is answered 401. Session cookies, with CSRF, are for the browsable API.
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apps.accounts.identity.authentication.BearerAuthentication",
        "apps.accounts.identity.authentication.BrowserAuthentication",
    ],
    "DEFAULT_SCHEMA_CLASS": "cift.rest.schema.CallSchema",
    "VIEW_NAME_FUNCTION": "cift.rest.browsable.view_name",
    "EXCEPTION_HANDLER": "cift.rest.handler.exception_handler",
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": [
        "cift.rest.renderers.StructRenderer",
        "cift.rest.browsable.VenueBrowsableRenderer",
    ],
    "DEFAULT_PARSER_CLASSES": ["cift.rest.parsers.StrictJSONParser"],
    "DEFAULT_THROTTLE_CLASSES": ["cift.rest.limits.AccountThrottle"],
    "COERCE_DECIMAL_TO_STRING": True,
}

# A request's body, in bytes and in the seconds it may take to arrive (cift.http.bodies).
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
BODY_S_MAX = variables.BODY_SECONDS.read()
