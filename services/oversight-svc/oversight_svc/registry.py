"""Where the tables of oversight-svc and the mapping of its nouns are registered."""

import sqlalchemy as sa
from sqlalchemy.orm import registry

metadata = sa.MetaData()
mapper = registry(metadata=metadata)
Instant = sa.DateTime(timezone=True)
