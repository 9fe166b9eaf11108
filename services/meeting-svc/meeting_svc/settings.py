"""Settings of meeting-svc."""

from typing import ClassVar

from zhengling.service.settings import ServiceSettings


class Settings(ServiceSettings):
    """What every service has; papers are files."""

    keeps_files: ClassVar[bool] = True
