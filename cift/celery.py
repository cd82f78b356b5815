"""The workers' application: tasks are the apps' own, `apps/<app>/tasks.py`; how they run, the settings say."""

from celery import Celery
from django.conf import settings

app = Celery("cift")
app.config_from_object(settings.CELERY)
app.autodiscover_tasks()
