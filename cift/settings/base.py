"""What every topology shares."""

from pathlib import Path

from cift.settings import variables
from cift.settings.apps import *
from cift.settings.auth import *
from cift.settings.backoffice import *
from cift.settings.channels import *
from cift.settings.databases import DATABASE_ROUTERS, DEFAULT_AUTO_FIELD
from cift.settings.headers import *
from cift.settings.health import *
from cift.settings.identities import *
from cift.settings.journal import *
from cift.settings.logging import *
from cift.settings.metrics import *
from cift.settings.rest import *
from cift.settings.schema import *
from cift.settings.webserver import *

BASE_DIR: Path = variables.BASE_DIR

DEBUG = False
# Whether what serves refuses to start with weak secrets, any host, or debug (cift.exposure).
EXPOSED_REFUSED = False
