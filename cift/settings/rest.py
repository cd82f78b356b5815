"""Django REST framework."""

REST_FRAMEWORK = {
    # Bearer first: who asks without is answered 401. Session cookies, with CSRF, are for the browsable API.
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apps.accounts.authentication.BearerAuthentication",
        "apps.accounts.authentication.BrowserAuthentication",
    ],
    "EXCEPTION_HANDLER": "cift.rest.handler.exception_handler",
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": [
        "rest_framework.renderers.JSONRenderer",
        "rest_framework.renderers.BrowsableAPIRenderer",
    ],
    "DEFAULT_PARSER_CLASSES": ["cift.rest.parsers.StrictJSONParser"],
    "COERCE_DECIMAL_TO_STRING": True,
}

DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
