"""Settings of oversight-svc."""

from zhengling.service.settings import ServiceSettings


class Settings(ServiceSettings):
    """Nothing beyond what every service has."""
