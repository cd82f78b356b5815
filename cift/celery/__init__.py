"""The workers' application: tasks are the apps' own; which and how they run, the settings say."""

from celery import Celery
from django.conf import settings

app = Celery("cift")
app.config_from_object(settings.CELERY)
