"""Settings of calendar-svc."""

from zhengling.service.settings import ServiceSettings


class Settings(ServiceSettings):
    """Nothing beyond what every service has."""
