"""Settings of meeting-svc."""

from typing import ClassVar

from zhengling.service.settings import ServiceSettings


class Settings(ServiceSettings):
    """The settings of every service, and those of the file store for papers."""

    keeps_files: ClassVar[bool] = True
