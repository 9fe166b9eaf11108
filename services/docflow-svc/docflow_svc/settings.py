"""Settings of docflow-svc."""

from zhengling.service.settings import ServiceSettings


class Settings(ServiceSettings):
    """The settings of every service, without additions."""
