"""Topics refer to their decisions; decisions to their ledger entry and to the document drafted for them."""

from zhengling.migrations import execute

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

UP = """
ALTER TABLE topic ADD COLUMN decisions jsonb NOT NULL DEFAULT '[]';
ALTER TABLE decision ADD COLUMN entry jsonb, ADD COLUMN document jsonb;
CREATE INDEX decision_topic ON decision (government, topic_id);
ALTER TABLE topic NO FORCE ROW LEVEL SECURITY;
ALTER TABLE decision NO FORCE ROW LEVEL SECURITY;
ALTER TABLE meeting NO FORCE ROW LEVEL SECURITY;
UPDATE topic SET decisions = made.decisions
FROM (
    SELECT d.topic_id, jsonb_agg(jsonb_build_object('service', 'meeting', 'noun', 'decision', 'id', d.id,
        'number', d.resolution ->> 'number') ORDER BY m.closed_at, d.id) AS decisions
    FROM decision d JOIN meeting m ON m.id = d.meeting_id
    WHERE d.standing <> 'withdrawn' AND m.closed_at IS NOT NULL
    GROUP BY d.topic_id
) made WHERE topic.id = made.topic_id;
ALTER TABLE topic FORCE ROW LEVEL SECURITY;
ALTER TABLE decision FORCE ROW LEVEL SECURITY;
ALTER TABLE meeting FORCE ROW LEVEL SECURITY;
"""
DOWN = """
DROP INDEX decision_topic;
ALTER TABLE decision DROP COLUMN entry, DROP COLUMN document;
ALTER TABLE topic DROP COLUMN decisions;
"""


def upgrade() -> None:
    execute(UP)


def downgrade() -> None:
    execute(DOWN)
