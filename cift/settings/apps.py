"""What is installed, and the order requests pass through it."""

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "cift.apps.BackOfficeConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "csp",
    "cift.apps.CiftConfig",
    "apps.marketdata.apps.MarketdataConfig",
    "apps.accounts.apps.AccountsConfig",
    "apps.orders.apps.OrdersConfig",
    "apps.simulation.apps.SimulationConfig",
    "apps.replaying.apps.ReplayingConfig",
    "apps.gateways.apps.GatewaysConfig",
]

MIDDLEWARE = [
    "cift.monitoring.metrics.request_metrics_middleware",
    "cift.http.middleware.request_id_middleware",
    "cift.http.caching.cache_control_middleware",
    "cift.rest.limits.rate_limits_middleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "cift.http.middleware.SlashMiddleware",
    "cift.http.middleware.OptionsMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "cift.http.middleware.TurnsMiddleware",
]

ROOT_URLCONF = "cift.urls"
# Where a login leads that came from nowhere: the back office's form, opened by its address, names no page.
LOGIN_REDIRECT_URL = "/admin/"
ASGI_APPLICATION = "cift.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

CSRF_FAILURE_VIEW = "cift.errors.pages.csrf_failure"

STATIC_URL = "static/"
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True
