"""Registry of docflow-svc's tables and mappings."""

import sqlalchemy as sa
from sqlalchemy.orm import registry

metadata = sa.MetaData()
mapper = registry(metadata=metadata)
