"""Settings of docflow-svc."""

from zhengling.settings import ServiceSettings


class Settings(ServiceSettings):
    """Nothing beyond what every service has."""
